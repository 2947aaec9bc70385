//! Garbage collection: removes the blobs that no manifest needs, while registries over the same store go on.
//!
//! | module | its one job |
//! |---|---|
//! | `needed` | which blobs the manifests name |
//! | `claim` | that one collection is at work at a time |
//! | `tombstones` | tombstones made, turned and taken away |
//! | here | candidates, grace, a second look, removal |
//!
//! The module `marks` has the protocol, and why nobody loses a blob by it. What a manifest names is needed whether or not a tag points to it: a
//! manifest goes when it is deleted. docker-registry knows nothing of tombstones: while it serves a directory for pushes, do not collect in it.

mod claim;
mod needed;
mod tombstones;

use std::time::Duration;

use cofferdam::upload::BlobDigest;
use tokio::time::Instant;

use crate::error::Result;
use crate::marks::GRACE_MIN;
use crate::store::{Inner, Store};
use claim::Claim;
use needed::Needed;
use tombstones::{Outcome, Tombstones};

/// How many digests one page of blobs has.
const PAGE: usize = 1000;

/// After how many tombstones the claim is looked at.
const RENEWED: usize = 64;

/// Whether a collection removes what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GcMode {
    /// It only tells.
    DryRun,
    /// It does.
    #[default]
    Remove,
}

/// How to collect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GcOptions {
    /// How long a client may take from a blob, or from hearing that it is there, to the manifest that names it. At least 2 s.
    pub grace: Duration,
    /// Whether anything is removed.
    pub mode: GcMode,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { grace: Duration::from_secs(3600), mode: GcMode::default() }
    }
}

/// What a collection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GcProgress {
    /// It has read so many manifests.
    Manifests(u64),
    /// It has looked at so many blobs, of which so many are candidates.
    Blobs {
        /// Looked at.
        seen: u64,
        /// That no manifest needs.
        candidates: u64,
    },
    /// It waits until clients have had the grace period.
    Waiting(Duration),
    /// It has removed a blob.
    Removed(BlobDigest),
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcReport {
    /// Manifests read.
    pub manifests: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Blobs that no manifest needed at the first look.
    pub candidates: u64,
    /// Of those, what somebody came to rely on meanwhile.
    pub kept: u64,
    /// Blobs removed; in a dry run, that would be candidates for it.
    pub removed: u64,
    /// Their bytes.
    pub freed: u64,
    /// Manifests whose own bytes are lost: what they need is not known.
    pub lost_manifests: Vec<BlobDigest>,
}

/// A collection at work.
struct Collection<'a, 'p> {
    parts: &'a Inner,
    needed: Needed<'a>,
    report: GcReport,
    progress: &'p mut (dyn FnMut(GcProgress) + Send),
}

/// What a collection that removes needs, beside one that only tells.
struct Authority<'a> {
    claim: Claim,
    tombstones: Tombstones<'a>,
}

/// Collects in `store`; tells `progress` how it gets on.
///
/// One that was interrupted is simply run again: it finishes what the former had begun to remove.
///
/// # Errors
/// [`crate::RegistryError::CollectionRunning`] while another is at work; [`crate::RegistryError::ManifestInvalid`] for a stored manifest that cannot be read,
/// for nobody knows what it needs; what the stores report.
///
/// # Cancel safety
/// Dropping the future is as good as a crash: every blob is there or not, and the next collection goes on.
pub async fn run(store: &Store, options: GcOptions, progress: &mut (dyn FnMut(GcProgress) + Send)) -> Result<GcReport> {
    let parts = store.parts();
    let mut collection = Collection { parts, needed: Needed::new(parts), report: GcReport::default(), progress };
    if options.mode == GcMode::DryRun {
        collection.look(None).await?;
        let candidates = collection.candidates(None).await?;
        for digest in &candidates {
            collection.report.freed += parts.placement.stat(digest).await?.unwrap_or_default();
        }
        collection.report.removed = candidates.len() as u64;
        return Ok(collection.report);
    }
    let claim = Claim::take(parts.atomic.clone()).await?;
    let mut authority = Authority { tombstones: Tombstones::new(parts, claim.run()), claim };
    let collected = collection.collect(&mut authority, options.grace.max(GRACE_MIN)).await;
    let left = authority.claim.leave().await;
    collected?;
    left?;
    Ok(collection.report)
}

impl Collection<'_, '_> {
    async fn collect(&mut self, authority: &mut Authority<'_>, grace: Duration) -> Result<()> {
        self.look(Some(authority)).await?;
        let mut candidates = self.candidates(Some(authority)).await?;
        candidates.extend(authority.tombstones.half_removed().await?);
        candidates.sort_unstable();
        candidates.dedup();
        if !candidates.is_empty() {
            self.wait(authority, grace).await?;
            self.look(Some(authority)).await?;
            self.remove(authority, &candidates).await?;
        }
        while authority.tombstones.sweep().await? {
            authority.claim.renew().await?;
        }
        Ok(())
    }

    /// Learns what the manifests need; again is cheap, for manifests do not change.
    async fn look(&mut self, mut authority: Option<&mut Authority<'_>>) -> Result<()> {
        self.needed.begin();
        while self.needed.advance().await? {
            (self.progress)(GcProgress::Manifests(self.needed.manifests()));
            if let Some(authority) = &mut authority {
                authority.claim.renew().await?;
            }
        }
        self.report.manifests = self.needed.manifests();
        self.report.lost_manifests = self.needed.lost().to_vec();
        Ok(())
    }

    /// The blobs that nobody needs; with authority they get tombstones.
    async fn candidates(&mut self, mut authority: Option<&mut Authority<'_>>) -> Result<Vec<BlobDigest>> {
        let mut candidates = Vec::new();
        let mut after = None;
        loop {
            let page = self.parts.placement.page(after.as_ref(), PAGE).await?;
            let Some(last) = page.last().cloned() else { break };
            self.report.blobs += page.len() as u64;
            let unneeded: Vec<_> = page.into_iter().filter(|digest| !self.needed.has(digest)).collect();
            if let Some(authority) = &mut authority {
                for some in unneeded.chunks(RENEWED) {
                    authority.claim.renew().await?;
                    authority.tombstones.mark_all(some).await?;
                }
            }
            candidates.extend(unneeded);
            (self.progress)(GcProgress::Blobs { seen: self.report.blobs, candidates: candidates.len() as u64 });
            after = Some(last);
        }
        self.report.candidates = candidates.len() as u64;
        Ok(candidates)
    }

    async fn wait(&mut self, authority: &mut Authority<'_>, grace: Duration) -> Result<()> {
        let end = Instant::now() + grace;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            (self.progress)(GcProgress::Waiting(left));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
            authority.claim.renew().await?;
        }
    }

    async fn remove(&mut self, authority: &mut Authority<'_>, candidates: &[BlobDigest]) -> Result<()> {
        for some in candidates.chunks(RENEWED) {
            authority.claim.renew().await?;
            for outcome in authority.tombstones.remove_all(&self.needed, some, authority.claim.deadline()).await? {
                match outcome {
                    Outcome::Removed(digest, size) => {
                        self.report.removed += 1;
                        self.report.freed += size;
                        (self.progress)(GcProgress::Removed(digest));
                    }
                    Outcome::Kept => self.report.kept += 1,
                }
            }
        }
        Ok(())
    }
}
