//! What an answer means that is no success, as one of the contract's kinds; the status is its code.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::kind_of_status;

/// How long to wait when a server asks for fewer requests and does not say for how long: one second.
const SLOW_DOWN_MS: u32 = 1000;

/// What answers a PROPFIND, and anything else that failed for some of what is in a collection.
const MULTI_STATUS: u16 = 207;

/// An answer that is no success, as an error about `what`, a path; a success as it is.
///
/// # Errors
/// What the server answered.
pub(crate) fn succeed(response: Response, what: impl AsRef<str>) -> Result<Response> {
    if response.is_success() && response.status != MULTI_STATUS { Ok(response) } else { Err(of(&response, what.as_ref())) }
}

/// The error of an answer that is no success.
pub(crate) fn of(response: &Response, what: &str) -> Error {
    let status = response.status;
    let error = match status {
        404 | 410 => Error::not_found(what),
        300..=399 => {
            let message = format!("the server answers {what} with a redirect ({status}), which nobody follows: `url` must name the place itself");
            Error::invalid_argument(message)
        }
        MULTI_STATUS => Error::unavailable(format!("the server did what was asked of {what} in part only")),
        413 => Error::invalid_argument(format!("{what} is larger than what the server takes")),
        423 => Error::unavailable(format!("{what} is locked by another client of the server")),
        429 => Error::new(ErrorKind::RateLimited, "the server asks for fewer requests"),
        _ => Error::new(kind_of_status(status), format!("the server refused {what}: HTTP status {status}")),
    };
    let asked = response.retry_after_ms();
    let retry_after_ms = match error.kind {
        ErrorKind::RateLimited => Some(asked.unwrap_or(SLOW_DOWN_MS)),
        ErrorKind::Unavailable => asked,
        _ => None,
    };
    Error { retry_after_ms, ..error.with_code(status.to_string()) }
}
