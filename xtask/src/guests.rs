//! Builds every guest of the workspace into a component in `target/drivers/`.
//!
//! Guests are found, not listed: each package below `example-drivers/` or `tests/fixtures/` with a `cdylib`. A component is
//! named after its package without `-driver`, unless the package says otherwise:
//!
//! ```toml
//! [package.metadata.cofferdam]
//! component = "skeleton-rust"
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

use crate::guest_toolchain::{self, TARGET};
use crate::process;
use crate::workspace::{Package, Workspace};

/// Where guests are, from the workspace's root.
const FOLDERS: [&str; 2] = ["example-drivers", "tests/fixtures"];

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
    /// The core module's file is `<module>.wasm`.
    module: String,
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
            module: target.name.replace('-', "_"),
        })
    }
}

/// The guests of the workspace.
///
/// # Errors
/// A manifest that cargo refuses, or two guests with one name.
pub(crate) fn discover(workspace: &Workspace) -> Result<Vec<Guest>> {
    let folders = FOLDERS.map(|folder| workspace.root().join(folder));
    let packages = workspace.packages()?;
    let of_guests = packages.iter().filter(|package| folders.iter().any(|folder| package.manifest_path.starts_with(folder)));
    let mut guests: Vec<_> = of_guests.filter_map(Guest::of).collect();
    guests.sort_by(|a, b| a.component.cmp(&b.component));
    for pair in guests.windows(2) {
        let [first, second] = pair else { continue };
        ensure!(first.component != second.component, "{} and {} would both become {}.wasm", first.package, second.package, first.component);
    }
    Ok(guests)
}

/// Builds the guests whose components have these names, or all of them where none is named, as far as their sources have
/// changed; answers the components.
///
/// # Errors
/// No such guest, no toolchain, a guest that does not compile, or a module that is no component: what it imports or
/// exports does not fit the world that it names.
pub(crate) fn build(workspace: &Workspace, only: &[String]) -> Result<Vec<PathBuf>> {
    let mut guests = discover(workspace)?;
    ensure!(!guests.is_empty(), "no guest in {}", FOLDERS.join(" or "));
    let names: Vec<_> = guests.iter().map(|guest| guest.component.clone()).collect();
    for name in only {
        ensure!(names.contains(name), "there is no guest {name}, only {}", names.join(", "));
    }
    guests.retain(|guest| only.is_empty() || only.contains(&guest.component));
    let toolchain = guest_toolchain::find(workspace)?;
    let modules = workspace.target().join("guests");
    let mut command = toolchain.cargo(workspace, "build");
    // `--locked`: two versions of cargo build in this workspace, and only the host's may decide what the lock file says.
    command.args(["--locked", "--quiet", "--lib", "--profile", PROFILE, "--target-dir"]).arg(&modules);
    for guest in &guests {
        command.args(["--package", &guest.package]);
    }
    process::run(&mut command)?;
    let modules = modules.join(TARGET).join(PROFILE);
    guests.iter().map(|guest| encode(guest, &modules, &workspace.drivers())).collect()
}

/// Makes a component of a core module, which carries the world that it was made for.
fn encode(guest: &Guest, modules: &Path, drivers: &Path) -> Result<PathBuf> {
    let module = modules.join(format!("{}.wasm", guest.module));
    let core = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    let encoded = ComponentEncoder::default().validate(true).module(&core).and_then(|encoder| encoder.encode());
    let component = encoded.with_context(|| format!("making a component of {}", guest.package))?;
    let file = drivers.join(format!("{}.wasm", guest.component));
    if replace(&file, &component)? {
        eprintln!("built target/drivers/{}.wasm, {} KiB", guest.component, component.len().div_ceil(1024));
    }
    Ok(file)
}

/// Gives `file` these contents, all at once, unless it has them; answers whether it had not.
fn replace(file: &Path, contents: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|there| there == contents) {
        return Ok(false);
    }
    let folder = file.parent().context("a component is in a folder")?;
    fs::create_dir_all(folder)?;
    let mut unfinished = tempfile::Builder::new().permissions(permissions()).tempfile_in(folder)?;
    unfinished.write_all(contents)?;
    unfinished.persist(file).with_context(|| format!("writing {}", file.display()))?;
    Ok(true)
}

/// As any file that is made: a temporary one would be its owner's only.
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o644)
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
        manifest["metadata"] = serde_json::json!({ "cofferdam": { "component": "other" } });
        assert_eq!(Guest::of(&package(manifest.clone())).unwrap().component, "other");
        manifest["targets"][0]["kind"] = serde_json::json!(["rlib"]);
        assert_eq!(Guest::of(&package(manifest)), None);
    }

    #[test]
    fn the_guests_of_this_workspace_are_found() {
        let guests = discover(&Workspace::locate().unwrap()).unwrap();
        let components: Vec<_> = guests.iter().map(|guest| guest.component.as_str()).collect();
        for component in ["broken", "filesystem", "hostile", "memory", "skeleton-rust"] {
            assert!(components.contains(&component), "{component} in {components:?}");
        }
    }

    #[test]
    fn a_file_is_written_only_if_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drivers/a.wasm");
        assert!(replace(&file, b"one").unwrap());
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        assert!(!replace(&file, b"one").unwrap());
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
        assert!(replace(&file, b"two").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("drivers")).unwrap().count(), 1);
    }
}
