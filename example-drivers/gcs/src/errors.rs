//! What GCS calls an error, as one of the contract's kinds; GCS's reason stays its code.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::errors::{paced, said};
use cofferdam_guest::web::{kind_of_status, malformed};
use serde_json::Value;

/// The longest document that is read: a page of 1,000 objects with names of 1 KiB is a quarter of it.
const DOCUMENT_MAX: u64 = 8 << 20;

/// What GCS says of a bucket that is not there; its reason is that of an object that is not.
const NO_BUCKET: &str = "bucket does not exist";

/// An answer that is no success, as an error about `what` (a path, or what was done); a success as it is.
///
/// # Errors
/// What the server answered.
pub(crate) fn succeed(response: Response, what: &str) -> Result<Response> {
    if response.is_success() {
        return Ok(response);
    }
    // What a proxy answers is no document, and downloads fail with a text.
    let text = response.content.bytes(DOCUMENT_MAX).unwrap_or_default();
    let document: Value = serde_json::from_slice(&text).unwrap_or_default();
    let (reason, message) = (text_of(&document, "/error/errors/0/reason"), text_of(&document, "/error/message"));
    let missing_bucket = String::from_utf8_lossy(&text).contains(NO_BUCKET);
    let kind = if missing_bucket { ErrorKind::Unavailable } else { kind(reason, response.status) };
    Err(paced(said(kind, response.status, reason, message, what), &response))
}

fn text_of<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The document that a successful answer brings.
///
/// # Errors
/// What the server answered; `unavailable` for what is no JSON.
pub(crate) fn document(response: Response, what: &str) -> Result<Value> {
    let text = succeed(response, what)?.content.bytes(DOCUMENT_MAX)?;
    serde_json::from_slice(&text).map_err(|_| malformed())
}

/// The kind of an error with this reason, or by its status if that says no more.
fn kind(reason: &str, status: u16) -> ErrorKind {
    match reason {
        "rateLimitExceeded" | "userRateLimitExceeded" => ErrorKind::RateLimited,
        "quotaExceeded" | "dailyLimitExceeded" => ErrorKind::QuotaExceeded,
        "authError" | "expired" => ErrorKind::Unauthenticated,
        "backendError" | "internalError" => ErrorKind::Unavailable,
        "retentionPolicyNotMet" | "objectUnderActiveHold" => ErrorKind::PermissionDenied,
        _ => kind_of_status(status),
    }
}
