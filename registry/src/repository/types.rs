//! What a repository answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cofferdam::upload::BlobDigest;
use cofferdam::{Content, PresignedUrl};
use serde::{Deserialize, Serialize};

/// A blob that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
}

/// An opened blob.
#[derive(Debug)]
pub struct OpenedBlob {
    /// The size of the whole blob.
    pub size: u64,
    /// The bytes of the range that was asked for.
    pub content: Content,
}

/// A blob that the client fetches from the store itself.
#[derive(Debug)]
pub struct LocatedBlob {
    /// The size of the blob.
    pub size: u64,
    /// Where it is for a while.
    pub url: PresignedUrl,
}

/// A manifest that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestInfo {
    /// Its digest.
    pub digest: BlobDigest,
    /// The value of `Content-Type`.
    pub media_type: Arc<str>,
    /// Its size in bytes.
    pub size: u64,
}

/// A manifest and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What is known about it.
    pub info: ManifestInfo,
    /// Exactly what was pushed.
    pub bytes: Bytes,
}

/// A manifest that was just stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its digest.
    pub digest: BlobDigest,
    /// What it refers to: the value of `OCI-Subject`.
    pub subject: Option<BlobDigest>,
}

/// One line of an index of referrers (image-spec, "Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the manifest.
    pub media_type: String,
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
    /// What it is: its own artifact type, else the media type of its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifest's annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}
