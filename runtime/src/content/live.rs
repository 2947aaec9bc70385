//! Content as it arrives: readable once, onwards, its size checked against what was promised.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};

pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// When a part's live content is ended early, so that no instance waits on a client (design, "How calls run").
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    /// How long one interval is.
    pub(crate) interval: Duration,
    /// How many bytes must come in an interval.
    pub(crate) bytes: u64,
}

impl Default for Stall {
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), bytes: 1 << 20 }
    }
}

/// The reading end of a stream whose bytes pass by once. Clones share the position.
#[derive(Clone)]
pub(crate) struct Live {
    size: Option<u64>,
    state: Arc<Mutex<State>>,
}

struct State {
    stream: ByteStream,
    position: u64,
    pending: Bytes,
    end: Option<Result<()>>,
    stall: Option<StallWatch>,
}

struct StallWatch {
    rule: Stall,
    since: tokio::time::Instant,
    position: u64,
}

impl Live {
    pub(crate) fn new(stream: ByteStream, size: Option<u64>) -> Self {
        let state = State { stream, position: 0, pending: Bytes::new(), end: None, stall: None };
        Self { size, state: Arc::new(Mutex::new(state)) }
    }

    /// This content, ended where it stalls: its size is then no longer known before the end.
    pub(crate) async fn ending_at_stall(self, rule: Stall) -> Self {
        {
            let mut state = self.state.lock().await;
            let position = state.position;
            state.stall = Some(StallWatch { rule, since: tokio::time::Instant::now(), position });
        }
        self
    }

    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// The next bytes, at most `max`; empty is the end. `offset` must be the position.
    pub(crate) async fn read_at(&self, offset: u64, max: usize) -> Result<Bytes> {
        let mut state = self.state.lock().await;
        if offset != state.position {
            let position = state.position;
            return Err(Error::unsupported(format!("live content is read onwards only: it is at {position}, not {offset}")));
        }
        state.fill(self.size).await?;
        Ok(state.take(max))
    }
}

impl State {
    fn take(&mut self, max: usize) -> Bytes {
        let bytes = self.pending.split_to(max.min(self.pending.len()));
        self.position += bytes.len() as u64;
        bytes
    }

    /// Makes `pending` non-empty, unless the stream is at its end.
    async fn fill(&mut self, size: Option<u64>) -> Result<()> {
        while self.pending.is_empty() {
            if let Some(end) = &self.end {
                return end.clone();
            }
            let next = match &mut self.stall {
                None => self.stream.next().await,
                Some(watch) => match tokio::time::timeout_at(watch.since + watch.rule.interval, self.stream.next()).await {
                    Ok(next) => next,
                    Err(_) if self.position - watch.position >= watch.rule.bytes => {
                        watch.since = tokio::time::Instant::now();
                        watch.position = self.position;
                        continue;
                    }
                    Err(_) => {
                        self.end = Some(Ok(()));
                        return Ok(());
                    }
                },
            };
            match next {
                Some(Ok(bytes)) => self.pending = bytes,
                Some(Err(error)) => return self.finish(Err(error)),
                None => return self.finish_whole(size),
            }
            if size.is_some_and(|size| self.position + self.pending.len() as u64 > size) {
                self.pending = Bytes::new();
                return self.finish(Err(wrong_size("more", size.unwrap_or_default())));
            }
        }
        Ok(())
    }

    fn finish_whole(&mut self, size: Option<u64>) -> Result<()> {
        match size {
            Some(size) if self.position < size => self.finish(Err(wrong_size("fewer", size))),
            _ => self.finish(Ok(())),
        }
    }

    fn finish(&mut self, end: Result<()>) -> Result<()> {
        self.end = Some(end.clone());
        // The stream may own a connection or a file: let it go at the end, not when the last handle is dropped.
        self.stream = Box::pin(futures::stream::empty());
        end
    }
}

fn wrong_size(more_or_fewer: &str, size: u64) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the content has {more_or_fewer} bytes than the {size} that it announced"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn live(frames: Vec<Result<Bytes>>, size: Option<u64>) -> Live {
        Live::new(Box::pin(futures::stream::iter(frames)), size)
    }

    #[tokio::test]
    async fn it_is_read_onwards_only() {
        let live = live(vec![Ok(Bytes::from("abc")), Ok(Bytes::from("de"))], Some(5));
        assert_eq!(live.read_at(0, 2).await.unwrap(), "ab");
        assert_eq!(live.read_at(0, 2).await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(live.read_at(2, 9).await.unwrap(), "c");
        assert_eq!(live.read_at(3, 9).await.unwrap(), "de");
        assert_eq!(live.read_at(5, 9).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_wrong_size_is_an_error_that_stays() {
        for (size, word) in [(4, "more"), (6, "fewer")] {
            let live = live(vec![Ok(Bytes::from("abcde"))], Some(size));
            let last = match live.read_at(0, 9).await {
                Ok(bytes) => live.read_at(bytes.len() as u64, 9).await,
                failed => failed,
            };
            assert!(last.unwrap_err().to_string().contains(word));
        }
    }

    #[tokio::test]
    async fn what_stalls_ends_there() {
        let stream = futures::stream::iter([Ok(Bytes::from("abc"))]).chain(futures::stream::pending());
        let live = Live::new(Box::pin(stream), None).ending_at_stall(Stall { interval: Duration::from_millis(20), bytes: 1 << 20 }).await;
        assert_eq!(live.read_at(0, 9).await.unwrap(), "abc");
        assert_eq!(live.read_at(3, 9).await.unwrap(), "");
    }
}
