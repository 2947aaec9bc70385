//! Request ids: the client's or proxy's own, if it is sane, else a new one.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// The header that brings and returns it.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over.
const LENGTH_MAX: usize = 128;

/// The id of a request, in the answer's header, the access log, errors and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        // Only visible ASCII ever gets in.
        self.0.to_str().unwrap_or_default()
    }

    /// The id as a header.
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Where ids come from.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// Tells processes apart.
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let mut seed = [0; 8];
        // Without random bytes the ids of two processes may look alike: nothing but logs would suffer.
        let _ = getrandom::fill(&mut seed);
        Self { process: u64::from_ne_bytes(seed), next: AtomicU64::new(0) }
    }

    /// The id of a request with these headers.
    pub(super) fn of(&self, headers: &HeaderMap) -> RequestId {
        match headers.get(HEADER).filter(|id| is_sane(id.as_bytes())) {
            Some(id) => RequestId(id.clone()),
            None => self.fresh(),
        }
    }

    fn fresh(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = BytesMut::with_capacity(32);
        // Writing hexadecimal digits to memory does not fail, and they make a header.
        let _ = write!(text, "{:08x}-{number:x}", self.process >> 32);
        RequestId(HeaderValue::from_maybe_shared(text.freeze()).unwrap_or(HeaderValue::from_static("none")))
    }
}

/// Whether an id may go to logs and back to the client as it is.
fn is_sane(id: &[u8]) -> bool {
    (1..=LENGTH_MAX).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(id: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, id.parse().unwrap());
        RequestIds::new().of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sane_id_is_taken_over() {
        for id in ["1", "6c345f28-a21a-4ac5-bbeb-df502cc5420d", "Root=1-67:ab/c+d@e_f.g"] {
            assert_eq!(with(id), id);
        }
    }

    #[test]
    fn what_could_harm_a_log_is_not() {
        for id in ["", "a b", "a\"b", "a{b}", &"x".repeat(129)] {
            assert_ne!(with(id), id);
        }
    }

    #[test]
    fn fresh_ids_differ() {
        let ids = RequestIds::new();
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.of(&HeaderMap::new()).as_str().to_owned()).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| is_sane(id.as_bytes())));
    }
}
