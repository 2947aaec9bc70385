//! The servers of a test: what they answer, and what they were asked.

use crate::bindings::cofferdam::storage::http::Headers;
use crate::error::Result;

/// A request as the host would send it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// `GET`, `PUT` …
    pub method: String,
    /// Absolute.
    pub url: String,
    /// The driver's own: without those that the host adds.
    pub headers: Headers,
    /// All of the body, if there is one.
    pub body: Option<Vec<u8>>,
}

impl Asked {
    /// The first header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text, empty without one.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body.as_deref().unwrap_or_default()).into_owned()
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same answer with one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same answer with this body, and the `Content-Length` of it unless one is there already.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        let known = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if known { self } else { self.header("content-length", length) }
    }
}

/// Answers requests: the server of a test.
pub(crate) type Server = Box<dyn FnMut(&Asked) -> Result<Answer>>;
