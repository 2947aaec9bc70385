//! What a garbage collection means to remove, as the requests that it meets see it.
//!
//! A collection and the registry's processes know each other only through the atomic store:
//!
//! | key | says |
//! |---|---|
//! | `gc/state` | a collection is at work: who, until when unless it says so again |
//! | `gc/marked/<alg>/<hex>` | a tombstone: the blob is a *candidate*, was *kept*, or is being *removed* |
//!
//! A collection (1) writes `gc/state`, (2) makes tombstones of the blobs that no manifest needs, (3) waits the grace period, (4) looks at all
//! manifests again, and (5) for each candidate that still nobody needs turns the tombstone from *candidate* to *removed* by compare-and-swap,
//! removes the blob, then the tombstone. Whoever relies on a blob turns its tombstone from *candidate* to *kept*, by compare-and-swap too. So
//! exactly one of the two has its way, and the other knows it.
//!
//! **Why no manifest loses a blob.** A push of a manifest reads `gc/state`, checks that the blobs are there, writes the manifest's link, and
//! reads `gc/state` again, both times from the store. If that is the same and says that nobody is at work, no removal was between the check and
//! the link, and every look (4) of a later collection sees the link. Else the push asks once more for each blob ([`Marks::keep_now`], then the
//! blob itself): a candidate it turns to *kept*, and (5) fails; where there is none yet, the tombstone (2) comes after the link, and so does the
//! look (4); what is *removed* or gone fails the push, which takes its link back.
//!
//! **Why a client can rely on a blob that it was told is there.** A HEAD, a mount and the end of an upload keep the blob ([`Marks::keep`]) and
//! then look whether it is there. They may go by a `gc/state` that is up to [`NOTICE`] old, which costs a hot HEAD one comparison instead of a
//! call. A collection removes nothing before [`GRACE_MIN`] after (1), so every process has noticed it long before; a client has the grace
//! period less [`NOTICE`] to name the blob in a manifest.
//!
//! **Why a blob that is pushed again is not removed.** The end of an upload keeps the blob that is there already, waits where it is being
//! removed, and only then puts its bytes there. If collections came or went meanwhile it looks afterwards, as a push of a manifest does: had a
//! whole one fitted in between, the client is told to try again.
//!
//! A collection that dies leaves `gc/state`, which costs each HEAD a second call, and perhaps a few blobs in removal, whose pushes
//! are told to try again. The next collection clears both. Nobody else does: the dead one may only be stopped, in the middle of removing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cofferdam::upload::BlobDigest;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Etag, Result};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::RegistryError;

/// Where a collection says that it is at work.
pub(crate) const STATE: &str = "gc/state";

/// Below this are the tombstones.
pub(crate) const MARKED: &str = "gc/marked/";

/// How long a process goes by what it last read of `gc/state`. Once in half a second no read is noticed.
const REFRESH: Duration = Duration::from_millis(500);

/// The oldest that this can be: another request may be reading it just then.
pub(crate) const NOTICE: Duration = Duration::from_secs(1);

/// The shortest grace period: twice what a process needs to notice a collection.
pub(crate) const GRACE_MIN: Duration = Duration::from_secs(2);

/// How long a request waits for the removal of a blob to end. A removal takes one call of the driver.
const REMOVAL_WAIT: Duration = Duration::from_secs(10);

/// How often it looks.
const REMOVAL_POLL: Duration = Duration::from_millis(50);

/// What a tombstone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// It is removed if nobody touches it.
    Candidate,
    /// Somebody relies on it.
    Kept,
    /// It is being removed at this moment.
    Removed,
}

/// A tombstone. Its run makes the bytes, and so the etag, of every collection's tombstones differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) mark: Mark,
    pub(crate) run: String,
}

/// What `gc/state` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Counts the collections.
    pub(crate) run: u64,
    /// Until when one is at work unless it says so again, in seconds since the Unix epoch. None is at work without it.
    pub(crate) until: Option<u64>,
}

/// What a request needs to know of `gc/state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    run: u64,
    collecting: bool,
}

impl Seen {
    /// Whether a removal may have happened between the moment when `self` was seen and that of `later`.
    pub(crate) fn disturbed(self, later: Self) -> bool {
        later.collecting || self.run != later.run
    }
}

/// The view that requests have of collections.
pub(crate) struct Marks {
    atomic: Arc<dyn AtomicStore>,
    remembered: Mutex<Remembered>,
}

/// What was last read of `gc/state`.
#[derive(Clone, Copy)]
struct Remembered {
    /// When the read began; `None` before the first.
    at: Option<Instant>,
    seen: Seen,
    /// Whether a request is reading it.
    reading: bool,
}

