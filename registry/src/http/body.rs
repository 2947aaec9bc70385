//! The body of an answer: nothing, bytes in memory, or the content of a store, frame by frame.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cofferdam::{Content, ContentStream};
use futures::Stream;
use http_body::{Body, Frame, SizeHint};

use super::log::Record;

/// Content up to this size is read before its answer begins: it then costs no future of its own, and an error of the store is an answer with a status instead
/// of a connection that breaks off. Larger content is sent in frames of 256 KiB (`Content`'s) while it is read.
const READ_FIRST_MAX: u64 = 64 << 10;

/// Why a body ended early. The connection is then cut, so that no client takes a part for the whole.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer. A client that does not read it holds what the content holds, a file mostly, and never a driver's instance.
#[derive(Debug, Default)]
pub struct ResponseBody {
    kind: Kind,
    sent: u64,
    /// What the access log says of the request once the body is through, or given up.
    record: Option<Box<Record>>,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Content {
        stream: ContentStream,
        left: u64,
    },
    /// From routes that are not the specification's.
    Other(axum::body::Body),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Content { left, .. } => write!(f, "content, {left} bytes left"),
            Self::Other(_) => f.write_str("other"),
        }
    }
}

impl ResponseBody {
    fn of(kind: Kind) -> Self {
        Self { kind, sent: 0, record: None }
    }

    /// Bytes in memory.
    pub(super) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::of(Kind::Bytes(bytes.into()))
    }

    /// `content`, which has `length` bytes.
    ///
    /// # Errors
    /// What the source of the bytes reports of small content, which is read here.
    pub(super) async fn content(content: Content, length: u64) -> cofferdam::Result<Self> {
        if length == 0 {
            return Ok(Self::default());
        }
        if length > READ_FIRST_MAX {
            return Ok(Self::of(Kind::Content { stream: content.into_stream(), left: length }));
        }
        let first = content.read_at(0, length as usize).await?;
        if first.len() as u64 == length {
            return Ok(Self::bytes(first));
        }
        // Content that comes in pieces even where it is small.
        let mut all = Vec::with_capacity(length as usize);
        let mut piece = first;
        while !piece.is_empty() {
            all.extend_from_slice(&piece);
            piece = content.read_at(all.len() as u64, length as usize - all.len()).await?;
        }
        if all.len() as u64 != length {
            let message = format!("the content ended after {} of {length} bytes", all.len());
            return Err(cofferdam::Error::new(cofferdam::ErrorKind::Corrupted, message));
        }
        Ok(Self::bytes(all))
    }

    /// The body of another service.
    pub(super) fn other(body: axum::body::Body) -> Self {
        Self::of(Kind::Other(body))
    }

    /// Has `record` written when the body is through.
    pub(super) fn recorded(mut self, record: Option<Box<Record>>) -> Self {
        self.record = record;
        self
    }

    fn poll_kind(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Kind::Content { stream, left } => {
                let frame = match ready!(Pin::new(stream).poll_next(context)) {
                    Some(Ok(frame)) if frame.len() as u64 <= *left => frame,
                    Some(Ok(_)) => return Poll::Ready(Some(Err("the store answered more bytes than it said".into()))),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => return Poll::Ready(Some(Err(format!("the store ended {left} bytes early").into()))),
                };
                *left -= frame.len() as u64;
                if *left == 0 {
                    // Nobody asks again: what the content holds goes now.
                    self.kind = Kind::Empty;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Kind::Other(body) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(context)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                        Err(_trailers) => {}
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => return Poll::Ready(None),
                }
            },
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = ready!(self.poll_kind(context));
        Poll::Ready(match polled {
            Some(Ok(bytes)) => {
                self.sent += bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => {
                self.kind = Kind::Empty;
                tracing::error!(error, "an answer breaks off");
                Some(Err(error))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Content { .. } => false,
            Kind::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Content { left, .. } => SizeHint::with_exact(*left),
            Kind::Other(body) => body.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            record.write(self.sent);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn pieces(sizes: &[usize]) -> Content {
        let pieces: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
        Content::live(stream::iter(pieces), None)
    }

    #[tokio::test]
    async fn small_content_is_one_frame_of_known_length() {
        for content in [Content::from_bytes(vec![7; 3000]), pieces(&[1000, 1, 1999])] {
            let mut body = ResponseBody::content(content, 3000).await.unwrap();
            assert_eq!(body.size_hint().exact(), Some(3000));
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), vec![7; 3000]);
            assert!(body.is_end_stream());
        }
    }

    #[tokio::test]
    async fn large_content_comes_in_frames_and_says_its_length() {
        let body = ResponseBody::content(pieces(&[100_000, 100_000]), 200_000).await.unwrap();
        assert_eq!(body.size_hint().exact(), Some(200_000));
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 200_000);
    }

    #[tokio::test]
    async fn content_that_ends_early_is_an_error_whatever_its_size() {
        assert!(ResponseBody::content(pieces(&[10]), 20).await.is_err());
        for sizes in [&[100_000, 50_000][..], &[100_000, 150_000]] {
            let body = ResponseBody::content(pieces(sizes), 200_000).await.unwrap();
            assert!(body.collect().await.is_err(), "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_nothing() {
        let body = ResponseBody::content(Content::from_bytes(""), 0).await.unwrap();
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}
