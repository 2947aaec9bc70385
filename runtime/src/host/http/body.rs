//! Content as a request's body: its length known, its bytes counted as progress of the call.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::call::CallContext;
use crate::content::{Content, ContentStream};
use crate::error::{Error, ErrorKind};

/// The body that sends `content`, which has `size` bytes; adds to `moved` what it hands out.
pub(super) fn of(content: Content, size: u64, call: &CallContext, moved: &Arc<AtomicU64>) -> reqwest::Body {
    match content.as_bytes() {
        Some(bytes) => bytes.clone().into(),
        None => reqwest::Body::wrap(Sent { stream: Mutex::new(content.into_stream()), left: size, call: call.clone(), moved: moved.clone() }),
    }
}

struct Sent {
    /// A mutex for its type's sake, which the client wants to be `Sync`: nobody ever locks it.
    stream: Mutex<ContentStream>,
    left: u64,
    call: CallContext,
    moved: Arc<AtomicU64>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let wrong = |more| Error::new(ErrorKind::InvalidArgument, format!("the body has {more} bytes than its size says"));
        let stream = self.stream.get_mut().unwrap_or_else(PoisonError::into_inner);
        Poll::Ready(match ready!(Pin::new(stream).poll_next(context)) {
            Some(Ok(bytes)) if bytes.len() as u64 > self.left => Some(Err(wrong("more"))),
            Some(Ok(bytes)) => {
                self.left -= bytes.len() as u64;
                self.call.moved(bytes.len() as u64);
                self.moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => Some(Err(wrong("fewer"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
