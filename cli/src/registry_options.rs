//! Which registry: from a file, or from nothing but a directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use cofferdam_registry::{Config, DEFAULT_ADDRESS};

use crate::failure::Advised;

/// Where a registry without a file is.
const DATA: &str = "cofferdam-data";

/// The driver of a registry without a file.
const DRIVER: &str = "filesystem.wasm";

/// A registry.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryOptions {
    /// The directory that everything is kept in [default: cofferdam-data]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The driver's `.wasm`; it is granted the directory as `/data` [default: the filesystem driver]
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    driver: Option<PathBuf>,
    /// The registry's configuration: listeners, mounts, access and all else (docs/registry.md)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl RegistryOptions {
    /// The directory of a registry without a file: absolute.
    ///
    /// # Errors
    /// If the current directory is gone.
    pub(crate) fn data(&self) -> Result<Option<PathBuf>> {
        if self.config.is_some() {
            return Ok(None);
        }
        let data = self.data.as_deref().unwrap_or(Path::new(DATA));
        std::path::absolute(data).map(Some).context("the current directory is gone")
    }

    /// What the file says, or the flags alone.
    ///
    /// # Errors
    /// If the file is wrong, or there is no driver.
    pub(crate) fn config(&self) -> Result<Config> {
        if let Some(file) = &self.config {
            return Ok(Config::from_file(file)?);
        }
        let driver = match &self.driver {
            Some(driver) => driver.clone(),
            None => default_driver()?,
        };
        Ok(Config::standalone(DEFAULT_ADDRESS, &self.data()?.unwrap_or_default(), &driver))
    }
}

/// `drivers/filesystem.wasm` beside the directory that this program is in: where `cargo xtask build` puts it, and packages do.
fn default_driver() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find out where this program is")?;
    let beside = program.parent().and_then(Path::parent).map(|root| root.join("drivers").join(DRIVER)).unwrap_or_default();
    if beside.is_file() {
        return Ok(beside);
    }
    let message = format!("there is no filesystem driver at {}", beside.display());
    Err(Advised::new(message, "build it with `cargo xtask build --drivers filesystem`, or name one with --driver FILE").into())
}
