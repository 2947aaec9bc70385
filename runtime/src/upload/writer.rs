//! A client's bytes into durable pieces: parts as the driver claims them, segments for what is too small.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;

use super::error::UploadError;
use super::feed::{Cut, Feed};
use super::journal::{Piece, PiecePlace};
use super::session::{Session, Slot};
use super::{Inner, PARALLEL};
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::path::StorePath;
use crate::types::{ByteRange, Condition, Part, UploadToken};

/// How much of a stream becomes one part where the driver takes it live: the disk makes one durable while the next arrives.
const LIVE_PART: u64 = 64 << 20;

/// How large a part is where the driver claims no bounds, in bytes: four on their way fit into a spool.
pub(super) const PART: u64 = 16 << 20;

/// The smallest part where the driver claims no minimum but counts parts: what is smaller waits in segments.
const COUNTED_MIN: u64 = 5 << 20;

/// How many small segments may wait in a row before they are made one.
const SEGMENTS_MAX: usize = 32;

/// How long a client may send nothing while somebody else waits to go on with its upload.
const SILENCE: Duration = Duration::from_secs(5);

/// How the bytes that come are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Parts as they arrive.
    Live { limit: u64 },
    /// Parts that the host holds, of a size; what is smaller than `min` at the end is a segment.
    Parts { size: u64, min: u64 },
    /// Objects of their own: the driver has no uploads.
    Segments { size: u64 },
}

impl Inner {
    /// The size of parts, chosen once for an upload.
    pub(super) fn part_size(&self) -> u64 {
        let claims = self.store.claims();
        PART.max(claims.part_min.unwrap_or(0)).min(claims.part_max.unwrap_or(u64::MAX)).max(1)
    }

    fn mode(&self, session: &Session) -> Mode {
        let claims = self.store.claims();
        if session.head.token.is_none() {
            return Mode::Segments { size: PART.min(claims.put_max.unwrap_or(u64::MAX)).max(1) };
        }
        if claims.live_content && claims.part_count_max.is_none() {
            return Mode::Live { limit: LIVE_PART.min(claims.part_max.unwrap_or(u64::MAX)).max(1) };
        }
        let base = session.head.part_size;
        // An upload that has used much of its parts goes on with larger ones, so that no size is out of reach.
        let size = match claims.part_count_max {
            Some(most) if !claims.part_uniform => {
                let used = session.progress.parts.len() as u64 * 10 / u64::from(most.max(1));
                (base << used.min(10)).min(claims.part_max.unwrap_or(u64::MAX))
            }
            _ => base,
        };
        let min = if claims.part_uniform { size } else { claims.part_min.unwrap_or(if claims.part_count_max.is_some() { COUNTED_MIN } else { 1 }) };
        Mode::Parts { size, min: min.min(size) }
    }

    /// Makes everything that `feed` brings durable. Whatever comes of it, `session.progress` has what is.
    ///
    /// # Errors
    /// `Busy` if the lease is lost; what the store answers.
    pub(super) async fn write_all(self: &Arc<Self>, session: &mut Session, slot: &Slot, feed: &Feed) -> Result<(), UploadError> {
        let parallel = if self.store.claims().parallel_parts { PARALLEL } else { 1 };
        let mut run = Run::new(self, session, slot);
        loop {
            run.collect(session, parallel - 1).await?;
            match run.keeping(session, feed.ready(SILENCE)).await? {
                Some(true) => {}
                Some(false) => break,
                // A client that says nothing gives way to one that waits.
                None if slot.is_awaited() => break,
                None => continue,
            }
            match self.mode(session) {
                Mode::Live { limit } => run.live(session, feed, limit).await?,
                Mode::Parts { size, min } => run.held(session, feed, size, Some(min)).await?,
                Mode::Segments { size } => run.held(session, feed, size, None).await?,
            }
        }
        run.collect(session, 0).await
    }

    /// The bytes of `pieces`, which are segments, and then of `tail`.
    pub(super) fn joined(&self, pieces: &[Piece], tail: Option<Content>) -> Result<Content> {
        let tail_size = match &tail {
            Some(tail) => tail.size().ok_or_else(|| Error::new(ErrorKind::Internal, "content that was held has no size"))?,
            None => 0,
        };
        let total = pieces.iter().map(|piece| piece.length).sum::<u64>() + tail_size;
        let paths = pieces.iter().filter_map(|piece| match &piece.place {
            PiecePlace::Segment(path) => Some(StorePath::new(path)),
            PiecePlace::Part(_) => None,
        });
        let paths = paths.collect::<Result<Vec<_>>>()?;
        let store = self.store.clone();
        let segments = stream::iter(paths).then(move |path| {
            let store = store.clone();
            async move { Ok::<_, Error>(store.open(&path, ByteRange::Whole).await?.content.into_stream()) }
        });
        Ok(Content::live(segments.try_flatten().chain(stream::iter(tail.map(Content::into_stream)).flatten()), Some(total)))
    }

    pub(super) fn segment_path(&self, session: &Session, number: u32) -> Result<StorePath> {
        self.options.root.join(&format!("{}.{number}-{}", session.id, session.head.epoch))
    }
}

/// Where a piece goes.
enum Goal {
    Part(UploadToken),
    Segment(StorePath),
}

/// One client's bytes on their way.
struct Run<'a> {
    inner: &'a Arc<Inner>,
    slot: &'a Slot,
    writing: JoinSet<Result<Piece>>,
    /// Durable, but something before it is not yet.
    done: BTreeMap<u32, Piece>,
    /// The first number that is not durable.
    first: u32,
    /// Where the next piece begins.
    position: u64,
    /// Segments that the next piece may take the place of.
    fold: Vec<Piece>,
    renewal: tokio::time::Interval,
}

