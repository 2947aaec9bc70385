//! Where things are in the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The checkout that `cargo xtask` was started in.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program was built from.
    ///
    /// # Errors
    /// The program was not started by `cargo` and its sources are gone.
    pub(crate) fn locate() -> Result<Self> {
        // cargo sets the variable at run time too: a built xtask then works in a checkout that was moved.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask is a folder of the workspace")?.canonicalize()?;
        Ok(Self { root })
    }

    /// The checkout itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that is built.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The components, `target/drivers/`.
    pub(crate) fn drivers(&self) -> PathBuf {
        self.target().join("drivers")
    }

    /// The command-line tool of the profile that everything shares.
    pub(crate) fn cli(&self) -> PathBuf {
        self.target().join("release").join(format!("cofferdam{}", std::env::consts::EXE_SUFFIX))
    }

    /// A command of the cargo that runs xtask, in the workspace and building into its `target/`.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.arg(subcommand).current_dir(&self.root).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
        command
    }

    /// The packages of the workspace.
    ///
    /// # Errors
    /// A manifest that cargo refuses.
    pub(crate) fn packages(&self) -> Result<Vec<Package>> {
        let printed = process::output(self.cargo("metadata").args(["--no-deps", "--format-version", "1"]))?;
        let metadata: Metadata = serde_json::from_str(&printed).context("cargo metadata printed something else than its JSON")?;
        Ok(metadata.packages)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package, as `cargo metadata` describes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// What is built from it.
    pub(crate) targets: Vec<Target>,
    /// What it needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// `[package.metadata]`; null where there is none.
    #[serde(default)]
    pub(crate) metadata: serde_json::Value,
}

/// A library, binary, test or other target of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// Its name; a library's has underscores.
    pub(crate) name: String,
    /// `lib`, `rlib`, `cdylib`, `bin`, `test` …
    pub(crate) kind: Vec<String>,
    /// Its entry file.
    pub(crate) src_path: PathBuf,
}

/// What a package depends on.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The name of the package that is needed.
    pub(crate) name: String,
}
