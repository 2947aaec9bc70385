//! Builds every guest of the workspace into a component in `target/drivers/`.
//!
//! Guests are found, not listed: each package below `example-drivers/` or `tests/fixtures/` with a `cdylib`. A component is
//! named after its package without `-driver`, unless the package says otherwise:
//!
//! ```toml
//! [package.metadata.cofferdam]
//! component = "skeleton-rust"
//! # It stores to a server, which the tests start: nothing else can certify it.
//! server = true
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wit_component::{ComponentEncoder, metadata};

use crate::guest_toolchain::{self, TARGET, Toolchain};
use crate::process;
use crate::workspace::{Package, Workspace};

/// Where the guests are that authors learn from.
const EXAMPLES: &str = "example-drivers";

/// Where guests are, from the workspace's root.
const FOLDERS: [&str; 2] = [EXAMPLES, "tests/fixtures"];

/// The profile of the root `Cargo.toml` that they are built with.
const PROFILE: &str = "guest";

/// A package that becomes a component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// The package's name.
    pub(crate) package: String,
    /// The component's file is `<component>.wasm`.
    pub(crate) component: String,
    /// Whether other packages, its own tests among them, can use it as a library.
    pub(crate) library: bool,
    /// Whether it is an example for driver authors, rather than a fixture of the tests.
    pub(crate) example: bool,
    /// Whether it stores to a server, so that only a test which starts one can certify it.
    pub(crate) server: bool,
    /// The core module's file is `<module>.wasm`.
    module: String,
    /// Whether it depends on other guests.
    uses_guests: bool,
}

impl Guest {
    fn of(package: &Package) -> Option<Self> {
        let target = package.targets.iter().find(|target| target.kind.iter().any(|kind| kind == "cdylib"))?;
        let named = package.metadata.pointer("/cofferdam/component").and_then(|name| name.as_str());
        let component = named.unwrap_or_else(|| package.name.strip_suffix("-driver").unwrap_or(&package.name));
        Some(Self {
            package: package.name.clone(),
            component: component.to_owned(),
            library: target.kind.iter().any(|kind| kind == "rlib" || kind == "lib"),
            example: package.manifest_path.parent().is_some_and(|folder| folder.parent().is_some_and(|parent| parent.ends_with(EXAMPLES))),
            server: package.metadata.pointer("/cofferdam/server").and_then(serde_json::Value::as_bool).unwrap_or_default(),
            module: target.name.replace('-', "_"),
            uses_guests: false,
        })
    }
}

/// The guests of the workspace.
///
/// # Errors
/// A manifest that cargo refuses, or two guests with one name.
pub(crate) fn discover(workspace: &Workspace) -> Result<Vec<Guest>> {
    let folders = FOLDERS.map(|folder| workspace.root().join(folder));
    let mut packages = workspace.packages()?;
    packages.retain(|package| folders.iter().any(|folder| package.manifest_path.starts_with(folder)));
    let names: Vec<_> = packages.iter().map(|package| package.name.clone()).collect();
    let mut guests: Vec<_> = packages
        .iter()
        .filter_map(|package| {
            let uses_guests = package.dependencies.iter().any(|dependency| names.contains(&dependency.name));
            Some(Guest { uses_guests, ..Guest::of(package)? })
        })
        .collect();
    guests.sort_by(|a, b| a.component.cmp(&b.component));
    for pair in guests.windows(2) {
        let [first, second] = pair else { continue };
        ensure!(first.component != second.component, "{} and {} would both become {}.wasm", first.package, second.package, first.component);
    }
    ensure!(!guests.is_empty(), "no guest in {}", FOLDERS.join(" or "));
    Ok(guests)
}

/// The guests whose components have these names.
///
/// # Errors
/// As [`discover`], or there is no such guest.
pub(crate) fn named(workspace: &Workspace, names: &[String]) -> Result<Vec<Guest>> {
    let mut guests = discover(workspace)?;
    let there: Vec<_> = guests.iter().map(|guest| guest.component.clone()).collect();
    for name in names {
        ensure!(there.contains(name), "there is no guest {name}, only {}", there.join(", "));
    }
    guests.retain(|guest| names.contains(&guest.component));
    Ok(guests)
}

