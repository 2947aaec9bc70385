//! Content as a request's body: its length kept to where it is known, its bytes counted as progress of the call.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::call::CallContext;
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};

/// How much of what lies in memory is handed to the client at once: what it has taken counts as progress, and of one piece nobody could tell.
const PIECE: usize = 64 << 10;

/// The body that sends `content`; adds to `moved` what it hands out.
pub(super) fn of(content: Content, call: &CallContext, moved: &Arc<AtomicU64>) -> reqwest::Body {
    let left = content.size();
    let stream = match content.as_bytes() {
        Some(bytes) if bytes.len() <= PIECE => return bytes.clone().into(),
        Some(bytes) => pieces(bytes.clone()),
        None => content.into_stream().boxed(),
    };
    reqwest::Body::wrap(Sent { stream: Mutex::new(stream), left, call: call.clone(), moved: moved.clone() })
}

fn pieces(bytes: Bytes) -> BoxStream<'static, Result<Bytes>> {
    let starts = (0..bytes.len()).step_by(PIECE);
    stream::iter(starts.map(move |start| Ok(bytes.slice(start..bytes.len().min(start + PIECE))))).boxed()
}

struct Sent {
    /// A mutex for its type's sake, which the client wants to be `Sync`: nobody ever locks it.
    stream: Mutex<BoxStream<'static, Result<Bytes>>>,
    /// What is still to come, where that is known.
    left: Option<u64>,
    call: CallContext,
    moved: Arc<AtomicU64>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let wrong = |more| Error::new(ErrorKind::InvalidArgument, format!("the body has {more} bytes than its size says"));
        let stream = self.stream.get_mut().unwrap_or_else(PoisonError::into_inner);
        Poll::Ready(match ready!(stream.as_mut().poll_next(context)) {
            Some(Ok(bytes)) if self.left.is_some_and(|left| bytes.len() as u64 > left) => Some(Err(wrong("more"))),
            Some(Ok(bytes)) => {
                self.left = self.left.map(|left| left - bytes.len() as u64);
                self.call.moved(bytes.len() as u64);
                self.moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.left.is_some_and(|left| left > 0) => Some(Err(wrong("fewer"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
