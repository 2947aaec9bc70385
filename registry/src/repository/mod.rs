//! One repository: its blobs, uploads, manifests, tags and referrers.

mod blobs;
mod manifests;
mod parse;
mod referrers;
mod tags;
mod types;
mod uploads;

pub(crate) use parse::references_of;
pub use types::{BlobInfo, Descriptor, LocatedBlob, Manifest, ManifestInfo, OpenedBlob, StoredManifest};

use crate::error::{RegistryError, Result};
use crate::name::RepositoryName;
use crate::store::{Inner, Store};

/// The longest manifest that is taken: 4 MiB, what the specification asks for at least (distribution-spec, "Pushing Manifests").
pub const MANIFEST_MAX: u64 = 4 << 20;

/// What a registry allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Whether manifests, tags and blobs can be deleted.
    pub deletes: bool,
    /// Whether nothing can be pushed or deleted.
    pub read_only: bool,
    /// Whether the manifests that an index names must be there before it is pushed.
    pub require_index_children: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { deletes: true, read_only: false, require_index_children: true }
    }
}

/// A repository. It need not exist: the first push makes it. Clones share what is known of it.
#[derive(Clone, Debug)]
pub struct Repository {
    name: RepositoryName,
    store: Store,
    rules: Rules,
}

impl Repository {
    pub(crate) fn new(name: RepositoryName, store: Store, rules: Rules) -> Self {
        Self { name, store, rules }
    }

    /// Its name.
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// The store that it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn parts(&self) -> &Inner {
        self.store.parts()
    }

    /// Refuses where nothing may be pushed.
    fn check_push(&self) -> Result<()> {
        if self.rules.read_only {
            return Err(RegistryError::Unsupported { what: "the registry is read-only: its operator has set `read-only = true`".to_owned() });
        }
        Ok(())
    }

    /// Refuses where nothing may be deleted.
    fn check_delete(&self) -> Result<()> {
        self.check_push()?;
        if !self.rules.deletes {
            return Err(RegistryError::Unsupported { what: "deleting is switched off: its operator has set `delete = false`".to_owned() });
        }
        Ok(())
    }
}
