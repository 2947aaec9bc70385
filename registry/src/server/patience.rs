//! A stream that gives up on a peer that takes nothing for too long, or says nothing at first.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// `inner`, with limits on how long its peer may keep it waiting.
///
/// Reads are limited only before the first byte, which nothing above watches; after that the head of a request and its body have limits of their own.
pub(super) struct Patience<T> {
    inner: T,
    first_byte: Option<Duration>,
    write: Duration,
    /// Runs only while something waits. Made once, then reset: most connections never need it.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<T> Patience<T> {
    pub(super) fn new(inner: T, first_byte: Duration, write: Duration) -> Self {
        Self { inner, first_byte: Some(first_byte), write, timer: None, waiting: false }
    }

    /// What did not get on: an error once that has lasted for `limit`.
    fn wait<R>(&mut self, context: &mut Context<'_>, limit: Duration, what: &'static str) -> Poll<io::Result<R>> {
        if !std::mem::replace(&mut self.waiting, true) {
            let deadline = Instant::now() + limit;
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
        }
        match self.timer.as_mut().map(|timer| timer.as_mut().poll(context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, format!("the client {what} for {limit:?}")))),
            _ => Poll::Pending,
        }
    }

    fn written<R>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match polled {
            Poll::Pending => self.wait(context, self.write, "took nothing"),
            ready => {
                self.waiting = false;
                ready
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patience<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match (Pin::new(&mut self.inner).poll_read(context, buffer), self.first_byte) {
            (Poll::Pending, Some(limit)) => self.wait(context, limit, "said nothing"),
            (polled, None) => polled,
            (ready, Some(_)) => {
                self.first_byte = None;
                self.waiting = false;
                ready
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patience<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.written(context, polled)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.written(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.written(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.written(context, polled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Short, since it is waited for.
    const SOON: Duration = Duration::from_millis(30);

    /// What no test waits for.
    const LATE: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_peer_that_says_nothing_is_given_up_on() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let began = Instant::now();
        let error = Patience::new(ours, SOON, LATE).read_u8().await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::TimedOut, "the client said nothing for 30ms"));
        assert!(began.elapsed() >= SOON);
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up_on() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = Patience::new(ours, LATE, SOON);
        stream.write_all(&[0; 16]).await.unwrap();
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        let error = stream.write_all(&[0; 16]).await.unwrap_err();
        assert_eq!(error.to_string(), "the client took nothing for 30ms");
    }

    #[tokio::test]
    async fn a_peer_that_takes_something_starts_the_clock_anew() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = Patience::new(ours, LATE, SOON);
        let began = Instant::now();
        let taking = async {
            // Each wait is shorter than the limit, all of them together are not.
            while began.elapsed() < SOON * 4 {
                theirs.read_exact(&mut [0; 1]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let giving = async {
            loop {
                stream.write_all(&[0; 16]).await.unwrap();
            }
        };
        tokio::select! {
            () = taking => {}
            () = giving => {}
        }
        assert!(began.elapsed() >= SOON * 4);
    }

    #[tokio::test]
    async fn a_peer_that_has_spoken_may_be_silent() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = Patience::new(ours, SOON, SOON);
        theirs.write_u8(1).await.unwrap();
        stream.read_u8().await.unwrap();
        tokio::time::timeout(SOON * 4, stream.read_u8()).await.unwrap_err();
    }
}
