//! The tombstones of one collection: made, turned and taken away.

use cofferdam::upload::BlobDigest;
use cofferdam::{AtomicKey, Condition};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::needed::Needed;
use crate::error::{RegistryError, Result};
use crate::marks::{self, MARKED, Mark, Tombstone};
use crate::store::Inner;

/// How many tombstones one page has.
const PAGE: u32 = 1000;

/// How many are worked on at once: enough to share the syncs of a disk, few enough to leave it to the registry.
const AT_ONCE: usize = 8;

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is gone; it had so many bytes.
    Removed(BlobDigest, u64),
    /// Somebody needs it.
    Kept,
}

/// The tombstones of the collection `run`.
pub(super) struct Tombstones<'a> {
    parts: &'a Inner,
    run: String,
}

impl<'a> Tombstones<'a> {
    pub(super) fn new(parts: &'a Inner, run: String) -> Self {
        Self { parts, run }
    }

    /// Makes tombstones.
    pub(super) async fn mark_all(&self, digests: &[BlobDigest]) -> Result<()> {
        let marks: Vec<_> = digests.iter().map(|digest| self.mark(digest)).collect();
        stream::iter(marks).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Makes a tombstone, in place of one that an older collection left. One in removal stays: its collection had decided.
    async fn mark(&self, digest: &BlobDigest) -> Result<()> {
        let atomic = &*self.parts.atomic;
        let key = marks::key(digest)?;
        let candidate = Tombstone { mark: Mark::Candidate, run: self.run.clone() };
        loop {
            let condition = match marks::tombstone(atomic, &key).await? {
                None => Condition::IfAbsent,
                Some((found, _)) if found.mark == Mark::Removed => return Ok(()),
                Some((_, etag)) => Condition::IfMatch(etag),
            };
            if marks::write(atomic, &key, &candidate, condition).await? {
                return Ok(());
            }
        }
    }

    /// What an older collection had begun to remove when it died.
    pub(super) async fn half_removed(&self) -> Result<Vec<BlobDigest>> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.parts.atomic.list(MARKED, after.as_deref(), PAGE).await?;
            for key in &page.keys {
                let tombstone = marks::tombstone(&*self.parts.atomic, &AtomicKey::new(key)?).await?;
                if tombstone.is_some_and(|(found, _)| found.mark == Mark::Removed) {
                    found.extend(marks::digest_of(key));
                }
            }
            match page.keys.into_iter().next_back() {
                Some(last) if page.more => after = Some(last),
                _ => return Ok(found),
            }
        }
    }

    /// Removes candidates, unless somebody needs them now.
    ///
    /// # Errors
    /// [`RegistryError::CollectionRunning`] if `deadline` has passed: this process was stopped in the middle. Then the next collection decides.
    pub(super) async fn remove_all(&self, needed: &Needed<'_>, digests: &[BlobDigest], deadline: Instant) -> Result<Vec<Outcome>> {
        let removals: Vec<_> = digests.iter().map(|digest| self.remove(digest, needed.has(digest), deadline)).collect();
        stream::iter(removals).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Removes a candidate, unless a manifest needs it now or somebody touched its tombstone.
    async fn remove(&self, digest: &BlobDigest, is_needed: bool, deadline: Instant) -> Result<Outcome> {
        let (atomic, key) = (&*self.parts.atomic, marks::key(digest)?);
        let Some((found, etag)) = marks::tombstone(atomic, &key).await? else { return Ok(Outcome::Kept) };
        if is_needed || found.mark == Mark::Kept {
            return Ok(Outcome::Kept);
        }
        if found.mark == Mark::Candidate {
            let removed = Tombstone { mark: Mark::Removed, run: self.run.clone() };
            if found.run != self.run || !marks::write(atomic, &key, &removed, Condition::IfMatch(etag)).await? {
                return Ok(Outcome::Kept);
            }
        }
        let size = self.parts.placement.stat(digest).await?.unwrap_or_default();
        if Instant::now() >= deadline {
            return Err(RegistryError::CollectionRunning { seconds: 0 });
        }
        self.parts.placement.remove(digest).await?;
        self.parts.manifest_cache.forget(digest);
        // Only now may the blob be pushed again.
        atomic.remove(&key, Condition::Unconditional).await?;
        Ok(Outcome::Removed(digest.clone(), size))
    }

    /// Removes some of the tombstones that are left; false where none are. No removal of this collection is to come, so none protects anything.
    pub(super) async fn sweep(&self) -> Result<bool> {
        let page = self.parts.atomic.list(MARKED, None, PAGE).await?;
        for key in &page.keys {
            self.parts.atomic.remove(&AtomicKey::new(key)?, Condition::Unconditional).await?;
        }
        Ok(page.more)
    }
}
