//! The demo: stores a real file tree through the sandboxed filesystem driver, reads it back, and compares every digest.
//!
//! It uses the command-line tool as a person would, so that each step can be repeated by hand.

mod tables;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::workspace::Workspace;
use crate::{guests, host, process};
use tables::Row;
use tree::Files;

/// The prefix that everything is stored below.
const PREFIX: &str = "/demo";

/// What the driver may touch.
const GRANT: &str = r#"# All that the driver may touch.
[settings]
root = "/data"

[[directory]]
name = "/data"          # what the driver calls it
host = "./store"        # what it is, relative to this file
access = "read-write"
"#;

/// Where the demo keeps its things.
struct Stage {
    cli: PathBuf,
    driver: PathBuf,
    /// What is stored.
    tree: PathBuf,
    grant: PathBuf,
    /// What was read back.
    back: PathBuf,
}

/// What `put --json` and `get --json` print.
#[derive(Debug, Deserialize)]
struct Totals {
    files: u64,
    bytes: u64,
    seconds: f64,
}

/// What is used here of an entry that `ls --json` prints.
#[derive(Debug, Deserialize)]
struct Listed {
    path: String,
    size: u64,
}

/// Runs the demo, and prints its tables to standard output.
///
/// # Errors
/// A step fails, or what was read back is not what was stored, byte for byte.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step("building the command-line tool and the drivers (the first time this takes some minutes)");
    let mut drivers = guests::discover(workspace)?;
    drivers.retain(|guest| guest.example);
    guests::build(workspace, &drivers)?;
    host::build_cli(workspace)?;

    let stage = Stage::set(workspace)?;
    step("making a file tree from crates' sources and build products");
    tree::make(&stage.tree, &tree::crate_sources(), &workspace.target().join("release/deps"), &tree::DEMO)?;
    let stored = tree::digests(&stage.tree)?;

    step("storing it through target/drivers/filesystem.wasm");
    let put: Totals = stage.cofferdam("put", |command| command.args(["-r", "--json"]).arg(&stage.tree).arg(PREFIX))?;
    step("listing it");
    let began = Instant::now();
    let listed: Vec<Listed> = stage.cofferdam("ls", |command| command.args(["-r", "--json", PREFIX]))?;
    let seconds = began.elapsed().as_secs_f64();
    compare_list(&stored, &listed)?;
    step("reading it back");
    let get: Totals = stage.cofferdam("get", |command| command.args(["-r", "--json", PREFIX]).arg(&stage.back))?;
    step("comparing every digest");
    let compared = compare(&stored, &tree::digests(&stage.back)?)?;

    let all = (stored.len() as u64, stored.values().map(|entry| entry.size).sum::<u64>());
    ensure!((put.files, put.bytes) == all, "put says {put:?}, and the tree has {all:?}");
    ensure!((get.files, get.bytes) == all, "get says {get:?}, and the tree has {all:?}");
    tables::print_work(&[
        Row::moved("stored", put.files, put.bytes, put.seconds),
        Row::listed("listed", listed.len() as u64, seconds),
        Row::moved("read back", get.files, get.bytes, get.seconds),
    ]);
    println!("\n{compared} of {} sha256 digests compared, all equal\n", stored.len());
    let inspection: tables::Inspection = stage.inspect()?;
    tables::print_sandbox(&inspection);
    println!("\nLook at what was stored: ls -R target/demo/store; see every call of the driver:");
    println!("target/release/cofferdam --trace ls {PREFIX} --driver target/drivers/filesystem.wasm --grant target/demo/grant.toml");
    Ok(())
}

fn step(what: &str) {
    eprintln!("demo: {what}");
}

impl Stage {
    /// An empty stage with its grant file.
    fn set(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target().join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
        }
        let stage = Self {
            cli: workspace.cli(),
            driver: workspace.drivers().join("filesystem.wasm"),
            tree: folder.join("tree"),
            grant: folder.join("grant.toml"),
            back: folder.join("back"),
        };
        for folder in [&stage.tree, &stage.back, &folder.join("store")] {
            fs::create_dir_all(folder)?;
        }
        fs::write(&stage.grant, GRANT)?;
        Ok(stage)
    }

    /// Runs a command of the tool against the driver; answers the JSON that it prints.
    fn cofferdam<T: for<'a> Deserialize<'a>>(&self, name: &str, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<T> {
        let mut command = Command::new(&self.cli);
        arguments(command.arg(name)).arg("--driver").arg(&self.driver).arg("--grant").arg(&self.grant);
        parse(&mut command)
    }

    fn inspect(&self) -> Result<tables::Inspection> {
        parse(Command::new(&self.cli).args(["inspect", "--json"]).arg(&self.driver))
    }
}

fn parse<T: for<'a> Deserialize<'a>>(command: &mut Command) -> Result<T> {
    let printed = process::output(command)?;
    serde_json::from_str(&printed).with_context(|| format!("{} did not print the JSON that was expected", process::line(command)))
}

/// Whether the store lists just what was stored, with its sizes.
fn compare_list(stored: &Files, listed: &[Listed]) -> Result<()> {
    ensure!(stored.len() == listed.len(), "{} files were stored and {} are listed", stored.len(), listed.len());
    for entry in listed {
        let name = Path::new(&entry.path).strip_prefix(PREFIX).ok().and_then(Path::to_str).unwrap_or(&entry.path);
        match stored.get(name) {
            Some(file) if file.size == entry.size => {}
            Some(file) => bail!("{name} has {} bytes and is listed with {}", file.size, entry.size),
            None => bail!("{} is listed and was not stored", entry.path),
        }
    }
    Ok(())
}

/// Compares what came back with what was stored; answers how many digests were compared.
fn compare(stored: &Files, back: &Files) -> Result<usize> {
    for (name, file) in stored {
        match back.get(name) {
            Some(other) if other == file => {}
            Some(other) => bail!("{name} came back changed: {} bytes in, {} bytes out, and another digest", file.size, other.size),
            None => bail!("{name} did not come back"),
        }
    }
    ensure!(back.len() == stored.len(), "{} files were stored and {} came back", stored.len(), back.len());
    Ok(stored.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::tree::Entry;
    use super::*;

    fn files(entries: &[(&str, u64, u8)]) -> Files {
        entries.iter().map(|(name, size, digest)| ((*name).to_owned(), Entry { size: *size, digest: [*digest; 32] })).collect()
    }

    #[test]
    fn a_changed_a_missing_and_a_surplus_file_are_found() {
        let stored = files(&[("a", 1, 1), ("b/c", 2, 2)]);
        assert_eq!(compare(&stored, &stored).unwrap(), 2);
        for (back, says) in [
            (files(&[("a", 1, 1), ("b/c", 2, 9)]), "b/c came back changed"),
            (files(&[("a", 1, 1)]), "b/c did not come back"),
            (files(&[("a", 1, 1), ("b/c", 2, 2), ("d", 0, 0)]), "3 came back"),
        ] {
            assert!(compare(&stored, &back).unwrap_err().to_string().contains(says));
        }
    }

    #[test]
    fn a_list_that_lies_is_found() {
        let stored = files(&[("a", 1, 1)]);
        let listed = |path: &str, size| [Listed { path: path.to_owned(), size }];
        compare_list(&stored, &listed("/demo/a", 1)).unwrap();
        assert!(compare_list(&stored, &listed("/demo/a", 2)).is_err());
        assert!(compare_list(&stored, &listed("/demo/b", 1)).is_err());
        assert!(compare_list(&stored, &[]).is_err());
    }
}
