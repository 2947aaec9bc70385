//! Which driver, with which grant: from flags or from `cofferdam.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use cofferdam::grant::{Grant, MountFile, SettingValue};
use cofferdam::{Digest, Driver, Engine, EngineOptions, Mount, MountOptions};
use cofferdam_build::Project;

use crate::build;

/// What is looked for in the current directory.
const CONFIG: &str = "cofferdam.toml";

/// The driver and its grant.
#[derive(Debug, Args)]
#[command(next_help_heading = "Driver and grant")]
pub(crate) struct DriverOptions {
    /// The driver's `.wasm`, instead of the one that `cofferdam.toml` names
    #[arg(long, value_name = "FILE")]
    driver: Option<PathBuf>,
    #[command(flatten)]
    grant: GrantOptions,
}

/// The grant of a driver that is known.
#[derive(Debug, Args)]
#[command(next_help_heading = "Driver and grant")]
pub(crate) struct GrantOptions {
    /// The grant file, instead of the tables in `cofferdam.toml`
    #[arg(long, value_name = "FILE")]
    grant: Option<PathBuf>,
    /// A setting of the driver, over the grant's; may be repeated
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// The digest that the driver must have
    #[arg(long, value_name = "sha256:HEX")]
    pin: Option<Digest>,
    /// The file that says `driver = "…"` and has the grant's tables [default: cofferdam.toml in the current directory, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// A driver to load, and what it is granted.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Its file.
    pub(crate) driver: PathBuf,
    /// The digest that it must have.
    pub(crate) pin: Option<Digest>,
    /// What it may touch.
    pub(crate) grant: Grant,
}

impl DriverOptions {
    /// The driver, mounted with its grant.
    ///
    /// # Errors
    /// If no driver is named, a file is wrong, or the driver does not load or start with this grant.
    pub(crate) async fn mount(&self) -> Result<Mount> {
        self.grant.choose(self.driver.as_deref())?.mount().await
    }
}

impl GrantOptions {
    /// Puts flags and `cofferdam.toml` together; the flags win.
    ///
    /// # Errors
    /// If no driver is named, or a file is wrong.
    pub(crate) fn choose(&self, driver: Option<&Path>) -> Result<Choice> {
        // With both flags given the file has nothing left to say, so a broken one is no obstacle.
        let settled = driver.is_some() && self.grant.is_some();
        let file = match &self.config {
            Some(file) => Some(MountFile::from_file(file)?),
            // In a driver's project the file is the project's.
            None if driver.is_none() && !settled && is_project() => return self.choose_of_project(&build::project(Path::new("."))?),
            None if !settled && Path::new(CONFIG).exists() && !is_project() => Some(MountFile::from_file(Path::new(CONFIG))?),
            None => None,
        };
        let (from_file, pinned, tables) = file.map_or((None, None, None), |file| (file.driver, file.pin, Some(file.grant)));
        let mut grant = match &self.grant {
            Some(file) => Grant::from_file(file)?,
            None => tables.unwrap_or_default(),
        };
        self.complete(&mut grant);
        let (driver, pin) = match (driver, from_file) {
            // The file's pin is of the file's driver.
            (Some(driver), _) => (driver.to_owned(), self.pin),
            (None, Some(driver)) => {
                let pinned = pinned.map(|pin| pin.parse()).transpose().with_context(|| format!("`pin` in {}", self.config_name()))?;
                (driver, self.pin.or(pinned))
            }
            (None, None) => bail!("no driver is named: give --driver FILE, or write driver = \"FILE\" in {}", self.config_name()),
        };
        Ok(Choice { driver, pin, grant })
    }

    /// The component of a project, with the grant that it names or that a flag does.
    ///
    /// # Errors
    /// If the component was not built, or a file is wrong.
    pub(crate) fn choose_of_project(&self, project: &Project) -> Result<Choice> {
        build::check_built(project)?;
        let mut grant = match self.grant.as_ref().or(project.grant.as_ref()) {
            Some(file) => Grant::from_file(file)?,
            None => Grant::default(),
        };
        self.complete(&mut grant);
        Ok(Choice { driver: project.component.clone(), pin: self.pin, grant })
    }

    /// Puts into a grant what flags and the machine say.
    fn complete(&self, grant: &mut Grant) {
        // Standard input may be larger than the spool's memory. The spool's files have no name and vanish with the process.
        grant.spool.directory.get_or_insert_with(std::env::temp_dir);
        grant.settings.extend(self.settings.iter().map(|(name, value)| (name.clone(), SettingValue::Untyped(value.clone()))));
    }

    fn config_name(&self) -> String {
        self.config.as_deref().unwrap_or(Path::new(CONFIG)).display().to_string()
    }
}

/// Whether the file in the current directory is that of a driver's project, rather than a grant that names its driver.
fn is_project() -> bool {
    cofferdam_build::project::is_project(Path::new(CONFIG))
}

impl Choice {
    /// Loads the driver.
    ///
    /// # Errors
    /// If the file is no driver that this host can run.
    pub(crate) fn load(&self) -> Result<Driver> {
        load(&self.driver, self.pin.as_ref())
    }

    /// Loads and mounts the driver.
    ///
    /// # Errors
    /// As [`Choice::load`], and if it does not start with this grant.
    pub(crate) async fn mount(self) -> Result<Mount> {
        let driver = self.load()?;
        let mut options = MountOptions::default();
        options.name = self.driver.file_stem().map(|name| name.to_string_lossy().into_owned());
        Ok(Mount::open(&driver, &self.grant, options).await?)
    }
}

/// Loads the driver in `file`; what was compiled once is kept in [`cache`].
///
/// # Errors
/// If the file is no driver that this host can run.
pub(crate) fn load(file: &Path, pin: Option<&Digest>) -> Result<Driver> {
    Ok(Driver::load_file(&engine()?, file, pin)?)
}

/// An engine that keeps what it compiles in [`cache`].
///
/// # Errors
/// If the machine cannot run one.
pub(crate) fn engine() -> Result<Engine> {
    let options = cache().map_or_else(EngineOptions::default, EngineOptions::cached_in);
    Ok(Engine::new(options)?)
}

/// Where compiled drivers are kept: `$COFFERDAM_CACHE` (empty: nowhere), or the user's cache directory.
fn cache() -> Option<PathBuf> {
    match std::env::var_os("COFFERDAM_CACHE") {
        Some(directory) => (!directory.is_empty()).then(|| directory.into()),
        None => dirs::cache_dir().map(|directory| directory.join("cofferdam")),
    }
}
