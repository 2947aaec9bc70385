//! What went wrong with a request, in the contract's words.

use std::error::Error as StdError;

use super::resolve::Refused;
use crate::error::{Error, ErrorKind};

/// Not granted; `remedy` is what would grant it.
pub(super) fn denied(message: &str, remedy: &str) -> Error {
    let message = format!("{message}\nTo allow it, say in the grant:\n\n{remedy}");
    Error::new(ErrorKind::PermissionDenied, message).with_code("denied".to_owned())
}

/// The refused address that `error` is about, if it is that.
pub(super) fn refused(error: &reqwest::Error) -> Option<&Refused> {
    causes(error).find_map(|cause| cause.downcast_ref::<Refused>())
}

/// The contract's error for the client's.
pub(super) fn of(error: reqwest::Error) -> Error {
    // The request's own content broke off: that is not the server's doing.
    if let Some(own) = causes(&error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return own.clone();
    }
    // The URL may have something signed in its query.
    let error = error.without_url();
    let code = match () {
        () if causes(&error).any(is_tls) => "tls",
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "connect",
        () => "reset",
    };
    Error::new(ErrorKind::Unavailable, chain(&error)).with_code(code.to_owned())
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    // An `io::Error` passes over what it wraps when it is asked for its source.
    let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// The error and its causes, one after the other.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in causes(error).map(ToString::to_string) {
        if said.last().is_none_or(|last| !last.contains(&cause)) {
            said.push(cause);
        }
    }
    said.join(": ")
}
