//! An OCI registry whose storage is any Cofferdam driver.

mod error;
mod name;
mod repository;

pub use error::{RegistryError, Result};
pub use name::{NamePage, REPOSITORY_NAME_MAX, Reference, RepositoryName, TAG_MAX, Tag, parse_digest};
pub use repository::{BlobInfo, Descriptor, Manifest, ManifestInfo, OpenedBlob, StoredManifest};
