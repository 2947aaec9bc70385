//! What drivers of HTTP servers have in common (feature `web`): their words for ranges, etags, errors, times, URLs and documents.
//!
//! | module | its one job |
//! |---|---|
//! | [`dates`] | times as headers and documents write them |
//! | [`urls`] | what goes into a URL, encoded, and what comes out of one |
//! | [`xml`] | documents, read into elements |
//! | here | what an answer says of an object, or of an error |

pub mod dates;
pub mod urls;
pub mod xml;

use crate::host::http::Response;
use crate::types::{ByteRange, Error, ErrorKind, Span};

/// The largest offset that servers read as a number; no object is as long.
const OFFSET_MAX: u64 = i64::MAX as u64;

/// What an answer is that lacks what it must have, or is cut off: a proxy's page, say. The host asks again.
pub fn malformed() -> Error {
    Error::unavailable("the server's answer is not one of the kind that was asked for").with_code("MalformedResponse")
}

/// The `Range` header for `range`, `Some(None)` for all bytes; `None` where HTTP has no way to ask for a range without bytes.
pub fn range_header(range: ByteRange) -> Option<Option<String>> {
    match range {
        ByteRange::Whole | ByteRange::StartingAt(0) => Some(None),
        ByteRange::StartingAt(offset) => (offset <= OFFSET_MAX).then(|| Some(format!("bytes={offset}-"))),
        ByteRange::Bounded(Span { length: 0, .. }) | ByteRange::Last(0) => None,
        ByteRange::Bounded(Span { offset, length }) => {
            let last = offset.saturating_add(length - 1).min(OFFSET_MAX);
            (offset <= last).then(|| Some(format!("bytes={offset}-{last}")))
        }
        ByteRange::Last(length) => Some(Some(format!("bytes=-{}", length.min(OFFSET_MAX)))),
    }
}

/// How large the whole object is, by the answer to a GET of it or of a range.
pub fn whole_size(response: &Response) -> Option<u64> {
    match response.status {
        206 => response.header("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok()),
        _ => response.content.size(),
    }
}

/// An etag without its quotes; a weak one stays as it is.
pub fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap_or(etag)
}

/// What a status says that is no success, where the server has no word of its own for it.
pub fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        409 | 408 | 500 | 502..=504 => ErrorKind::Unavailable,
        412 => ErrorKind::PreconditionFailed,
        416 => ErrorKind::InvalidRange,
        429 => ErrorKind::RateLimited,
        507 => ErrorKind::QuotaExceeded,
        // Redirects among them: nobody follows one, for it may lead anywhere.
        300..=499 => ErrorKind::InvalidArgument,
        _ => ErrorKind::Internal,
    }
}
