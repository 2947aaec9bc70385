//! Resumable uploads, once for all drivers: the journal, the lease, part sizes, hashing, commit, purge.
//!
//! An upload is written by whoever holds its lease, in pieces that are durable one by one, and becomes an object in one step.
//! Any process over the same stores goes on where another stopped. `session` says why nothing is lost or mixed.
//!
//! | module | its one job |
//! |---|---|
//! | `id` | names of uploads, signed |
//! | `digest` | the digest of a blob, and hashing that goes on in another process |
//! | `journal` | the records in the atomic store |
//! | `progress` | which pieces count |
//! | `session` | the right to write |
//! | `feed` | a client's bytes, cut, counted and hashed |
//! | `writer` | bytes into durable pieces |
//! | `commit` | the end of an upload: its object, or nothing |
//! | `purge` | what nobody will finish |
//! | `types` | what a host says and is told |

mod commit;
mod digest;
mod error;
mod feed;
mod id;
mod journal;
mod progress;
mod purge;
mod session;
mod types;
mod writer;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;

pub use digest::{BlobDigest, BlobHasher, DigestAlgorithm};
pub use error::UploadError;
pub use id::{UploadId, UploadKey};
pub use types::{Closing, Committed, Destination, PurgeMode, Purged, UploadInfo, UploadOptions};

use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::path::StorePath;
use crate::store::{AtomicStore, StreamingStore};
use crate::types::Condition;
use commit::is_full;
use feed::{End, Feed};
use journal::{Head, Journal, State};
use session::{Exclusive, Session, Slots};

/// How many parts of one upload are on their way at once, where the driver claims that it can.
const PARALLEL: usize = 4;

/// What comes whole and is no larger goes to the store in one `put`, without a journal: 1 MiB.
const WHOLE: usize = 1 << 20;

/// The uploads of one store. Clones share it.
#[derive(Clone)]
pub struct Uploads(Arc<Inner>);

struct Inner {
    journal: Journal,
    store: Arc<dyn StreamingStore>,
    options: UploadOptions,
    /// This process, in leases.
    owner: String,
    slots: Arc<Slots>,
    /// Whether the driver exports `uploads`: 0 is not known yet, 1 yes, 2 no.
    has_uploads: AtomicU8,
}

impl Uploads {
    /// Uploads to `store`, their journal in `records`.
    ///
    /// # Errors
    /// `internal` if the system has no random bytes.
    pub fn new(records: Arc<dyn AtomicStore>, store: Arc<dyn StreamingStore>, options: UploadOptions) -> Result<Self> {
        let owner = base16ct::lower::encode_string(&id::random::<16>()?);
        let journal = Journal(records);
        Ok(Self(Arc::new(Inner { journal, store, options, owner, slots: Arc::default(), has_uploads: AtomicU8::new(0) })))
    }

