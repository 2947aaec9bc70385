//! Which blobs the manifests of a store name.

use std::collections::HashSet;

use cofferdam::upload::BlobDigest;

use crate::error::{RegistryError, Result};
use crate::layout::{Revision, Survey};
use crate::repository::{MANIFEST_MAX, references_of};
use crate::store::Inner;

/// What is needed, as far as was looked.
///
/// A second look only adds: manifests do not change, so only new ones are read. What a manifest needed that was deleted meanwhile stays for
/// the next collection.
pub(super) struct Needed<'a> {
    parts: &'a Inner,
    survey: Survey<'a>,
    needed: HashSet<BlobDigest>,
    read: HashSet<BlobDigest>,
    lost: Vec<BlobDigest>,
}

impl<'a> Needed<'a> {
    pub(super) fn new(parts: &'a Inner) -> Self {
        Self { parts, survey: parts.survey(), needed: HashSet::new(), read: HashSet::new(), lost: Vec::new() }
    }

    /// Begins a look.
    pub(super) fn begin(&mut self) {
        self.survey = self.parts.survey();
        self.lost.clear();
    }

    /// Reads some more manifests; false at the end.
    pub(super) async fn advance(&mut self) -> Result<bool> {
        let Some(revisions) = self.survey.next().await? else { return Ok(false) };
        for Revision { repository, digest } in revisions {
            if self.read.contains(&digest) {
                continue;
            }
            match self.parts.placement.read(&digest, MANIFEST_MAX).await? {
                Some(bytes) => {
                    let references = references_of(&bytes).map_err(|error| unreadable(&repository, &digest, &error))?;
                    self.needed.extend(references.into_iter().map(|reference| reference.digest));
                    self.needed.insert(digest.clone());
                    self.read.insert(digest);
                }
                None if self.lost.contains(&digest) => {}
                None => self.lost.push(digest),
            }
        }
        Ok(true)
    }

    /// Whether a manifest needs the blob, or it is one.
    pub(super) fn has(&self, digest: &BlobDigest) -> bool {
        self.needed.contains(digest)
    }

    /// How many manifests were read.
    pub(super) fn manifests(&self) -> u64 {
        self.read.len() as u64
    }

    /// Manifests whose bytes are not there.
    pub(super) fn lost(&self) -> &[BlobDigest] {
        &self.lost
    }
}

fn unreadable(repository: &impl std::fmt::Display, digest: &BlobDigest, error: &RegistryError) -> RegistryError {
    RegistryError::ManifestInvalid {
        rule: format!("{digest} of {repository}, which is stored, {}: nothing is removed, for nobody knows what it needs", error),
    }
}
