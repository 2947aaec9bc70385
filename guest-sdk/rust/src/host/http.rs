//! Requests to the servers that the grant names (contract: `http`, `signing`).
//!
//! The host resolves names, keeps connections and adds credentials after the request has left the driver, so a driver holds no
//! secret and sends no `Authorization`. A body goes from host to host, and so does what a response brings:
//!
//! ```
//! use cofferdam_guest::prelude::*;
//! use cofferdam_guest::testing::{Harness, http::Answer};
//!
//! # struct Mirror;
//! # impl Driver for Mirror {
//! #     const NAME: &'static str = "mirror";
//! #     const VERSION: &'static str = "1.0.0";
//! #     type Settings = ();
//! #     fn configure(_settings: ()) -> Result<Self> { Ok(Self) }
//! # }
//! impl Mirror {
//!     fn fetch(&self, name: &str) -> Result<Content> {
//!         let response = Request::get(format!("https://mirror.test/{name}")).header("accept", "*/*").send()?;
//!         match response.status {
//!             200 => Ok(response.content),
//!             404 => Err(Error::not_found(name)),
//!             status => Err(Error::unavailable(format!("the mirror answered {status}"))),
//!         }
//!     }
//! }
//!
//! let mirror = Harness::<Mirror>::start(&[])?;
//! mirror.script([Answer::new(200).body("socks"), Answer::new(404)]);
//! assert_eq!(mirror.fetch("drawer")?.bytes(100)?, b"socks");
//! assert_eq!(mirror.fetch("attic").unwrap_err().kind, ErrorKind::NotFound);
//! assert_eq!(mirror.requests()[1].url, "https://mirror.test/attic");
//! # Ok::<(), Error>(())
//! ```

use crate::bindings::cofferdam::storage::http;
pub use crate::bindings::cofferdam::storage::http::Headers;
use crate::error::Result;
use crate::host::backend;
use crate::host::data::Content;

/// How many requests the host takes at once.
const ALL_MAX: usize = 256;

/// A request that is being made.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Request(http::Request);

/// What a server answered: every status is an answer.
#[derive(Debug)]
pub struct Response {
    /// `200`, `404` …
    pub status: u16,
    /// As they came.
    pub headers: Headers,
    /// The body, live and not decoded. It can be handed out as it is.
    pub content: Content,
}

macro_rules! methods {
    ($($function:ident: $method:literal;)*) => {$(
        #[doc = concat!("A `", $method, "` of an absolute URL.")]
        pub fn $function(url: impl Into<String>) -> Self {
            Self::new($method, url)
        }
    )*};
}

impl Request {
    /// A request with any method, of an absolute URL.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(http::Request { method: method.to_owned(), url: url.into(), headers: Vec::new(), options: Vec::new() })
    }

    methods! {
        get: "GET";
        head: "HEAD";
        put: "PUT";
        post: "POST";
        delete: "DELETE";
    }

    /// The same request with one more header. The host sets `Host`, `Content-Length`, `Connection`, `Expect` and, with an
    /// authenticator, `Authorization`.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same request with one more header, if there is a value.
    pub fn header_if(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The same request, waiting at most so long for the response's head; the grant may say less.
    pub fn first_byte_timeout_ms(mut self, milliseconds: u32) -> Self {
        self.0.options.push(("first-byte-timeout-ms".to_owned(), milliseconds.to_string()));
        self
    }

    /// Sends the request without a body.
    ///
    /// # Errors
    /// By code: `denied` if the grant does not allow it; `connect`, `tls`, `timeout`, `reset` if there was no answer.
    pub fn send(&self) -> Result<Response> {
        self.exchange(None)
    }

    /// Sends the request with a body, whose size must be known.
    ///
    /// # Errors
    /// As [`Request::send`]; what reading the body answers.
    pub fn send_with(&self, body: &Content) -> Result<Response> {
        self.exchange(Some(body))
    }

    /// Sends requests without bodies, several at once; answers each, in their order. For many small questions: the host takes no more than
    /// 64 KiB of a response's body, and holds it.
    ///
    /// # Errors
    /// Each by itself: as [`Request::send`], and `quota-exceeded` for a body that is longer.
    pub fn send_all(requests: Vec<Self>) -> Vec<Result<Response>> {
        let requests: Vec<_> = requests.into_iter().map(|request| request.0).collect();
        let answered = requests.chunks(ALL_MAX).flat_map(backend::http::send_all);
        answered.map(|answered| answered.map(Response::of)).collect()
    }

    /// A URL with which anybody may send this request for so many seconds. Nothing is sent.
    ///
    /// # Errors
    /// `permission-denied` if the grant does not allow it; `unsupported` without an authenticator that can; `invalid-argument` for
    /// a time that is too long.
    pub fn presign(&self, seconds: u32) -> Result<String> {
        backend::http::presign(&self.0, seconds)
    }

    fn exchange(&self, body: Option<&Content>) -> Result<Response> {
        backend::http::send(&self.0, body.map(|body| &body.0)).map(Response::of)
    }
}

impl Response {
    fn of((status, headers, content): (u16, Headers, backend::data::Content)) -> Self {
        Self { status, headers, content: Content(content) }
    }

    /// The first header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the status is one of success: 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What `Retry-After` asks for, where it is given in seconds.
    pub fn retry_after_ms(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse::<u32>().ok().map(|seconds| seconds.saturating_mul(1000))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn response(headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status: 204, headers, content: Content::from_bytes(b"") }
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let response = response(&[("ETag", "\"1\""), ("etag", "\"2\"")]);
        assert_eq!(response.header("etag"), Some("\"1\""));
        assert_eq!(response.header("date"), None);
        assert!(response.is_success());
    }

    #[test]
    fn a_date_in_retry_after_is_no_number_of_seconds() {
        assert_eq!(response(&[("retry-after", "2")]).retry_after_ms(), Some(2000));
        assert_eq!(response(&[("retry-after", "99999999")]).retry_after_ms(), Some(u32::MAX));
        assert_eq!(response(&[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")]).retry_after_ms(), None);
    }
}
