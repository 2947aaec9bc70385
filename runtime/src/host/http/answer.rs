//! What came back: status, headers, and a body that arrives while it is read, whoever reads it.

use std::time::{Duration, Instant};

use futures::stream;
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;

use super::failure;
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};

/// How many bytes of a body make a piece, as the idle timeout means it: a server that sends one now and then would hold whoever reads for ever.
const PACE: usize = 1024;

/// A response whose head has arrived.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

impl Answered {
    /// The body must go on within `idle`. `permit` is given back when it has been read, or nobody will read it.
    pub(super) fn new(mut response: Response, idle: Duration, permit: OwnedSemaphorePermit) -> Self {
        let status = response.status();
        // Of the body itself: none follows a HEAD, whatever the header promises.
        let size = response.content_length();
        let headers = std::mem::take(response.headers_mut());
        let pace = Pace { limit: idle, waited: Duration::ZERO, arrived: 0 };
        let content = if size == Some(0) { Content::from_bytes("") } else { Content::live(body(response, pace, permit), size) };
        Self { status, headers, content }
    }

    /// The same with the whole body, which has at most `most` bytes: its connection is free for others.
    ///
    /// # Errors
    /// `quota-exceeded` for more, and what reading it reports.
    ///
    /// # Cancel safety
    /// The connection is given up.
    pub(super) async fn held(self, most: u64) -> Result<Self> {
        Ok(Self { content: Content::from_bytes(self.content.bytes(most).await?), ..self })
    }

    /// The headers as text, in the order in which they came.
    pub(super) fn texts(&self) -> Vec<(String, String)> {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
    }
}

fn body(response: Response, pace: Pace, permit: OwnedSemaphorePermit) -> impl futures::Stream<Item = Result<bytes::Bytes>> + Send + 'static {
    stream::try_unfold((response, pace, permit), |(mut response, mut pace, permit)| async move {
        loop {
            match pace.next(&mut response).await? {
                // An empty frame of HTTP/2 says nothing, and an empty read would mean the end.
                Some(bytes) if bytes.is_empty() => {}
                Some(bytes) => return Ok(Some((bytes, (response, pace, permit)))),
                None => return Ok(None),
            }
        }
    })
}

/// How fast a body must arrive while somebody waits for it: [`PACE`] bytes within the rule's idle timeout.
struct Pace {
    limit: Duration,
    /// Since the last so many bytes. Only while the reader waits: a slow reader is not the server's fault.
    waited: Duration,
    arrived: usize,
}

impl Pace {
    async fn next(&mut self, response: &mut Response) -> Result<Option<bytes::Bytes>> {
        let began = Instant::now();
        let left = self.limit.saturating_sub(self.waited);
        let Ok(piece) = tokio::time::timeout(left, response.chunk()).await else { return Err(self.too_slow()) };
        let piece = piece.map_err(failure::of)?;
        self.waited += began.elapsed();
        self.arrived += piece.as_ref().map_or(0, bytes::Bytes::len);
        if self.arrived >= PACE {
            (self.waited, self.arrived) = (Duration::ZERO, 0);
        } else if self.waited > self.limit && piece.is_some() {
            // Frames without bytes are always there, and the clock is never asked.
            return Err(self.too_slow());
        }
        Ok(piece)
    }

    fn too_slow(&self) -> Error {
        let message = format!("the server sent {} bytes of its answer within {:?}", self.arrived, self.limit);
        Error::new(ErrorKind::Unavailable, message).with_code("timeout".to_owned())
    }
}
