//! What an upload leaves in the atomic store: a head, changed only by compare-and-swap, and one small record a piece.
//!
//! | key | what |
//! |---|---|
//! | `uploads/<id>` | the [`Head`] |
//! | `upload-pieces/<id>/<number>-<epoch>` | a [`Piece`]: a part or a segment that is durable |
//!
//! The head says who may write, and where the upload stood when the last owner let go. What an owner writes between is in the
//! pieces alone, so that an append costs one durable record. Who takes over reads them, once nobody else can be acknowledged.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest::{BlobDigest, BlobHasher, HashState};
use super::id::UploadId;
use crate::error::{Error, ErrorKind, Result};
use crate::path::AtomicKey;
use crate::store::AtomicStore;
use crate::types::{Condition, Etag, PartId, UploadToken, WrittenPart};

const HEADS: &str = "uploads/";

/// How many records are read or removed at once.
const AT_ONCE: usize = 32;

/// An upload's head record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    /// When the record was made, in milliseconds since the Unix epoch.
    pub(super) created: u64,
    /// When it was last changed.
    pub(super) touched: u64,
    /// Counts the owners that came after one who had not let go. The contract's `part.writer`.
    pub(super) epoch: u64,
    /// Who may write, if anybody.
    pub(super) lease: Option<Lease>,
    pub(super) state: State,
    /// The driver's name of the upload, once it has begun one.
    pub(super) token: Option<String>,
    /// The size that parts have, chosen when the upload began.
    pub(super) part_size: u64,
    /// Where the upload stood when the last owner let go, or was fenced off.
    pub(super) settled: Settled,
    /// Of each epoch that was fenced off: the first number of it that does not count.
    pub(super) fences: Vec<(u64, u32)>,
}

/// The right to write to an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) owner: String,
    /// In milliseconds since the Unix epoch. A clock that is wrong costs time, not data: the epoch fences.
    pub(super) expires: u64,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It takes bytes.
    Open,
    /// The backend has been, or will be, asked to make the object.
    Committing(Target),
    /// The object is there.
    Committed(Target),
    /// It was given up.
    Aborted,
}

/// What a commit makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) digest: BlobDigest,
}

/// A durable prefix of the upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settled {
    pub(super) offset: u64,
    pub(super) hash: HashState,
    /// The next number that nobody has used.
    pub(super) next: u32,
}

/// Bytes of an upload that are durable, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) number: u32,
    pub(super) epoch: u64,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) place: PiecePlace,
    /// The hash of the whole upload up to the end of this piece.
    pub(super) hash: HashState,
}

/// Where a piece lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PiecePlace {
    /// A part of the driver's upload, by the id that it answered.
    Part(String),
    /// An object of its own: too small for a part, or the driver has none.
    Segment(String),
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// # Errors
    /// `corrupted` if the id is longer than any that the host takes; `None` for a segment.
    pub(super) fn as_part(&self) -> Result<Option<WrittenPart>> {
        let PiecePlace::Part(id) = &self.place else { return Ok(None) };
        Ok(Some(WrittenPart { number: self.number, offset: self.offset, length: self.length, writer: self.epoch, id: PartId::new(id.as_str())? }))
    }
}

impl Head {
    pub(super) fn new(id: &UploadId, part_size: u64) -> Self {
        let now = now();
        let settled = Settled { offset: 0, hash: BlobHasher::new(id.algorithm()).save(), next: 1 };
        Self { created: now, touched: now, epoch: 1, lease: None, state: State::Open, token: None, part_size, settled, fences: Vec::new() }
    }

    /// # Errors
    /// `corrupted` if it is longer than any that the host takes.
    pub(super) fn token(&self) -> Result<Option<UploadToken>> {
        self.token.as_deref().map(UploadToken::new).transpose()
    }

