//! Content that a driver makes piece by piece when the host asks (`generator.pull`).

use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use super::{READ_MAX, Spool, SpoolBuffer, Spooled};
use crate::error::{Error, ErrorKind, Result};

/// How long nobody may read before what is left is drained to the spool (design, "How calls run").
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(10);

/// Asks the instance that made a content for more of it.
#[async_trait]
pub(crate) trait Generator: Send + Sync {
    /// The next bytes, at most `max`; empty is the end.
    async fn pull(&self, cursor: u64, max: u32) -> Result<Bytes>;
}

/// Cursors whose content is gone, for their instance to close: each exactly once.
#[derive(Default)]
pub(crate) struct Closing {
    cursors: StdMutex<Vec<u64>>,
    notify: StdMutex<Option<Arc<Notify>>>,
}

impl Closing {
    /// Lets `notify` know of every cursor that is to be closed.
    pub(crate) fn announce_to(&self, notify: Arc<Notify>) {
        *self.notify.lock().unwrap_or_else(PoisonError::into_inner) = Some(notify);
    }

    fn push(&self, cursor: u64) {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner).push(cursor);
        if let Some(notify) = &*self.notify.lock().unwrap_or_else(PoisonError::into_inner) {
            notify.notify_one();
        }
    }

    /// Whether something is to be closed.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.cursors.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes what is to be closed.
    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.cursors.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The reading end of what a driver generates. Clones share the position.
#[derive(Clone)]
pub(crate) struct Generated {
    size: Option<u64>,
    shared: Arc<Shared>,
}

struct Shared {
    cursor: u64,
    closing: Arc<Closing>,
    last_read: StdMutex<Instant>,
    state: Mutex<State>,
}

struct State {
    /// `None` until the content has left the call that made it: an instance cannot be re-entered.
    source: Option<Arc<dyn Generator>>,
    position: u64,
    pending: Bytes,
    end: Option<Result<()>>,
    /// What was drained, and at which position it begins.
    drained: Option<(Spooled, u64)>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.closing.push(self.cursor);
    }
}

/// A generated content, for the one who looks after those that nobody reads.
#[derive(Clone)]
pub(crate) struct WeakGenerated {
    size: Option<u64>,
    shared: Weak<Shared>,
}

impl WeakGenerated {
    pub(crate) fn upgrade(&self) -> Option<Generated> {
        self.shared.upgrade().map(|shared| Generated { size: self.size, shared })
    }
}

impl Generated {
    pub(crate) fn new(cursor: u64, size: Option<u64>, closing: Arc<Closing>) -> Self {
        let state = State { source: None, position: 0, pending: Bytes::new(), end: None, drained: None };
        let shared = Shared { cursor, closing, last_read: StdMutex::new(Instant::now()), state: Mutex::new(state) };
        Self { size, shared: Arc::new(shared) }
    }

    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(crate) fn downgrade(&self) -> WeakGenerated {
        WeakGenerated { size: self.size, shared: Arc::downgrade(&self.shared) }
    }

    /// Names who makes the bytes, once the content has left the call that made it.
    pub(crate) async fn bind(&self, source: Arc<dyn Generator>) {
        self.shared.state.lock().await.source = Some(source);
    }

    /// Whether it has not been read for [`IDLE_MAX`] and still needs its instance.
    pub(crate) fn is_idle(&self) -> bool {
        let unread = self.shared.last_read.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        unread >= IDLE_MAX && self.shared.state.try_lock().is_ok_and(|state| state.end.is_none() && state.drained.is_none())
    }

    pub(crate) async fn read_at(&self, offset: u64, max: usize) -> Result<Bytes> {
        let mut state = self.shared.state.lock().await;
        *self.shared.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if offset != state.position {
            let position = state.position;
            return Err(Error::unsupported(format!("generated content is read onwards only: it is at {position}, not {offset}")));
        }
        if let Some((drained, start)) = &state.drained {
            let bytes = drained.read_at(offset - start, max).await?;
            state.position += bytes.len() as u64;
            if bytes.is_empty() {
                return state.end.clone().unwrap_or(Ok(())).map(|()| bytes);
            }
            return Ok(bytes);
        }
        if state.pending.is_empty() {
            state.pending = self.pull(&mut state, max).await?;
        }
        let count = max.min(state.pending.len());
        let bytes = state.pending.split_to(count);
        state.position += bytes.len() as u64;
        Ok(bytes)
    }

