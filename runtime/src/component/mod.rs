//! From bytes to a verified, compiled and inspected driver: ready to be mounted, never yet run.

mod inspection;

use std::path::Path;
use std::sync::Arc;

use wasmtime::component::InstancePre;

pub use inspection::{Export, Import, ImportKind, Inspection};

use crate::engine::Engine;
use crate::guests::Indices;
use crate::host::extend::Extension;
use crate::host::link;
use crate::host::state::State;
use crate::load::{Digest, LoadError};

/// A loaded driver. Clones share it.
#[derive(Clone)]
pub struct Driver {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    inspection: Inspection,
    prepared: InstancePre<State>,
    indices: Indices,
}

impl Driver {
    /// Loads a driver from the bytes of its component; with `pin`, only if that is their digest.
    ///
    /// Nothing of the driver runs. The first load of a driver compiles it, which takes from milliseconds to seconds;
    /// with [`crate::EngineOptions::cache`] later loads take a fraction of that.
    ///
    /// # Errors
    /// [`LoadError`], saying what is wrong with the file.
    pub fn load(engine: &Engine, bytes: &[u8], pin: Option<&Digest>) -> Result<Self, LoadError> {
        Self::load_extended(engine, bytes, pin, &[])
    }

    /// Loads a driver from a file, as [`Driver::load`] does.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`], and those of [`Driver::load`].
    pub fn load_file(engine: &Engine, path: &Path, pin: Option<&Digest>) -> Result<Self, LoadError> {
        let bytes = std::fs::read(path).map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
        Self::load(engine, &bytes, pin).map_err(|error| error.in_file(path))
    }

    /// Loads a driver for a host that offers more than the contract's interfaces.
    ///
    /// # Errors
    /// Those of [`Driver::load`].
    pub fn load_extended(engine: &Engine, bytes: &[u8], pin: Option<&Digest>, extensions: &[&dyn Extension]) -> Result<Self, LoadError> {
        let digest = Digest::of(bytes);
        if let Some(pin) = pin
            && *pin != digest
        {
            return Err(LoadError::WrongDigest { expected: *pin, found: digest });
        }
        inspection::check_header(bytes)?;
        let component = engine.compile(bytes, &digest).map_err(LoadError::invalid)?;
        let inspection = inspection::inspect(engine.inner(), &component, digest, bytes.len() as u64, extensions)?;
        let linker = link::linker(engine.inner(), &component, &inspection.link_needs(), extensions).map_err(LoadError::engine)?;
        let prepared = linker.instantiate_pre(&component).map_err(LoadError::incompatible)?;
        let indices = Indices::of(&prepared, |interface| inspection.exports_interface(interface)).map_err(LoadError::incompatible)?;
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), inspection, prepared, indices }) })
    }

    /// What the file says of itself, read without running it.
    pub fn inspection(&self) -> &Inspection {
        &self.inner.inspection
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn prepared(&self) -> &InstancePre<State> {
        &self.inner.prepared
    }

    pub(crate) fn indices(&self) -> &Indices {
        &self.inner.indices
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("digest", &self.inner.inspection.digest).finish_non_exhaustive()
    }
}
