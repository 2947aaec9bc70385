//! Resumable uploads, once for all drivers: the journal, the lease, part sizes, hashing, commit, purge.

mod digest;
mod error;
mod id;

pub use digest::{BlobDigest, BlobHasher, DigestAlgorithm};
pub use error::UploadError;
pub use id::{UploadId, UploadKey};