/// The key of a blob's tombstone.
pub(crate) fn key(digest: &BlobDigest) -> Result<AtomicKey> {
    AtomicKey::new(format!("{MARKED}{}/{}", digest.algorithm(), digest.hex()))
}

/// The digest of the blob that the tombstone under `key` is of.
pub(crate) fn digest_of(key: &str) -> Option<BlobDigest> {
    key.strip_prefix(MARKED)?.replacen('/', ":", 1).parse().ok()
}

/// A tombstone and its etag, if the blob has one. One that cannot be read is as good as a candidate's: whoever keeps it replaces it.
pub(crate) async fn tombstone(atomic: &dyn AtomicStore, key: &AtomicKey) -> Result<Option<(Tombstone, Etag)>> {
    match atomic.get(key).await {
        Ok(value) => {
            let unread = || Tombstone { mark: Mark::Candidate, run: String::new() };
            Ok(Some((serde_json::from_slice(&value.data).unwrap_or_else(|_| unread()), value.etag)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What `gc/state` says and its etag.
pub(crate) async fn state(atomic: &dyn AtomicStore) -> Result<Option<(State, Etag)>> {
    let key = AtomicKey::new(STATE)?;
    match atomic.get(&key).await {
        Ok(value) => {
            let damaged = |error| cofferdam::Error::new(ErrorKind::Corrupted, "it cannot be read").at_path(STATE).with_source(error);
            Ok(Some((serde_json::from_slice(&value.data).map_err(damaged)?, value.etag)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a tombstone if `condition` holds; answers whether it did.
pub(crate) async fn write(atomic: &dyn AtomicStore, key: &AtomicKey, tombstone: &Tombstone, condition: Condition) -> Result<bool> {
    let text = serde_json::to_vec(tombstone)
        .map_err(|error| cofferdam::Error::new(ErrorKind::Internal, "the tombstone cannot be written").with_source(error))?;
    match atomic.put(key, Bytes::from(text), condition).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Marks {
    pub(crate) fn new(atomic: Arc<dyn AtomicStore>) -> Self {
        let nothing = Remembered { at: None, seen: Seen { run: 0, collecting: false }, reading: false };
        Self { atomic, remembered: Mutex::new(nothing) }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read at most [`NOTICE`] ago.
    pub(crate) async fn seen(&self) -> Result<Seen> {
        {
            let mut remembered = self.remembered();
            let age = remembered.at.map_or(Duration::MAX, |at| at.elapsed());
            if age < REFRESH || (age < NOTICE && remembered.reading) {
                return Ok(remembered.seen);
            }
            remembered.reading = true;
        }
        self.seen_now().await
    }

    /// What the store says.
    pub(crate) async fn seen_now(&self) -> Result<Seen> {
        let now = Instant::now();
        let state = state(&*self.atomic).await?.map(|(state, _)| state).unwrap_or_default();
        let seen = Seen { run: state.run, collecting: state.until.is_some() };
        let mut remembered = self.remembered();
        // Of two reads that overlap the one that began later counts, whichever ends last.
        if remembered.at.is_none_or(|at| at <= now) {
            *remembered = Remembered { at: Some(now), seen, reading: false };
        }
        Ok(seen)
    }

    /// Keeps a blob for a client that is about to be told of it, if it is there. False: it is being removed.
    pub(crate) async fn keep(&self, digest: &BlobDigest) -> Result<bool> {
        if self.seen().await?.collecting { self.keep_now(digest).await } else { Ok(true) }
    }

    /// As [`Marks::keep`], whatever is remembered of collections.
    pub(crate) async fn keep_now(&self, digest: &BlobDigest) -> Result<bool> {
        let key = key(digest)?;
        loop {
            let Some((found, etag)) = tombstone(&*self.atomic, &key).await? else { return Ok(true) };
            match found.mark {
                Mark::Kept => return Ok(true),
                Mark::Removed => return Ok(false),
                Mark::Candidate => {
                    let kept = Tombstone { mark: Mark::Kept, run: found.run };
                    if write(&*self.atomic, &key, &kept, Condition::IfMatch(etag)).await? {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Keeps a blob that is to be put there again; where it is being removed, waits until that is over.
    ///
    /// # Errors
    /// [`RegistryError::BeingCollected`] if that takes too long: the collection was stopped in the middle of it.
    pub(crate) async fn keep_or_wait(&self, digest: &BlobDigest) -> Result<(), RegistryError> {
        let deadline = Instant::now() + REMOVAL_WAIT;
        while !self.keep(digest).await? {
            if Instant::now() > deadline {
                return Err(RegistryError::BeingCollected { digest: digest.clone() });
            }
            tokio::time::sleep(REMOVAL_POLL).await;
        }
        Ok(())
    }
}
