//! What a driver asks, checked before anything is done about it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::Request;
use url::{Host, Url};

use super::body;
use super::failure::{Cause, Failure};
use super::sign::Authenticator;
use crate::call::CallContext;
use crate::content::Content;

/// The most headers that a request may have.
const HEADERS_MAX: usize = 100;

/// The most bytes that their names and values may have together.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// How many characters of a request that is malformed the audit shows.
const SHOWN_MAX: usize = 200;

/// The longest URL.
const URL_MAX: usize = 16 << 10;

/// What frames a message or steers the connection: the host's own.
const OURS: &[&str] = &[
    "host",
    "content-length",
    "connection",
    "expect",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
];

/// Whether the header is the host's to say.
pub(super) fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(&name.as_str())
}

/// As a driver says it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) first_byte: Option<Duration>,
}

/// A request that is well-formed.
pub(super) struct Checked {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

impl Asked {
    /// What is asked for, as the audit shows it: without the query, cut, and without characters that do something to who reads it.
    pub(super) fn shown(&self) -> String {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {url}", self.method).chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect()
    }

    /// # Errors
    /// `invalid-argument` for what is malformed, too large, or the host's to say.
    pub(super) fn check(&self) -> Result<Checked, Failure> {
        let bad = |cause, problem: String| Failure::bad(cause, &problem);
        let unusable = |_| bad(Cause::Method, format!("has no usable method: {:?}", self.method));
        let method = Method::from_bytes(self.method.as_bytes()).map_err(unusable)?;
        if matches!(method, Method::CONNECT | Method::TRACE) || self.method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(bad(Cause::Method, format!("has the method {method}, which no driver may use")));
        }
        if self.url.len() > URL_MAX {
            return Err(bad(Cause::UrlLength, format!("has a URL of {} bytes, over {URL_MAX}", self.url.len())));
        }
        let url = Url::parse(&self.url).map_err(|error| bad(Cause::Url, format!("has no usable URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(bad(Cause::Url, "has a URL that is not `http` or `https`, or has a user or a fragment".to_owned()));
        }
        Ok(Checked { method, url, headers: headers(&self.headers)? })
    }
}

fn headers(said: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let bad = |problem: String| Failure::bad(Cause::Headers, &problem);
    let bytes: usize = said.iter().map(|(name, value)| name.len() + value.len()).sum();
    if said.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(bad(format!("has {} headers of {bytes} bytes, over {HEADERS_MAX} or {HEADER_BYTES_MAX}", said.len())));
    }
    let mut headers = HeaderMap::with_capacity(said.len());
    for (name, value) in said {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(format!("has a header with the name {name:?}, which is none")))?;
        if is_ours(&name) {
            return Err(bad(format!("sets the header `{name}`, which is the host's")));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad(format!("has a value of `{name}` that no header can have")))?;
        headers.append(name, value);
    }
    Ok(headers)
}

impl Checked {
    /// The address that the URL names, if it names one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }

    /// What is asked for, for people: without the query, which may have something signed in it.
    pub(super) fn target(&self) -> String {
        format!("{} {}{}", self.method, self.url.origin().ascii_serialization(), self.url.path())
    }

    /// # Errors
    /// `invalid-argument` if the driver says what the rule's authenticator is to say.
    pub(super) fn refuse_brokered(&self, authenticator: Option<&Authenticator>) -> Result<(), Failure> {
        let Some(authenticator) = authenticator else { return Ok(()) };
        let mut taken = authenticator.headers().iter().copied().chain(["authorization"]).filter(|name| self.headers.contains_key(*name));
        match taken.next() {
            Some(name) => Err(Failure::bad(Cause::Brokered, &format!("sets `{name}`, which the host sets: its rule has an authenticator"))),
            None => Ok(()),
        }
    }

    /// The request that is sent.
    pub(super) fn into_request(self, body: Option<Content>, call: &CallContext, moved: &Arc<AtomicU64>) -> Request {
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        // The client leaves it out where nothing follows, and servers want it all the same: S3 answers 411 to a PUT without.
        let is_empty = body.as_ref().map_or(Some(0), Content::size) == Some(0);
        if is_empty && (body.is_some() || wants_length(request.method())) {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        *request.body_mut() = body.map(|content| body::of(content, call, moved));
        request
    }
}

/// Whether a request of this method says its length even if it has no body (RFC 9110, 8.6).
fn wants_length(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}
