//! What a process remembers of its stores: links of blobs and whole manifests, both bounded.
//!
//! A manifest's bytes are those of its digest for ever, so only memory bounds how long they are kept; whether a repository *has* the
//! manifest is asked of the store each time. The link of a blob is believed, and the blob itself asked for: one call instead of two. A removal in this
//! process forgets the link at once. One by another process is noticed after [`BELIEVED`], or at once if the blob is gone too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cofferdam::upload::BlobDigest;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use tokio::time::Instant;

use crate::name::RepositoryName;

/// How long a link is believed. One more call a minute and link is nothing; a link that another process removed is gone within it.
const BELIEVED: Duration = Duration::from_secs(60);

/// What a manifest in memory takes beside its bytes, about.
const ENTRY: u64 = 512;

/// Links of blobs to repositories.
pub(crate) struct LinkCache {
    links: Cache<(RepositoryName, BlobDigest), Instant>,
    /// How many removals there were: a link that was read before one is not kept after it.
    removals: AtomicU64,
}

/// A link's name, borrowed.
#[derive(Hash)]
struct Link<'a>(&'a RepositoryName, &'a BlobDigest);

impl Equivalent<(RepositoryName, BlobDigest)> for Link<'_> {
    fn equivalent(&self, key: &(RepositoryName, BlobDigest)) -> bool {
        *self.0 == key.0 && *self.1 == key.1
    }
}

/// When a link began to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    removals: u64,
    at: Instant,
}

impl LinkCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { links: Cache::new(capacity), removals: AtomicU64::new(0) }
    }

    pub(crate) fn has(&self, name: &RepositoryName, digest: &BlobDigest) -> bool {
        self.links.get(&Link(name, digest)).is_some_and(|read| read.elapsed() < BELIEVED)
    }

    /// To be called before a link is read, or written.
    pub(crate) fn reading(&self) -> Reading {
        Reading { removals: self.removals.load(Ordering::Acquire), at: Instant::now() }
    }

    /// Remembers a link that was found.
    pub(crate) fn found(&self, name: &RepositoryName, digest: &BlobDigest, reading: Reading) {
        self.links.insert((name.clone(), digest.clone()), reading.at);
        if self.removals.load(Ordering::Acquire) != reading.removals {
            self.links.remove(&Link(name, digest));
        }
    }

    /// Forgets a link: to be called before it is removed and once more when it is.
    pub(crate) fn forget(&self, name: &RepositoryName, digest: &BlobDigest) {
        self.removals.fetch_add(1, Ordering::AcqRel);
        self.links.remove(&Link(name, digest));
    }
}

/// A manifest in memory.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) bytes: Bytes,
    pub(crate) media_type: Arc<str>,
}

#[derive(Clone)]
struct BySize;

impl Weighter<BlobDigest, Remembered> for BySize {
    fn weight(&self, _digest: &BlobDigest, manifest: &Remembered) -> u64 {
        manifest.bytes.len() as u64 + ENTRY
    }
}

/// Manifests by their digest.
pub(crate) struct ManifestCache {
    manifests: Cache<BlobDigest, Remembered, BySize>,
}

impl ManifestCache {
    /// With room for `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        // Manifests of the usual kind have 1 or 2 KiB.
        Self { manifests: Cache::with_weighter((bytes / 2048) as usize, bytes, BySize) }
    }

    pub(crate) fn get(&self, digest: &BlobDigest) -> Option<Remembered> {
        self.manifests.get(digest)
    }

    pub(crate) fn insert(&self, digest: &BlobDigest, manifest: Remembered) {
        self.manifests.insert(digest.clone(), manifest);
    }

    pub(crate) fn forget(&self, digest: &BlobDigest) {
        self.manifests.remove(digest);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_was_read_before_a_removal_is_not_remembered_after_it() {
        let (cache, name) = (LinkCache::new(10), RepositoryName::new("a").unwrap());
        let digest: BlobDigest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        cache.found(&name, &digest, cache.reading());
        assert!(cache.has(&name, &digest));
        let reading = cache.reading();
        cache.forget(&name, &digest);
        assert!(!cache.has(&name, &digest));
        cache.found(&name, &digest, reading);
        assert!(!cache.has(&name, &digest));
    }
}
