//! A client's bytes, cut into pieces: counted and hashed as they pass.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::sync::oneshot;

use super::digest::BlobHasher;
use crate::content::Content;
use crate::error::Result;

type Bytestream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// How the client's bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Whole.
    Whole,
    /// With an error: the client went away.
    Interrupted,
    /// More came than were announced; what is over was dropped.
    TooLong,
}

/// The stream of one request. One piece is read from it at a time.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<State>>);

struct State {
    stream: Bytestream,
    pending: Bytes,
    end: Option<End>,
    hasher: BlobHasher,
    /// How many bytes were handed out.
    taken: u64,
    /// How many may come at most.
    announced: Option<u64>,
}

/// What one piece turned out to be.
#[derive(Clone)]
pub(super) struct Cut {
    pub(super) length: u64,
    /// The hash of the whole upload up to here.
    pub(super) hasher: BlobHasher,
}

impl Feed {
    pub(super) fn new(stream: impl Stream<Item = Result<Bytes>> + Send + 'static, announced: Option<u64>, hasher: BlobHasher) -> Self {
        Self(Arc::new(Mutex::new(State { stream: Box::pin(stream), pending: Bytes::new(), end: None, hasher, taken: 0, announced })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes were handed out so far.
    pub(super) fn taken(&self) -> u64 {
        self.state().taken
    }

    /// How the bytes ended, once they have.
    pub(super) fn end(&self) -> Option<End> {
        let state = self.state();
        state.end.filter(|_| state.pending.is_empty())
    }

    /// Hashes go on from here: before the first byte.
    pub(super) fn hash_from(&self, hasher: BlobHasher) {
        self.state().hasher = hasher;
    }

    /// Waits until there is a byte, or the end: true for a byte. A timeout answers `None`.
    pub(super) async fn ready(&self, patience: Duration) -> Option<bool> {
        tokio::time::timeout(patience, poll_fn(|context| self.state().fill(context))).await.ok()
    }

    /// The next bytes, at most `limit`, as live content that ends without an error wherever they end; and what will be known of them
    /// when that content has been read or dropped.
    pub(super) fn cut(&self, limit: u64) -> (Content, oneshot::Receiver<Cut>) {
        let (done, cut) = oneshot::channel();
        (Content::live(Piece { feed: self.clone(), left: limit, length: 0, done: Some(done) }, None), cut)
    }

    /// At most `limit` of the bytes to come, neither hashed nor counted beyond `taken`.
    pub(super) async fn gather(&self, limit: usize) -> Bytes {
        let mut gathered = BytesMut::new();
        while gathered.len() < limit && self.ready(Duration::MAX).await == Some(true) {
            let mut state = self.state();
            let length = (limit - gathered.len()).min(state.pending.len());
            let bytes = state.pending.split_to(length);
            state.taken += length as u64;
            gathered.extend_from_slice(&bytes);
        }
        // The end is known only once it was asked for.
        if gathered.len() == limit {
            self.ready(Duration::MAX).await;
        }
        gathered.freeze()
    }

    /// Puts gathered bytes back in front.
    pub(super) fn put_back(&self, bytes: Bytes) {
        let mut state = self.state();
        state.taken -= bytes.len() as u64;
        let pending = std::mem::take(&mut state.pending);
        state.pending = if pending.is_empty() { bytes } else { [bytes, pending].concat().into() };
    }
}

impl State {
    /// Ready with true if `pending` has bytes, with false at the end.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while self.pending.is_empty() {
            if self.end.is_some() {
                return Poll::Ready(false);
            }
            match self.stream.as_mut().poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(bytes))) => self.pending = bytes,
                Poll::Ready(Some(Err(_))) => self.finish(End::Interrupted),
                Poll::Ready(None) => self.finish(End::Whole),
            }
            if let Some(announced) = self.announced {
                let room = announced - self.taken;
                if self.pending.len() as u64 > room {
                    self.pending.truncate(room as usize);
                    self.finish(End::TooLong);
                }
            }
        }
        Poll::Ready(true)
    }

    fn finish(&mut self, end: End) {
        self.end = Some(end);
        // It owns the client's connection: let that go now.
        self.stream = Box::pin(futures::stream::empty());
    }
}

/// The bytes of one piece.
struct Piece {
    feed: Feed,
    left: u64,
    length: u64,
    done: Option<oneshot::Sender<Cut>>,
}

impl Piece {
    fn tell(&mut self, state: &State) {
        if let Some(done) = self.done.take() {
            // Nobody listens where the append was dropped.
            let _ = done.send(Cut { length: self.length, hasher: state.hasher.clone() });
        }
    }
}

impl Stream for Piece {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let feed = this.feed.clone();
        let mut state = feed.state();
        if this.left == 0 {
            this.tell(&state);
            return Poll::Ready(None);
        }
        match state.fill(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(false) => {
                this.tell(&state);
                Poll::Ready(None)
            }
            Poll::Ready(true) => {
                let length = usize::try_from(this.left).unwrap_or(usize::MAX).min(state.pending.len());
                let bytes = state.pending.split_to(length);
                state.hasher.update(&bytes);
                state.taken += length as u64;
                this.left -= length as u64;
                this.length += length as u64;
                // Told with its last byte, so that the next piece can begin while this one is made durable.
                if this.left == 0 {
                    this.tell(&state);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let feed = self.feed.clone();
        let state = feed.state();
        self.tell(&state);
    }
}
