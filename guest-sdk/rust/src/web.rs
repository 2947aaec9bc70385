//! What drivers of HTTP servers have in common (feature `web`): their words for ranges, etags, errors, times, URLs and documents.
//!
//! | module | its one job |
//! |---|---|
//! | [`dates`] | times as headers and documents write them |
//! | [`errors`] | a server's words for what went wrong |
//! | [`keys`] | what a flat store calls an object |
//! | [`lists`] | pages of lists, out of a server's batches |
//! | [`objects`] | what an answer to a GET of a range is |
//! | [`uploads`] | tokens that say all that is needed to go on, and parts that join |
//! | [`urls`] | what goes into a URL, encoded, and what comes out of one |
//! | [`xml`] | documents, read into elements |
//! | here | what an answer says of an object, or of an error |

pub mod dates;
pub mod errors;
pub mod keys;
pub mod lists;
pub mod objects;
pub mod uploads;
pub mod urls;
pub mod xml;

use crate::error::{Result, ResultExt};
use crate::host::data::Content;
use crate::host::http::{Request, Response};
use crate::path::StorePath;
use crate::types::{Access, ByteRange, Condition, Error, ErrorKind, Span};

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

/// The request under `condition`.
pub fn conditional(request: Request, condition: &Condition) -> Request {
    match condition {
        Condition::Unconditional => request,
        Condition::IfAbsent => request.header("if-none-match", "*"),
        Condition::IfMatch(etag) => request.header("if-match", format!("\"{etag}\"")),
    }
}

/// Refuses a condition where the driver's setting `conditional-put` does not claim any, and one that cannot hold: its etag is of no object, and in a
/// header it would be several.
///
/// # Errors
/// `unsupported`, or `precondition-failed` naming `path`.
pub fn check_condition(condition: &Condition, path: &StorePath, conditional_put: bool) -> Result<()> {
    match condition {
        Condition::Unconditional => Ok(()),
        _ if !conditional_put => Err(Error::unsupported("the setting `conditional-put` does not say that the server keeps conditions")),
        Condition::IfMatch(etag) if !etag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => Err(Error::precondition_failed(path)),
        Condition::IfAbsent | Condition::IfMatch(_) => Ok(()),
    }
}

/// `url` with what lets anybody do `access` there for so many `seconds`.
///
/// # Errors
/// As the host's `signing.presign`.
pub fn presigned(url: String, access: Access, seconds: u32) -> Result<String> {
    match access {
        Access::Read => Request::get(url),
        Access::Stat => Request::head(url),
    }
    .presign(seconds)
}

/// Removes by one `removal` for each path, several at once, whose answers `succeed` reads; what is missing is as good as removed.
pub fn remove_each(
    paths: &[StorePath],
    removal: impl Fn(&StorePath) -> Request,
    succeed: impl Fn(Response, &str) -> Result<Response>,
) -> Vec<Result<()>> {
    let answers = Request::send_all(paths.iter().map(removal).collect());
    paths.iter().zip(answers).map(|(path, answered)| succeed(answered?, path.as_str()).found().map(drop)).collect()
}

/// The error of a write under `condition`: servers have one name for both conditions, and many none where nothing is stored.
pub fn unheld(error: Error, condition: &Condition, path: &StorePath) -> Error {
    match (condition, error.kind) {
        (Condition::IfAbsent, ErrorKind::PreconditionFailed) => Error { code: error.code, ..Error::already_exists(path) },
        (Condition::IfMatch(_), ErrorKind::PreconditionFailed | ErrorKind::NotFound) => {
            Error { code: error.code, ..Error::precondition_failed(path) }
        }
        // Nothing is read here that could be missing.
        (_, ErrorKind::NotFound) => Error { kind: ErrorKind::Unavailable, message: format!("the server knows no place for {path}"), ..error },
        _ => error,
    }
}

/// The size of `content`, which must be known and at most `max`.
///
/// # Errors
/// `invalid-argument` if it is not.
pub fn sized(content: &Content, max: u64) -> Result<u64> {
    match content.size() {
        None => Err(Error::invalid_argument("the size of what is written must be known")),
        Some(size) if size > max => Err(Error::invalid_argument(format!("one request takes at most {max} bytes, not {size}"))),
        Some(size) => Ok(size),
    }
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
