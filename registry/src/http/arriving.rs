//! The body of a request as it arrives: bounded in time, and the rest of it thrown away where nobody wants it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cofferdam::{Error, ErrorKind, Result};
use futures::{Stream, StreamExt};
use http_body::Body;
use tokio::time::{Instant, Sleep};

use crate::error::RegistryError;

/// How much of a body that nobody wants is read, so that the client gets to see the answer: a connection that is closed while bytes wait in it is reset, and the
/// answer lost with it. 8 MiB: a manifest that is too long by not more than its length is told so.
const DRAIN_MAX: u64 = 8 << 20;

/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The bytes of a request, until the client has been silent for too long.
pub(super) struct Arriving<B> {
    body: B,
    patience: Duration,
    /// Runs only while bytes are waited for; made when that happens first.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    ended: bool,
}

impl<B> Arriving<B> {
    pub(super) fn new(body: B, patience: Duration) -> Self {
        Self { body, patience, timer: None, waiting: false, ended: false }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.waiting, true) {
            let deadline = Instant::now() + self.patience;
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(context))
    }
}

impl<B> Stream for Arriving<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let broken = |message: String| Poll::Ready(Some(Err(Error::new(ErrorKind::Unavailable, message))));
        while !self.ended {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = false;
                    match frame.into_data() {
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                        Err(_trailers) => {}
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    self.ended = true;
                    return broken("the client's connection ended before its request".to_owned());
                }
                Poll::Ready(None) => self.ended = true,
                Poll::Pending if self.poll_patience(context).is_pending() => return Poll::Pending,
                Poll::Pending => {
                    self.ended = true;
                    return broken(format!("the client sent nothing for {:?}", self.patience));
                }
            }
        }
        Poll::Ready(None)
    }
}

/// All of a body, at most `limit` bytes. One that is longer is read on for a moment, as [`drain`] does.
///
/// # Errors
/// [`RegistryError::ManifestTooLarge`]: of all that is read whole, manifests alone can be too long.
pub(super) async fn collect<B>(body: B, patience: Duration, limit: u64) -> Result<Bytes, RegistryError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit {
        drain(body).await;
        return Err(RegistryError::ManifestTooLarge { limit });
    }
    let mut arriving = Arriving::new(body, patience);
    let mut all = BytesMut::new();
    while let Some(piece) = arriving.next().await {
        let piece = piece.map_err(|error| RegistryError::SizeInvalid { message: error.message().to_owned() })?;
        if (all.len() + piece.len()) as u64 > limit {
            drop(all);
            throw_away(&mut arriving).await;
            return Err(RegistryError::ManifestTooLarge { limit });
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// Reads on for a moment and throws away.
pub(super) async fn drain<B>(body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    throw_away(&mut Arriving::new(body, DRAIN_TIME)).await;
}

async fn throw_away<B>(arriving: &mut Arriving<B>)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = arriving.next().await {
            read += piece.len() as u64;
            if read > DRAIN_MAX {
                return;
            }
        }
    };
    // Whoever sends more, or slower, has to live with a reset.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;

    fn data(bytes: &'static [u8]) -> Result<Frame<Bytes>, std::io::Error> {
        Ok(Frame::data(Bytes::from_static(bytes)))
    }

    async fn all(frames: Frames) -> Vec<Result<Bytes>> {
        Arriving::new(StreamBody::new(stream::iter(frames)), SOON).collect().await
    }

    #[tokio::test]
    async fn data_arrives_and_trailers_do_not() {
        let arrived = all(vec![data(b"one"), data(b""), data(b"two"), Ok(Frame::trailers(Default::default()))]).await;
        let arrived: Vec<_> = arrived.into_iter().map(Result::unwrap).collect();
        assert_eq!(arrived, ["one", "two"]);
    }

    #[tokio::test]
    async fn a_broken_connection_is_told_once_and_last() {
        let arrived = all(vec![data(b"one"), Err(std::io::ErrorKind::ConnectionReset.into()), data(b"two")]).await;
        assert_eq!(arrived.len(), 2);
        assert!(arrived[1].as_ref().is_err_and(|error| error.message().contains("connection ended")));
    }

    #[tokio::test]
    async fn a_silent_client_is_given_up_on() {
        let frames = stream::iter([data(b"one")]).chain(stream::pending());
        let arrived: Vec<_> = Arriving::new(StreamBody::new(frames), SOON).collect().await;
        assert!(arrived[1].as_ref().is_err_and(|error| error.message() == "the client sent nothing for 20ms"));
    }

    #[tokio::test]
    async fn what_is_collected_has_a_limit() {
        let whole = |bytes: &'static str, limit| collect(Full::new(Bytes::from(bytes)), SOON, limit);
        assert_eq!(whole("12345", 5).await.unwrap(), "12345");
        assert!(matches!(whole("123456", 5).await, Err(RegistryError::ManifestTooLarge { limit: 5 })));
        let unannounced = StreamBody::new(stream::iter([data(b"123"), data(b"456")]));
        assert!(matches!(collect(unannounced, SOON, 5).await, Err(RegistryError::ManifestTooLarge { limit: 5 })));
    }

    #[tokio::test]
    async fn what_is_too_long_is_read_on_so_that_its_sender_hears_the_answer() {
        for announced in [true, false] {
            let read = std::cell::Cell::new(0);
            let pieces = stream::iter(0..10).map(|_| {
                read.set(read.get() + 1);
                data(b"12345")
            });
            let body = StreamBody::new(pieces);
            let collected = if announced { collect(Announced(body, 50), SOON, 7).await } else { collect(body, SOON, 7).await };
            assert!(matches!(collected, Err(RegistryError::ManifestTooLarge { limit: 7 })));
            assert_eq!(read.get(), 10, "announced: {announced}");
        }
    }

    /// A body that says how long it is.
    struct Announced<B>(B, u64);

    impl<B: Body<Data = Bytes> + Unpin> Body for Announced<B> {
        type Data = Bytes;
        type Error = B::Error;

        fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
            Pin::new(&mut self.0).poll_frame(context)
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.1)
        }
    }
}
