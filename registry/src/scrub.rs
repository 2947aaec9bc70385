//! Scrubbing: reads every blob again, at a bounded rate, and tells what is damaged or missing.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, BlobHasher};
use cofferdam::{AtomicKey, ByteRange, Condition, ErrorKind};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::Result;
use crate::layout::Revision;
use crate::repository::{MANIFEST_MAX, references_of};
use crate::store::{Inner, Store};

/// Where an interrupted scrub goes on.
const CURSOR: &str = "scrub/cursor";

/// How many digests one page has.
const PAGE: usize = 1000;

/// How often it is noted how far a scrub is: what is read again after an interruption.
const SAVED_EVERY: Duration = Duration::from_secs(5);

/// How to scrub.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScrubOptions {
    /// How many bytes are read a second at most; as many as can be without.
    pub bytes_per_second: Option<u64>,
    /// Whether an interrupted scrub is forgotten and all is read again.
    pub from_the_start: bool,
}

/// How far a scrub is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubProgress {
    /// Blobs read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that are damaged.
    pub damaged: u64,
}

/// What a scrub found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScrubReport {
    /// Blobs read, before an interruption too.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs whose bytes do not have their digest or cannot be read, and why.
    pub damaged: BTreeMap<BlobDigest, String>,
    /// Blobs that are not there, each with the manifests that need it, as `repository@digest`.
    pub missing: BTreeMap<BlobDigest, Vec<String>>,
}

impl ScrubReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty()
    }
}

/// The record of an interrupted scrub.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    after: Option<BlobDigest>,
    report: ScrubReport,
}

/// Never more than so many bytes a second, from when it began.
struct Pace {
    began: Instant,
    bytes: u64,
    bytes_per_second: Option<u64>,
}

impl Pace {
    async fn read(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if let Some(rate) = self.bytes_per_second.filter(|rate| *rate > 0) {
            tokio::time::sleep_until(self.began + Duration::from_secs_f64(self.bytes as f64 / rate as f64)).await;
        }
    }
}

/// Reads every blob of `store`; then looks for what its manifests name and is not there. Tells `progress` after each blob.
///
/// # Errors
/// What the stores report, but for damaged data: that is found, not an error.
///
/// # Cancel safety
/// Dropping the future keeps what was found some seconds ago: the next scrub goes on from there.
pub async fn run(store: &Store, options: ScrubOptions, progress: &mut (dyn FnMut(ScrubProgress) + Send)) -> Result<ScrubReport> {
    let parts = store.parts();
    let mut cursor = if options.from_the_start { Cursor::default() } else { load(parts).await? };
    let mut pace = Pace { began: Instant::now(), bytes: 0, bytes_per_second: options.bytes_per_second };
    let mut saved = Instant::now();
    loop {
        let page = parts.placement.page(cursor.after.as_ref(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        for digest in page {
            check(parts, &digest, &mut cursor.report, &mut pace).await?;
            cursor.after = Some(digest);
            let report = &cursor.report;
            progress(ScrubProgress { blobs: report.blobs, bytes: report.bytes, damaged: report.damaged.len() as u64 });
            if saved.elapsed() > SAVED_EVERY {
                save(parts, &cursor).await?;
                saved = Instant::now();
            }
        }
    }
    cursor.report.missing = missing(parts).await?;
    parts.atomic.remove(&AtomicKey::new(CURSOR)?, Condition::Unconditional).await?;
    Ok(cursor.report)
}

async fn load(parts: &Inner) -> Result<Cursor> {
    match parts.atomic.get(&AtomicKey::new(CURSOR)?).await {
        // Of a version that wrote it otherwise: all is read again.
        Ok(value) => Ok(serde_json::from_slice(&value.data).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Cursor::default()),
        Err(error) => Err(error.into()),
    }
}

async fn save(parts: &Inner, cursor: &Cursor) -> Result<()> {
    let text = serde_json::to_vec(cursor)
        .map_err(|error| cofferdam::Error::new(ErrorKind::Internal, "the state of the scrub cannot be written").with_source(error))?;
    parts.atomic.put(&AtomicKey::new(CURSOR)?, Bytes::from(text), Condition::Unconditional).await?;
    Ok(())
}

/// Reads one blob. One that is gone since it was listed is none.
async fn check(parts: &Inner, digest: &BlobDigest, report: &mut ScrubReport, pace: &mut Pace) -> Result<()> {
    let opened = match parts.placement.open(digest, ByteRange::Whole).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::Corrupted => {
            report.damaged.insert(digest.clone(), error.to_string());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    report.blobs += 1;
    let mut hasher = BlobHasher::new(digest.algorithm());
    let mut frames = opened.content.into_stream();
    loop {
        match frames.try_next().await {
            Ok(Some(frame)) => {
                hasher.update(&frame);
                report.bytes += frame.len() as u64;
                pace.read(frame.len()).await;
            }
            Ok(None) => break,
            Err(error) if matches!(error.kind(), ErrorKind::Corrupted | ErrorKind::Internal) => {
                report.damaged.insert(digest.clone(), error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let actual = hasher.finish();
    if actual != *digest {
        report.damaged.insert(digest.clone(), format!("its bytes have the digest {actual}"));
    }
    Ok(())
}

/// What manifests name and is not there.
async fn missing(parts: &Inner) -> Result<BTreeMap<BlobDigest, Vec<String>>> {
    let mut missing: BTreeMap<BlobDigest, Vec<String>> = BTreeMap::new();
    let mut there: HashSet<BlobDigest> = HashSet::new();
    let mut survey = parts.survey();
    while let Some(revisions) = survey.next().await? {
        for Revision { repository, digest } in revisions {
            let bytes = parts.placement.read(&digest, MANIFEST_MAX).await?;
            // One that cannot be read is among the damaged.
            let named = bytes.as_ref().and_then(|bytes| references_of(bytes).ok()).unwrap_or_default();
            let needed = named.into_iter().filter(|named| !named.is_foreign).map(|named| named.digest);
            for blob in needed.chain([digest.clone()]) {
                if there.contains(&blob) {
                    continue;
                }
                if parts.placement.stat(&blob).await?.is_some() {
                    there.insert(blob);
                } else {
                    missing.entry(blob).or_default().push(format!("{repository}@{digest}"));
                }
            }
        }
    }
    Ok(missing)
}