    async fn pull(&self, state: &mut State, max: usize) -> Result<Bytes> {
        if let Some(end) = &state.end {
            return end.clone().map(|()| Bytes::new());
        }
        let Some(source) = state.source.clone() else {
            return Err(Error::invalid_argument("content that this driver generates cannot be read within its own call: use a buffer"));
        };
        let result = source.pull(self.shared.cursor, max.min(READ_MAX) as u32).await;
        let checked = result.and_then(|bytes| self.check(state.position, bytes, max));
        match &checked {
            Err(error) => state.end = Some(Err(error.clone())),
            Ok(bytes) if bytes.is_empty() => state.end = Some(Ok(())),
            Ok(_) => {}
        }
        checked
    }

    /// What a driver generates must be what it announced.
    fn check(&self, position: u64, bytes: Bytes, max: usize) -> Result<Bytes> {
        let misbehaved = |message: String| Err(Error::new(ErrorKind::Misbehaved, message));
        if bytes.len() > max {
            return misbehaved(format!("`generator.pull` answered {} bytes where at most {max} were asked for", bytes.len()));
        }
        match self.size {
            Some(size) if bytes.is_empty() && position < size => {
                misbehaved(format!("the generated content ended at {position} of the {size} bytes that it announced"))
            }
            Some(size) if position + bytes.len() as u64 > size => {
                misbehaved(format!("the generated content goes on beyond the {size} bytes that it announced"))
            }
            _ => Ok(bytes),
        }
    }

    /// Moves what is left into the spool, so that the instance is free of it. What does not fit ends with the spool's error.
    pub(crate) async fn drain(&self, spool: &Arc<Spool>) {
        let mut state = self.shared.state.lock().await;
        if state.drained.is_some() || state.end.is_some() {
            return;
        }
        let start = state.position;
        let mut buffer = SpoolBuffer::new(spool.clone());
        let pending = std::mem::take(&mut state.pending);
        let mut appended = buffer.append(pending).await;
        while appended.is_ok() {
            state.position = start + buffer.length();
            match self.pull(&mut state, READ_MAX).await {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => appended = buffer.append(bytes).await,
                // It is kept as the end, after what came before.
                Err(_) => break,
            }
        }
        if let Err(error) = appended {
            state.end = Some(Err(error));
        }
        state.position = start;
        state.source = None;
        state.drained = Some((buffer.finish(), start));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Counting(u64);

    #[async_trait]
    impl Generator for Counting {
        async fn pull(&self, cursor: u64, max: u32) -> Result<Bytes> {
            Ok(Bytes::from(vec![cursor as u8; self.0.min(u64::from(max)) as usize]))
        }
    }

    async fn generated(size: Option<u64>, each: u64) -> (Generated, Arc<Closing>) {
        let closing = Arc::new(Closing::default());
        let generated = Generated::new(7, size, closing.clone());
        generated.bind(Arc::new(Counting(each))).await;
        (generated, closing)
    }

    #[tokio::test]
    async fn it_is_closed_once_when_the_last_reader_goes() {
        let (generated, closing) = generated(Some(3), 3).await;
        let second = generated.clone();
        drop(generated);
        assert!(closing.take().is_empty());
        drop(second);
        assert_eq!(closing.take(), [7]);
    }

    #[tokio::test]
    async fn announced_sizes_hold() {
        let (short, _closing) = generated(Some(5), 0).await;
        assert_eq!(short.read_at(0, 9).await.unwrap_err().kind(), ErrorKind::Misbehaved);
        let (long, _closing) = generated(Some(5), 6).await;
        assert_eq!(long.read_at(0, 9).await.unwrap_err().kind(), ErrorKind::Misbehaved);
    }

    #[tokio::test]
    async fn within_its_own_call_it_is_refused() {
        let generated = Generated::new(1, None, Arc::default());
        assert_eq!(generated.read_at(0, 1).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[tokio::test]
    async fn draining_an_endless_one_ends_it_at_the_quota() {
        let (endless, _closing) = generated(None, 10).await;
        assert_eq!(endless.read_at(0, 10).await.unwrap().len(), 10);
        let spool = Spool::new(25, None, 0);
        endless.drain(&spool).await;
        assert_eq!(endless.read_at(10, 100).await.unwrap().len(), 20);
        assert_eq!(endless.read_at(30, 100).await.unwrap_err().kind(), ErrorKind::QuotaExceeded);
    }
}
