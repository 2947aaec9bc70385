//! Rust: cargo, for a target without an operating system, so that a component imports just what its driver calls.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::read;
use crate::component::{Adapter, encode};
use crate::error::{Error, Result};
use crate::process;
use crate::project::Project;
use crate::tools::Tools;

/// What drivers are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How Rust is had.
const REMEDY: &str = "install Rust with rustup, https://rustup.rs";

/// The component of a project.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let cargo = process::need("cargo", "Rust", REMEDY)?;
    provision(tools, step)?;
    let manifest = project.root.join("Cargo.toml");
    let target = project.work().join("target");
    step("compiling with cargo");
    let mut command = Command::new(cargo);
    // As a `cdylib` only: with a library beside it cargo would leave link-time optimisation out.
    command.current_dir(&project.root).args(["rustc", "--quiet", "--release", "--lib", "--crate-type", "cdylib", "--target", TARGET]);
    if !tools.may_install() {
        command.arg("--offline");
    }
    // The flags of whoever calls this are for the host.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    process::run(command.arg("--manifest-path").arg(&manifest).arg("--target-dir").arg(&target))?;
    let core = target.join(TARGET).join("release").join(format!("{}.wasm", library(&manifest)?));
    encode(&read(&core)?, Adapter::None)
}

/// Sees to it that the standard library of [`TARGET`] is there.
fn provision(tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<()> {
    let rustc = process::need("rustc", "Rust", REMEDY)?;
    let is_there = || {
        let sysroot = process::ask(Command::new(&rustc).arg("--print=sysroot")).map(PathBuf::from);
        sysroot.is_some_and(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir())
    };
    if is_there() {
        return Ok(());
    }
    let missing = || Error::Missing {
        language: "Rust",
        what: format!("the standard library for {TARGET}"),
        remedy: format!("`rustup target add {TARGET}` installs it (Debian: `apt-get install libstd-rust-dev-wasm32`)"),
    };
    let rustup = process::find("rustup").filter(|_| tools.may_install()).ok_or_else(missing)?;
    step(&format!("rustup target add {TARGET} (once)"));
    process::run(Command::new(rustup).args(["target", "add", TARGET]))?;
    if is_there() { Ok(()) } else { Err(missing()) }
}

/// The name of a package's library, as its file has it.
fn library(manifest: &std::path::Path) -> Result<String> {
    let text = fs::read_to_string(manifest).map_err(Error::file("read", manifest))?;
    let table: toml::Table = text.parse().map_err(|error| Error::contract(manifest.display(), error))?;
    let named = ["lib", "package"].iter().find_map(|part| table.get(*part)?.get("name")?.as_str());
    named.map(|name| name.replace('-', "_")).ok_or_else(|| Error::contract(manifest.display(), "it names no package"))
}
