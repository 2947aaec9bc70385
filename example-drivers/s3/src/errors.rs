//! What S3 calls an error, as one of the contract's kinds; S3's name stays its code.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::errors::{paced, said};
use cofferdam_guest::web::kind_of_status;
use cofferdam_guest::web::xml::Element;

/// An answer that is no success, as an error about `what` (a path, or what was done); a success as it is.
///
/// # Errors
/// What the server answered.
pub(crate) fn succeed(response: Response, what: &str) -> Result<Response> {
    if response.is_success() {
        return Ok(response);
    }
    // A HEAD has no document, and neither has what a proxy answers.
    let document = Element::read(&response.content).ok().filter(|root| root.name == "Error").unwrap_or_default();
    let mut error = of_document(&document, response.status, what);
    if matches!(response.status, 301 | 307 | 308 | 400)
        && let Some(region) = response.header("x-amz-bucket-region")
    {
        error.message = format!("{}; the bucket is in the region {region}", error.message);
    }
    Err(paced(error, &response))
}

/// The document that a successful answer brings. S3 answers 200 before it knows, so it may be an error after all.
///
/// # Errors
/// What the server answered; `unavailable` for what is no XML.
pub(crate) fn document(response: Response, what: &str) -> Result<Element> {
    let response = succeed(response, what)?;
    let root = Element::read(&response.content)?;
    if root.name == "Error" { Err(of_document(&root, response.status, what)) } else { Ok(root) }
}

/// The error in `document`, which is an `Error` of S3 or empty.
pub(crate) fn of_document(document: &Element, status: u16, what: &str) -> Error {
    let code = document.text("Code");
    said(kind(code, status), status, code, document.text("Message"), what)
}

/// The kind of the error that S3 calls `code`, or by its status if that is none that is known.
fn kind(code: &str, status: u16) -> ErrorKind {
    match code {
        "NoSuchKey" | "NoSuchVersion" => ErrorKind::NotFound,
        "NoSuchUpload" => ErrorKind::UploadExpired,
        // Not `not-found`: that would say of every object that it was never there.
        "NoSuchBucket" => ErrorKind::Unavailable,
        "PreconditionFailed" => ErrorKind::PreconditionFailed,
        "SlowDown" | "TooManyRequests" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "SlowDownRead" | "SlowDownWrite" => {
            ErrorKind::RateLimited
        }
        // The last five are of bytes that were damaged or lost on the way: sent again they may arrive.
        "InternalError"
        | "ServiceUnavailable"
        | "ServerBusy"
        | "OperationAborted"
        | "ConditionalRequestConflict"
        | "RequestTimeout"
        | "BadDigest"
        | "IncompleteBody"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch" => ErrorKind::Unavailable,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "InvalidObjectState" => ErrorKind::PermissionDenied,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "RequestTimeTooSkewed"
        | "AuthorizationHeaderMalformed"
        | "MissingSecurityHeader"
        | "RequestExpired" => ErrorKind::Unauthenticated,
        "InvalidRange" => ErrorKind::InvalidRange,
        "NotImplemented" | "MethodNotAllowed" => ErrorKind::Unsupported,
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientCapacity" => ErrorKind::QuotaExceeded,
        _ => kind_of_status(status),
    }
}