    /// Whether somebody holds it whose lease has not run out.
    pub(super) fn is_held(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.expires > now())
    }

    /// Whether a piece counts, by the fences.
    pub(super) fn counts(&self, piece: &Piece) -> bool {
        self.fences.iter().all(|(epoch, first)| piece.epoch != *epoch || piece.number < *first)
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

/// The records of all uploads of one store.
#[derive(Clone)]
pub(super) struct Journal(pub(super) Arc<dyn AtomicStore>);

impl Journal {
    fn head_key(id: &UploadId) -> Result<AtomicKey> {
        AtomicKey::new(format!("{HEADS}{id}"))
    }

    fn pieces(id: &UploadId) -> String {
        format!("upload-pieces/{id}/")
    }

    fn piece_key(id: &UploadId, number: u32, epoch: u64) -> Result<AtomicKey> {
        // Ten digits, so that the order of keys is the order of numbers.
        AtomicKey::new(format!("{}{number:010}-{epoch}", Self::pieces(id)))
    }

    /// The head, if there is one.
    pub(super) async fn head(&self, id: &UploadId) -> Result<Option<(Head, Etag)>> {
        match self.0.get(&Self::head_key(id)?).await {
            Ok(value) => Ok(Some((parse(&value.data, id)?, value.etag))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The etag of the head, if there is one: who holds the lease knows by it that nobody took over.
    pub(super) async fn head_etag(&self, id: &UploadId) -> Result<Option<Etag>> {
        match self.0.get(&Self::head_key(id)?).await {
            Ok(value) => Ok(Some(value.etag)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the head over the version `etag`, or as the first. `None` if somebody else was faster.
    pub(super) async fn write_head(&self, id: &UploadId, head: &Head, etag: Option<&Etag>) -> Result<Option<Etag>> {
        let condition = etag.map_or(Condition::IfAbsent, |etag| Condition::IfMatch(etag.clone()));
        match self.0.put(&Self::head_key(id)?, json(head)?, condition).await {
            Ok(etag) => Ok(Some(etag)),
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records a piece that is durable.
    pub(super) async fn write_piece(&self, id: &UploadId, piece: &Piece) -> Result<()> {
        self.0.put(&Self::piece_key(id, piece.number, piece.epoch)?, json(piece)?, Condition::Unconditional).await.map(drop)
    }

    /// Every piece that was recorded, by number.
    pub(super) async fn all_pieces(&self, id: &UploadId) -> Result<Vec<Piece>> {
        let keys = self.all_keys(&Self::pieces(id)).await?;
        // Boxed: what is not is not provably `Send` for every lifetime.
        let read = |key: String| async move {
            match self.0.get(&AtomicKey::new(&key)?).await {
                Ok(value) => parse::<Piece>(&value.data, id).map(Some),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        };
        let pieces: Vec<Option<Piece>> = stream::iter(keys).map(|key| read(key).boxed()).buffered(AT_ONCE).try_collect().await?;
        Ok(pieces.into_iter().flatten().collect())
    }

    /// Forgets every piece. The bytes are the caller's to remove.
    pub(super) async fn remove_pieces(&self, id: &UploadId) -> Result<()> {
        let keys = self.all_keys(&Self::pieces(id)).await?;
        let remove = |key: String| async move { self.0.remove(&AtomicKey::new(&key)?, Condition::Unconditional).await };
        stream::iter(keys).map(|key| remove(key).boxed()).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Forgets the head.
    pub(super) async fn remove_head(&self, id: &UploadId) -> Result<()> {
        self.0.remove(&Self::head_key(id)?, Condition::Unconditional).await
    }

    /// Ids of uploads that have a head, in byte order, after `after`; at most `limit`.
    pub(super) async fn ids(&self, after: Option<&str>, limit: u32) -> Result<Vec<UploadId>> {
        let after = after.map(|after| format!("{HEADS}{after}"));
        let page = self.0.list(HEADS, after.as_deref(), limit).await?;
        Ok(page.keys.iter().filter_map(|key| UploadId::from_record(key.strip_prefix(HEADS)?)).collect())
    }

    async fn all_keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let page = self.0.list(prefix, keys.last().map(String::as_str), 1000).await?;
            keys.extend(page.keys);
            if !page.more {
                return Ok(keys);
            }
        }
    }
}

fn json(record: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(record)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("an upload's record cannot be written: {error}")))
}

fn parse<T: DeserializeOwned>(data: &[u8], id: &UploadId) -> Result<T> {
    serde_json::from_slice(data).map_err(|error| Error::new(ErrorKind::Corrupted, format!("the journal of upload {id} cannot be read: {error}")))
}
