//! What Azure calls an error, as one of the contract's kinds; Azure's name stays its code.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::errors::{paced, said};
use cofferdam_guest::web::kind_of_status;
use cofferdam_guest::web::xml::Element;

/// Azure's name of an error: every answer has it, that of a HEAD too.
const CODE: &str = "x-ms-error-code";

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
    let code = response.header(CODE).unwrap_or(document.text("Code"));
    // The lines that follow are the request's id and the time.
    let message = document.text("Message").lines().next().unwrap_or_default();
    let error = said(kind(code, response.status), response.status, code, message, what);
    Err(paced(error, &response))
}

/// The document that a successful answer brings.
///
/// # Errors
/// What the server answered; `unavailable` for what is no XML.
pub(crate) fn document(response: Response, what: &str) -> Result<Element> {
    // A list begins with a mark of its byte order.
    Element::read(&succeed(response, what)?.content)
}

/// The kind of the error that Azure calls `code`, or by its status if that is none that is known.
fn kind(code: &str, status: u16) -> ErrorKind {
    match code {
        "BlobNotFound" | "ResourceNotFound" => ErrorKind::NotFound,
        // Not `not-found`: that would say of every object that it was never there.
        "ContainerNotFound" | "ContainerBeingDeleted" | "ContainerDisabled" => ErrorKind::Unavailable,
        // One of `If-None-Match: *`, though its status is that of a conflict.
        "BlobAlreadyExists" | "ConditionNotMet" | "TargetConditionNotMet" => ErrorKind::PreconditionFailed,
        // The source of a copy was replaced, or bytes were damaged on the way: tried again it may go well.
        "SourceConditionNotMet" | "Md5Mismatch" | "Crc64Mismatch" | "OperationTimedOut" | "InternalError" | "PendingCopyOperation" => {
            ErrorKind::Unavailable
        }
        "ServerBusy" => ErrorKind::RateLimited,
        "AuthenticationFailed" | "NoAuthenticationInformation" | "InvalidAuthenticationInfo" => ErrorKind::Unauthenticated,
        // Somebody's lease, hold or archive. Their statuses are those of other things.
        "LeaseIdMissing" | "BlobImmutableDueToPolicy" | "BlobArchived" | "SnapshotsPresent" | "AccountIsDisabled" => ErrorKind::PermissionDenied,
        "InvalidRange" => ErrorKind::InvalidRange,
        // Of a blob that somebody else made: an append blob, say.
        "InvalidBlobType" | "UnsupportedHeader" => ErrorKind::InvalidArgument,
        _ => kind_of_status(status),
    }
}
