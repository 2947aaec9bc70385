//! Content as a stream of bytes, for a host that sends it on.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use futures::future::BoxFuture;

use super::{Content, Kind, READ_MAX};
use crate::error::Result;

/// The bytes of a [`Content`], frame by frame.
pub struct ContentStream {
    state: State,
    offset: u64,
}

enum State {
    Idle(Content),
    Reading(BoxFuture<'static, (Content, Result<Bytes>)>),
    Ended,
}

impl ContentStream {
    pub(super) fn new(content: Content) -> Self {
        Self { state: State::Idle(content), offset: 0 }
    }
}

impl Stream for ContentStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                // In memory already: no future for it.
                State::Idle(Content { kind: Kind::Bytes(bytes) }) => {
                    return Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)));
                }
                State::Idle(content) => {
                    let offset = self.offset;
                    self.state = State::Reading(Box::pin(async move {
                        let read = content.read_at(offset, READ_MAX).await;
                        (content, read)
                    }));
                }
                State::Reading(mut reading) => match reading.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready((_, Err(error))) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready((_, Ok(bytes))) if bytes.is_empty() => return Poll::Ready(None),
                    Poll::Ready((content, Ok(bytes))) => {
                        self.offset += bytes.len() as u64;
                        self.state = State::Idle(content);
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                },
            }
        }
    }
}
