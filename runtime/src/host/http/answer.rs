//! What came back: status, headers, and a body that arrives while it is read, whoever reads it.

use futures::stream;
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;

use super::failure;
use crate::content::Content;
use crate::error::Result;

/// A response whose head has arrived.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
}

impl Answered {
    /// `permit` is given back when the body has been read, or nobody will read it.
    pub(super) fn new(response: Response, permit: OwnedSemaphorePermit) -> Result<Self> {
        let status = response.status().as_u16();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        // Of the body itself: none follows a HEAD, whatever the header promises.
        let size = response.content_length();
        let content = if size == Some(0) { Content::from_bytes("") } else { Content::live(body(response, permit), size) };
        Ok(Self { status, headers, content })
    }
}

fn body(response: Response, permit: OwnedSemaphorePermit) -> impl futures::Stream<Item = Result<bytes::Bytes>> + Send + 'static {
    stream::try_unfold((response, permit), |(mut response, permit)| async move {
        loop {
            match response.chunk().await.map_err(failure::of)? {
                // An empty frame of HTTP/2 says nothing, and an empty read would mean the end.
                Some(bytes) if bytes.is_empty() => {}
                Some(bytes) => return Ok(Some((bytes, (response, permit)))),
                None => return Ok(None),
            }
        }
    })
}
