//! What went wrong with a request: in the contract's words, and as a cause, for interfaces that have words of their own.

use std::error::Error as StdError;
use std::io;

use super::resolve::{Refused, Unresolved};
use crate::error::{Error, ErrorKind};

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// The same in the contract's words.
    pub(super) error: Error,
}

/// What a request failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// No rule allows it.
    Denied,
    /// It says what its rule's authenticator is to say.
    Brokered,
    /// It leads to an address that its rule does not give.
    Address,
    /// Its method is none that a driver may use.
    Method,
    /// Its URL is malformed.
    Url,
    /// Its URL is too long.
    UrlLength,
    /// Its headers are malformed, too large, or the host's to say.
    Headers,
    /// It does not say how long its body is.
    Length,
    /// All connections of its rule are in use.
    Places,
    /// The server's name has no address.
    Name,
    /// The server takes no connection.
    ConnectionRefused,
    /// There is no way to the server.
    Unreachable,
    /// The connection did not come about in time.
    ConnectTimeout,
    /// The server's certificate is not trusted.
    Certificate,
    /// TLS failed in another way.
    Tls,
    /// The server did not answer, or not go on, in time.
    Timeout,
    /// The connection broke.
    Reset,
    /// Something on this side: the request's own content, the credentials.
    Own,
}

impl Cause {
    /// The contract's code for it.
    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Denied | Self::Address => "denied",
            Self::Places | Self::Name | Self::ConnectionRefused | Self::Unreachable => "connect",
            Self::Certificate | Self::Tls => "tls",
            Self::ConnectTimeout | Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Brokered | Self::Method | Self::Url | Self::UrlLength | Self::Headers | Self::Length | Self::Own => return None,
        })
    }
}

impl Failure {
    /// Not granted; `remedy` is what would grant it.
    pub(super) fn denied(cause: Cause, message: &str, remedy: &str) -> Self {
        let message = format!("{message}\nTo allow it, say in the grant:\n\n{remedy}");
        Self::new(cause, Error::new(ErrorKind::PermissionDenied, message))
    }

    /// Malformed, or not the driver's to say; `problem` goes on after "the request".
    pub(super) fn bad(cause: Cause, problem: &str) -> Self {
        Self::new(cause, Error::invalid_argument(format!("the request {problem}")))
    }

    /// What an authenticator would not sign.
    pub(super) fn of_signing(error: Error) -> Self {
        let cause = if error.kind() == ErrorKind::InvalidArgument { Cause::Brokered } else { Cause::Own };
        Self { cause, error }
    }

    /// The server, or the way to it.
    pub(super) fn unavailable(cause: Cause, message: impl Into<String>) -> Self {
        Self::new(cause, Error::new(ErrorKind::Unavailable, message))
    }

    fn new(cause: Cause, error: Error) -> Self {
        Self { cause, error: error.with_code(cause.code().map(str::to_owned)) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Own, error }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // The request's own content broke off: that is not the server's doing.
        if let Some(own) = causes(&error).find_map(|cause| cause.downcast_ref::<Error>()) {
            return own.clone().into();
        }
        let cause = cause(&error);
        // The URL may have something signed in its query.
        Self::unavailable(cause, chain(&error.without_url()))
    }
}

/// The contract's error for the client's.
pub(super) fn of(error: reqwest::Error) -> Error {
    Failure::from(error).into()
}

/// The refused address that `error` is about, if it is that.
pub(super) fn refused(error: &reqwest::Error) -> Option<&Refused> {
    causes(error).find_map(|cause| cause.downcast_ref::<Refused>())
}

fn cause(error: &reqwest::Error) -> Cause {
    if let Some(tls) = causes(error).find_map(as_tls) {
        return if matches!(tls, rustls::Error::InvalidCertificate(_)) { Cause::Certificate } else { Cause::Tls };
    }
    let is_refusal =
        |cause: &(dyn StdError + 'static)| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => Cause::ConnectTimeout,
        (true, false) => Cause::Timeout,
        (false, true) if causes(error).any(|cause| cause.is::<Unresolved>()) => Cause::Name,
        (false, true) if causes(error).any(is_refusal) => Cause::ConnectionRefused,
        (false, true) => Cause::Unreachable,
        (false, false) => Cause::Reset,
    }
}

fn as_tls<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    // An `io::Error` passes over what it wraps when it is asked for its source.
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.downcast_ref().or_else(|| inner.and_then(|inner| as_tls(inner)))
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
