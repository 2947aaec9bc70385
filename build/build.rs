//! Lists what the binary carries: the contract, and of every language its SDK and its template.
//!
//! A list that is made at build time is never out of date, and none is committed. Links are followed: what a package of an SDK links to is
//! carried as a file of its own.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What tools leave in a folder, and no author wants.
const LEFT_OUT: [&str; 8] = [".cofferdam", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "node_modules", "target"];

fn main() -> io::Result<()> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // In the published package beside this file; in the workspace one above.
    let packed = own.join("carried");
    let above = own.parent().unwrap_or(&own).to_owned();
    let top = if packed.is_dir() { packed } else { above };
    println!("cargo::rerun-if-changed=build.rs");
    let workspace = fs::read_to_string(top.join("Cargo.toml")).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let mut list = String::from("&[\n");
    for folder in ["wit", "guest-sdk"] {
        println!("cargo::rerun-if-changed={}", top.join(folder).display());
        let mut files = Vec::new();
        walk(&top.join(folder), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(&top).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
            let whole = standalone(&file, workspace.as_ref()).map(|text| -> io::Result<PathBuf> {
                let there = out.join(name.replace('/', "+"));
                fs::write(&there, text)?;
                Ok(there)
            });
            let from = whole.transpose()?.unwrap_or(file);
            writeln!(list, "    ({name:?}, include_bytes!({:?})),", from.display().to_string()).map_err(io::Error::other)?;
        }
    }
    list.push_str("]\n");
    fs::write(out.join("carried.rs"), list)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if LEFT_OUT.contains(&&*name) || name.ends_with(".wasm") || name.ends_with(".egg-info") {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// A manifest of cargo without what it inherits from the workspace, as `cargo package` would write it; `None` for any other file.
fn standalone(file: &Path, workspace: Option<&toml::Table>) -> Option<String> {
    if file.file_name()? != "Cargo.toml" || file.components().any(|part| part.as_os_str() == "template") {
        return None;
    }
    let workspace = workspace?.get("workspace")?.as_table()?;
    let mut manifest = fs::read_to_string(file).ok()?.parse::<toml::Table>().ok()?;
    if let Some(package) = manifest.get_mut("package").and_then(toml::Value::as_table_mut) {
        inherit(package, workspace.get("package")?.as_table()?);
    }
    manifest.remove("lints");
    let shared = workspace.get("dependencies")?.as_table()?;
    if let Some(dependencies) = manifest.get_mut("dependencies").and_then(toml::Value::as_table_mut) {
        inherit(dependencies, shared);
    }
    let targets = manifest.get_mut("target").and_then(toml::Value::as_table_mut);
    for (_, target) in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        if let Some(dependencies) = target.get_mut("dependencies").and_then(toml::Value::as_table_mut) {
            inherit(dependencies, shared);
        }
    }
    toml::to_string(&manifest).ok()
}

/// Puts the shared value in the place of each `{ workspace = true }`, with what stands beside that.
fn inherit(table: &mut toml::Table, shared: &toml::Table) {
    for (name, value) in table.iter_mut() {
        let Some(own) = value.as_table().filter(|own| own.get("workspace").and_then(toml::Value::as_bool) == Some(true)) else { continue };
        let Some(from) = shared.get(name) else { continue };
        let mut beside = own.clone();
        beside.remove("workspace");
        *value = match from {
            whole if beside.is_empty() => whole.clone(),
            toml::Value::Table(table) => {
                let mut table = table.clone();
                table.extend(beside);
                toml::Value::Table(table)
            }
            version => {
                let mut table = toml::Table::from_iter([("version".to_owned(), version.clone())]);
                table.extend(beside);
                toml::Value::Table(table)
            }
        };
    }
}
