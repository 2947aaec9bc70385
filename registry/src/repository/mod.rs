//! One repository: its blobs, uploads, manifests, tags and referrers.

mod types;

pub use types::{BlobInfo, Descriptor, Manifest, ManifestInfo, OpenedBlob, StoredManifest};
