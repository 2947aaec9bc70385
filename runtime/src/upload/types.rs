//! What a host says to uploads, and what it is told: options, destinations, outcomes.

use std::time::Duration;

use super::digest::BlobDigest;
use super::id::UploadId;
use super::journal::Head;
use crate::path::StorePath;

/// How uploads behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadOptions {
    /// Below this, objects lie before they have their place, and segments.
    pub root: StorePath,
    /// How long an owner that shows no sign of life keeps an upload to itself.
    pub lease: Duration,
    /// How long somebody waits for an upload that another owner writes to, before it is told `Busy`.
    pub patience: Duration,
}

impl UploadOptions {
    /// The usual ones, with objects below `root`: a lease of 10 s, and patience for longer than that.
    pub fn new(root: StorePath) -> Self {
        Self { root, lease: Duration::from_secs(10), patience: Duration::from_secs(15) }
    }
}

/// Where a finished upload's object goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To this path: in one step where the driver claims `late-destination` or renames, else by a copy.
    At(StorePath),
    /// Nowhere: it stays at the path that the upload was begun for, [`UploadOptions::root`] and the upload's name.
    InPlace,
}

/// A finished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where its object is.
    pub path: StorePath,
    /// In bytes.
    pub size: u64,
}

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    /// Its name.
    pub id: UploadId,
    /// When its first byte came, in milliseconds since the Unix epoch.
    pub created: u64,
    /// When its owner last wrote to its head, in milliseconds since the Unix epoch.
    pub touched: u64,
}

impl UploadInfo {
    pub(super) fn new(id: &UploadId, head: &Head) -> Self {
        Self { id: id.clone(), created: head.created, touched: head.touched }
    }
}

/// Whether a purge removes what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeMode {
    /// It only tells.
    DryRun,
    /// It does.
    Remove,
}

/// What a purge found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Uploads that nobody touched for long.
    pub uploads: Vec<UploadInfo>,
    /// Records of uploads that were over and whose names have expired.
    pub records: u64,
    /// Uploads of the driver that no record knew.
    pub orphans: u64,
}

/// What a closing request says.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Where its bytes begin; `None`: wherever the upload is.
    pub offset: Option<u64>,
    /// How many it has, where that is known.
    pub length: Option<u64>,
    /// What all bytes of the upload have.
    pub expected: BlobDigest,
    /// Where the object goes.
    pub destination: Destination,
}
