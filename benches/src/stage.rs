//! What the benchmarks stand on: an engine, the two drivers, a scratch directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam::{Access, DirectoryGrant, Driver, Engine, EngineOptions, Grant, Mount, MountOptions, SettingValue};

/// Engine, drivers and mounts.
pub(crate) struct Stage {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) drivers: PathBuf,
    pub(crate) filesystem: Mount,
    pub(crate) memory: Mount,
}

impl Stage {
    /// Opens everything, in the directory that `COFFERDAM_BENCH_DIR` names, else below `target`.
    pub(crate) async fn set() -> Result<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let drivers = target.join("drivers");
        let base = std::env::var_os("COFFERDAM_BENCH_DIR").map_or(target, PathBuf::from);
        let scratch = tempfile::tempdir_in(&base).with_context(|| format!("cannot make a directory in {}", base.display()))?;
        let engine = Engine::new(EngineOptions::cached_in(scratch.path().join("cache")))?;
        std::fs::create_dir(scratch.path().join("data"))?;
        let filesystem = open(&engine, &drivers.join("filesystem.wasm"), &Self::filesystem_grant(&scratch.path().join("data"))).await?;
        let mut grant = Grant::default();
        // The whole object lies in the guest's memory, and grows there by doubling.
        grant.settings.insert("capacity".to_owned(), SettingValue::Integer(1 << 30));
        grant.limits.memory = 3 << 30;
        grant.spool.memory = 1 << 30;
        let memory = open(&engine, &drivers.join("memory.wasm"), &grant).await?;
        Ok(Self { scratch, engine, drivers, filesystem, memory })
    }

    /// A grant of `host` as `/data`.
    pub(crate) fn filesystem_grant(host: &Path) -> Grant {
        let mut grant = Grant::default();
        grant.directories.push(DirectoryGrant { name: "/data".to_owned(), host: host.to_owned(), access: Access::ReadWrite, wasi: false });
        grant.limits.calls_in_flight = 64;
        grant.spool.memory = 2 << 30;
        grant
    }

    /// Where the filesystem driver keeps its objects.
    pub(crate) fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }
}

async fn open(engine: &Engine, path: &Path, grant: &Grant) -> Result<Mount> {
    let driver = Driver::load_file(engine, path, None).context("build the drivers first: cargo xtask build")?;
    Ok(Mount::open(&driver, grant, MountOptions::default()).await?)
}