impl<'a> Run<'a> {
    fn new(inner: &'a Arc<Inner>, session: &Session, slot: &'a Slot) -> Self {
        let every = inner.options.lease / 3;
        let mut renewal = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let progress = &session.progress;
        let (first, position, fold) = (progress.next, progress.offset, progress.segments.clone());
        Self { inner, slot, writing: JoinSet::new(), done: BTreeMap::new(), first, position, fold, renewal }
    }

    /// What `future` answers; the lease is renewed meanwhile.
    async fn keeping<T>(&mut self, session: &mut Session, future: impl Future<Output = T>) -> Result<T, UploadError> {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                answer = &mut future => return Ok(answer),
                _ = self.renewal.tick() => if !self.inner.renew(session).await? {
                    return Err(self.inner.lost(&session.id).await?);
                },
            }
        }
    }

    /// Takes what is durable; waits until at most `most` pieces are still on their way.
    async fn collect(&mut self, session: &mut Session, most: usize) -> Result<(), UploadError> {
        while let Some(finished) = self.writing.try_join_next() {
            self.finished(session, finished)?;
        }
        while self.writing.len() > most {
            let mut writing = std::mem::take(&mut self.writing);
            let finished = self.keeping(session, writing.join_next()).await;
            self.writing = writing;
            if let Some(finished) = finished? {
                self.finished(session, finished)?;
            }
        }
        Ok(())
    }

    fn finished(&mut self, session: &mut Session, finished: Result<Result<Piece>, tokio::task::JoinError>) -> Result<()> {
        let piece = finished.map_err(|error| Error::new(ErrorKind::Internal, format!("a part was not written to its end: {error}")))??;
        self.done.insert(piece.number, piece);
        while let Some(piece) = self.done.remove(&self.first) {
            self.first += 1;
            session.progress.take(piece)?;
            self.slot.offset.store(session.progress.offset, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Begins a part with what arrives, and waits until its last byte has.
    async fn live(&mut self, session: &mut Session, feed: &Feed, limit: u64) -> Result<(), UploadError> {
        let Some(token) = session.head.token()? else { return Ok(()) };
        let (content, cut) = feed.cut(limit);
        let (known, also_known) = tokio::sync::oneshot::channel();
        self.write(session, Goal::Part(token), self.position, content, also_known);
        // The sender is the piece's stream, which tells before it goes.
        if let Ok(cut) = self.keeping(session, cut).await? {
            self.position += cut.length;
            // The writer that failed is not there to hear it.
            let _ = known.send(cut);
        }
        Ok(())
    }

    /// Holds the next `size` bytes, or fewer if there are no more, and begins to write them: as a part if they are at least `min`,
    /// together with the segments that wait; else as a segment.
    async fn held(&mut self, session: &mut Session, feed: &Feed, size: u64, min: Option<u64>) -> Result<(), UploadError> {
        let waiting: u64 = self.fold.iter().map(|segment| segment.length).sum();
        let room = if min.is_some() { size.saturating_sub(waiting).max(1) } else { size };
        let (content, cut) = feed.cut(room);
        let store = self.inner.store.clone();
        let content = self.keeping(session, async move { store.hold(content).await }).await??;
        let Ok(mut cut) = cut.await else { return Ok(()) };
        let fold = std::mem::take(&mut self.fold);
        let token = session.head.token()?;
        let (goal, offset, content) = match (token, min) {
            (Some(token), Some(min)) if waiting + cut.length >= min => {
                let content = if fold.is_empty() { content } else { self.inner.joined(&fold, Some(content))? };
                (Goal::Part(token), self.position - waiting, content)
            }
            _ => {
                let fold = worth_merging(&fold, size);
                let merged: u64 = fold.iter().map(|segment| segment.length).sum();
                let content = if fold.is_empty() { content } else { self.inner.joined(fold, Some(content))? };
                (Goal::Segment(self.inner.segment_path(session, session.progress.next)?), self.position - merged, content)
            }
        };
        self.position += cut.length;
        cut.length = self.position - offset;
        let (known, also_known) = tokio::sync::oneshot::channel();
        let _ = known.send(cut);
        self.write(session, goal, offset, content, also_known);
        Ok(())
    }

    /// Begins to write a piece, and to record it once it is durable.
    fn write(&mut self, session: &mut Session, goal: Goal, offset: u64, content: Content, cut: tokio::sync::oneshot::Receiver<Cut>) {
        let number = session.progress.next;
        session.progress.next += 1;
        let (inner, id, epoch) = (self.inner.clone(), session.id.clone(), session.head.epoch);
        self.writing.spawn(async move {
            let place = match goal {
                Goal::Part(token) => {
                    let part = Part { number, offset, writer: epoch };
                    PiecePlace::Part(inner.store.write_part(&token, part, content).await?.as_str().to_owned())
                }
                Goal::Segment(path) => {
                    inner.store.put(&path, content, Condition::Unconditional).await?;
                    PiecePlace::Segment(path.to_string())
                }
            };
            let cut = cut.await.map_err(|_| Error::new(ErrorKind::Internal, "an append was dropped before its end"))?;
            let piece = Piece { number, epoch, offset, length: cut.length, place, hash: cut.hasher.save() };
            inner.journal.write_piece(&id, &piece).await?;
            Ok(piece)
        });
    }
}

/// The segments at the end that should become one with what comes: many small ones.
fn worth_merging(segments: &[Piece], size: u64) -> &[Piece] {
    let small = segments.iter().rev().take_while(|segment| segment.length < size / SEGMENTS_MAX as u64 / 2).count();
    if small < SEGMENTS_MAX { &[] } else { &segments[segments.len() - small..] }
}