/// Builds guests, as far as their sources have changed; answers the components.
///
/// # Errors
/// No toolchain, a guest that does not compile, or a module that is no component: what it imports or exports does not
/// fit the world that it names.
pub(crate) fn build(workspace: &Workspace, guests: &[Guest]) -> Result<Vec<PathBuf>> {
    let toolchain = guest_toolchain::find(workspace)?;
    let mut failed = Vec::new();
    let mut built = Vec::new();
    for guest in guests {
        let component = compile(guest, &toolchain, workspace).and_then(|module| encode(guest, &module, &workspace.drivers()));
        match component {
            Ok(component) => built.push(component),
            // The others are built all the same: whoever works on one of them need not wait for this one.
            Err(error) => failed.push(format!("{}: {error:#}", guest.package)),
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(built)
}

/// Compiles one guest into a core module: as a `cdylib` only, because with a library beside it cargo would leave link-time
/// optimisation out, and the module would be half as large again.
fn compile(guest: &Guest, toolchain: &Toolchain, workspace: &Workspace) -> Result<PathBuf> {
    // In one folder a guest as a `cdylib` and the same guest as another's library would compile each other away, every time.
    let folder = workspace.target().join(if guest.uses_guests { "guests-of-guests" } else { "guests" });
    let mut command = toolchain.cargo(workspace, "rustc");
    // `--locked`: two versions of cargo build in this workspace, and only the host's may decide what the lock file says.
    command.args(["--locked", "--quiet", "--lib", "--crate-type", "cdylib", "--profile", PROFILE, "--package", &guest.package]);
    process::run(command.arg("--target-dir").arg(&folder))?;
    Ok(folder.join(TARGET).join(PROFILE).join(format!("{}.wasm", guest.module)))
}

/// Makes a component of a core module, which carries the world that it was made for.
fn encode(guest: &Guest, module: &Path, drivers: &Path) -> Result<PathBuf> {
    let core = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    let (world, _) = metadata::decode(&core)?;
    ensure!(world.is_some(), "it exports nothing of the contract: its crate does not say `export_driver!`");
    let component = ComponentEncoder::default().validate(true).module(&core)?.encode()?;
    let file = drivers.join(format!("{}.wasm", guest.component));
    if cofferdam_build::replace(&file, &component)? {
        eprintln!("built target/drivers/{}.wasm, {} KiB", guest.component, component.len().div_ceil(1024));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn package(manifest: serde_json::Value) -> Package {
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn a_component_is_named_after_its_package_unless_that_says_otherwise() {
        let mut manifest = serde_json::json!({
            "name": "my-disk-driver", "manifest_path": "/x/Cargo.toml", "dependencies": [], "metadata": null,
            "targets": [{ "name": "my_disk_driver", "kind": ["cdylib", "rlib"], "src_path": "/x/src/lib.rs" }],
        });
        let guest = Guest::of(&package(manifest.clone())).unwrap();
        assert_eq!((guest.component.as_str(), guest.module.as_str(), guest.library), ("my-disk", "my_disk_driver", true));
        assert!(!guest.example && !guest.server);
        manifest["metadata"] = serde_json::json!({ "cofferdam": { "component": "other", "server": true } });
        let guest = Guest::of(&package(manifest.clone())).unwrap();
        assert_eq!((guest.component.as_str(), guest.server), ("other", true));
        manifest["manifest_path"] = serde_json::json!("/x/example-drivers/my-disk/Cargo.toml");
        assert!(Guest::of(&package(manifest.clone())).unwrap().example);
        manifest["targets"][0]["kind"] = serde_json::json!(["rlib"]);
        assert_eq!(Guest::of(&package(manifest)), None);
    }

    #[test]
    fn the_guests_of_this_workspace_are_found() {
        let guests = discover(&Workspace::locate().unwrap()).unwrap();
        let components: Vec<_> = guests.iter().map(|guest| guest.component.as_str()).collect();
        for component in ["filesystem", "hostile", "memory", "s3", "skeleton-rust"] {
            assert!(components.contains(&component), "{component} in {components:?}");
        }
    }
}