    /// Appends `bytes`, which begin at `offset` (`None`: wherever the upload is); answers where it is then. Everything before is
    /// durable. `length` is checked where it is known.
    ///
    /// # Errors
    /// `WrongOffset` and `Busy`, and nothing was changed; `Interrupted` and `WrongLength`, and what came is kept; `Unknown`; what
    /// the store answers.
    ///
    /// # Cancel safety
    /// Dropping the future lets the append go on until its bytes end.
    pub async fn append(
        &self,
        id: &UploadId,
        offset: Option<u64>,
        length: Option<u64>,
        bytes: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> Result<u64, UploadError> {
        let (inner, id) = (self.0.clone(), id.clone());
        let feed = Feed::new(bytes, length, BlobHasher::new(id.algorithm()));
        detached(async move {
            // A client that has not said anything yet holds nothing.
            let some = feed.ready(Duration::MAX).await == Some(true);
            let exclusive = inner.exclusive(&id).await?;
            if !some && !exclusive.is_known() && inner.journal.head(&id).await?.is_none() {
                check_offset(offset, 0)?;
                check_end(&feed, length, 0)?;
                return Ok(0);
            }
            let (exclusive, session) = inner.append_owned(exclusive, &id, offset, &feed).await?;
            let at = session.progress.offset;
            let committing = matches!(session.head.state, State::Committing(_));
            inner.leave(exclusive, session);
            if committing {
                return Err(UploadError::Busy { offset: at });
            }
            check_end(&feed, length, at)?;
            Ok(at)
        })
        .await
    }

    /// Where the upload is: everything before is durable. Zero for one that nobody has written to.
    ///
    /// # Errors
    /// `Unknown` for one that is over; what the store answers.
    pub async fn status(&self, id: &UploadId) -> Result<u64, UploadError> {
        let Some((head, _)) = self.0.journal.head(id).await? else { return Ok(0) };
        match head.state {
            State::Open | State::Committing(_) => {}
            State::Committed(_) | State::Aborted => return Err(UploadError::Unknown),
        }
        if let Some(slot) = self.0.slots.peek(id).filter(|_| head.lease.as_ref().is_some_and(|lease| lease.owner == self.0.owner)) {
            return Ok(slot.offset.load(Ordering::Relaxed));
        }
        if head.lease.is_none() {
            return Ok(head.settled.offset);
        }
        Ok(self.0.replayed(id, &head).await?.offset)
    }

    /// Appends `bytes` as [`Uploads::append`] does, checks that all of it has the digest `expected`, and makes the object. Again, after
    /// a success, is a success. Two uploads of one digest both succeed.
    ///
    /// # Errors
    /// `DigestMismatch`, and the upload can go on (unless `expected` is of another algorithm than the upload's: then it is over); those
    /// of [`Uploads::append`].
    ///
    /// # Cancel safety
    /// As [`Uploads::append`]; the object is made all the same.
    pub async fn finish(
        &self,
        id: &UploadId,
        offset: Option<u64>,
        length: Option<u64>,
        bytes: impl Stream<Item = Result<Bytes>> + Send + 'static,
        expected: &BlobDigest,
        destination: Destination,
    ) -> Result<Committed, UploadError> {
        let closing = Closing { offset, length, expected: expected.clone(), destination };
        self.finish_beside(id, bytes, closing, async { Ok(()) }).await
    }

    /// As [`Uploads::finish`], and waits for `beside` too, which begins only when the content is known to have its digest. What comes whole
    /// becomes durable together with what `beside` writes: one wait for the disk instead of two.
    ///
    /// # Errors
    /// As [`Uploads::finish`], and what `beside` answers: the object is made then, and asking again is a success.
    ///
    /// # Cancel safety
    /// As [`Uploads::finish`]; `beside` goes on all the same.
    pub async fn finish_beside(
        &self,
        id: &UploadId,
        bytes: impl Stream<Item = Result<Bytes>> + Send + 'static,
        closing: Closing,
        beside: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<Committed, UploadError> {
        let (inner, id) = (self.0.clone(), id.clone());
        let (offset, length) = (closing.offset, closing.length);
        let feed = Feed::new(bytes, length, BlobHasher::new(id.algorithm()));
        detached(async move {
            let mut beside = Box::pin(beside);
            feed.ready(Duration::MAX).await;
            let exclusive = inner.exclusive(&id).await?;
            if !exclusive.is_known()
                && let Some(committed) = inner.finish_whole(&id, &feed, &closing, beside.as_mut()).await?
            {
                return Ok(committed);
            }
            let (exclusive, mut session) = match inner.append_owned(exclusive, &id, offset, &feed).await {
                Err(UploadError::Unknown) => {
                    let committed = inner.committed(&id, &closing.expected).await?;
                    beside.await?;
                    return Ok(committed);
                }
                appended => appended?,
            };
            let at = session.progress.offset;
            let finished = match check_end(&feed, length, at) {
                Ok(()) => inner.commit(&mut session, &closing.expected, &closing.destination).await,
                Err(error) => Err(error),
            };
            match finished {
                Ok(committed) => {
                    inner.forget_later(session);
                    beside.await?;
                    Ok(committed)
                }
                // Nothing was begun: it can go on as it is. After any other error the journal is all that is known for certain.
                Err(error) if matches!(session.head.state, State::Open) && !matches!(error, UploadError::Store(_)) => {
                    inner.leave(exclusive, session);
                    Err(error)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Gives the upload up. Its name is good for nothing then.
    ///
    /// # Errors
    /// `Unknown` for one that is over; `Busy` while somebody else writes; what the store answers.
    ///
    /// # Cancel safety
    /// Dropping the future lets it go on.
    pub async fn abort(&self, id: &UploadId) -> Result<(), UploadError> {
        let (inner, id) = (self.0.clone(), id.clone());
        detached(async move {
            let mut exclusive = inner.exclusive(&id).await?;
            match inner.abandon(&mut exclusive, &id).await {
                Err(error) if is_full(&error) => {
                    inner.make_room(&id).await?;
                    inner.abandon(&mut exclusive, &id).await
                }
                abandoned => abandoned,
            }
        })
        .await
    }

    /// Unfinished uploads, in the order of their names, after the name `after`; at most `limit` of those that have records are looked
    /// at. The second value is where to go on.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<(Vec<UploadInfo>, Option<String>)> {
        let ids = self.0.journal.ids(after, limit.max(1)).await?;
        let next = ids.last().map(|last| last.as_str().to_owned());
        let mut uploads = Vec::new();
        for id in ids {
            match self.0.journal.head(&id).await? {
                Some((head, _)) if matches!(head.state, State::Open | State::Committing(_)) => uploads.push(UploadInfo::new(&id, &head)),
                _ => {}
            }
        }
        Ok((uploads, next))
    }

    /// Gives up uploads that nobody touched for `older_than`, removes the records of those that are over and as old, and finds
    /// what the driver holds without a record, where it exports `upload-listing`. `older_than` must be no shorter than the age to which
    /// [`UploadKey::verify`] takes names.
    ///
    /// # Errors
    /// What the store answers; what was purged before stays so.
    pub async fn purge(&self, older_than: Duration, mode: PurgeMode) -> Result<Purged> {
        self.0.purge(older_than, mode).await
    }

    /// How many uploads this process has written to of late.
    pub fn recent(&self) -> usize {
        self.0.slots.len()
    }

    /// Gives back the leases of idle uploads, so that another process need not wait for them: before this one ends.
    pub async fn close(&self) {
        for slot in self.0.slots.all() {
            self.0.let_go(&slot).await;
        }
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("options", &self.0.options).field("recent", &self.recent()).finish_non_exhaustive()
    }
}

impl Inner {
    fn driver_has_uploads(&self) -> bool {
        self.has_uploads.load(Ordering::Relaxed) != 2
    }

    fn place(&self, id: &UploadId) -> Result<StorePath> {
        self.options.root.join(id.as_str())
    }

    /// Asks the driver for an upload, and writes its name down.
    async fn begin_in_driver(&self, session: &mut Session) -> Result<(), UploadError> {
        match self.store.create_upload(&self.place(&session.id)?).await {
            Ok(token) => {
                self.has_uploads.store(1, Ordering::Relaxed);
                session.head.token = Some(token.as_str().to_owned());
                if self.write(session).await? { Ok(()) } else { Err(self.lost(&session.id).await?) }
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.has_uploads.store(2, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Appends what `feed` brings, in this process' exclusive place. An upload that is being committed takes nothing more.
    async fn append_owned(
        self: &Arc<Self>,
        mut exclusive: Exclusive,
        id: &UploadId,
        offset: Option<u64>,
        feed: &Feed,
    ) -> Result<(Exclusive, Session), UploadError> {
        let mut session = self.acquire_to_write(&mut exclusive, id).await?;
        if let Err(error) = check_offset(offset, session.progress.offset) {
            self.leave(exclusive, session);
            return Err(error);
        }
        if matches!(session.head.state, State::Open) {
            feed.hash_from(session.progress.hasher.clone());
            self.write_all(&mut session, exclusive.slot(), feed).await?;
            self.verify(&session).await?;
        }
        Ok((exclusive, session))
    }

    /// A blob that comes whole in the closing request, to an upload that nobody has written to: no journal. `None` if it is not that.
    async fn finish_whole(
        &self,
        id: &UploadId,
        feed: &Feed,
        closing: &Closing,
        beside: impl Future<Output = Result<()>>,
    ) -> Result<Option<Committed>, UploadError> {
        let large = closing.length.is_some_and(|length| length > WHOLE as u64);
        if large || closing.offset.is_some_and(|offset| offset > 0) || self.journal.head(id).await?.is_some() {
            return Ok(None);
        }
        let bytes = feed.gather(WHOLE).await;
        let size = bytes.len() as u64;
        if feed.end().is_none() || self.store.claims().put_max.is_some_and(|most| size > most) {
            feed.put_back(bytes);
            return Ok(None);
        }
        // Nothing of it is kept: the upload is where it was, at its beginning.
        check_end(feed, closing.length, 0)?;
        let actual = BlobDigest::of(closing.expected.algorithm(), &bytes);
        if actual != closing.expected {
            return Err(UploadError::DigestMismatch { expected: closing.expected.clone(), actual });
        }
        let path = self.destination(id, &closing.destination)?;
        let (stored, done) = futures::join!(self.store.put(&path, Content::from_bytes(bytes), Condition::Unconditional), beside);
        stored?;
        done?;
        Ok(Some(Committed { path, size }))
    }

    /// The object of an upload that is over, if it has that digest: a client that did not hear the answer asks again.
    async fn committed(&self, id: &UploadId, expected: &BlobDigest) -> Result<Committed, UploadError> {
        match self.journal.head(id).await? {
            Some((Head { state: State::Committed(target), .. }, _)) if target.digest == *expected => {
                Ok(Committed { path: StorePath::new(target.path)?, size: target.size })
            }
            _ => Err(UploadError::Unknown),
        }
    }
}

/// Runs `work` to its end, also if its caller goes away.
async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T, UploadError>> + Send + 'static) -> Result<T, UploadError> {
    match tokio::spawn(work).await {
        Ok(answer) => answer,
        Err(error) => Err(Error::new(ErrorKind::Internal, format!("the work on an upload broke off: {error}")).into()),
    }
}

fn check_offset(said: Option<u64>, at: u64) -> Result<(), UploadError> {
    if said.is_none_or(|said| said == at) { Ok(()) } else { Err(UploadError::WrongOffset { offset: at }) }
}

/// Whether the client's bytes came whole. `at` is where the upload is now.
fn check_end(feed: &Feed, announced: Option<u64>, at: u64) -> Result<(), UploadError> {
    let came = feed.taken();
    match (feed.end(), announced) {
        (Some(End::Whole), Some(announced)) if came < announced => Err(UploadError::WrongLength { announced, came }),
        (Some(End::TooLong), Some(announced)) => Err(UploadError::WrongLength { announced, came: came + 1 }),
        (Some(End::Whole), _) => Ok(()),
        _ => Err(UploadError::Interrupted { offset: at }),
    }
}
