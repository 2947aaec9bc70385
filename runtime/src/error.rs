//! What can go wrong when a driver is called: one error type, with a kind to match on.

use std::fmt;
use std::sync::Arc;

/// Why an operation failed.
///
/// The first fifteen are the contract's (`store-types.error-kind`) and mostly come from a driver; the rest are the host's own findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing is stored under that path or key.
    NotFound,
    /// Something is stored there, and the caller asked that nothing be.
    AlreadyExists,
    /// What is stored there is not the version that `if-match` names, or is missing; nothing was changed.
    PreconditionFailed,
    /// The path breaks the rules of a store path, or names nothing that is granted.
    InvalidPath,
    /// A range that has no meaning.
    InvalidRange,
    /// An argument that the operation cannot take.
    InvalidArgument,
    /// The driver does not offer this.
    Unsupported,
    /// The grant, or the backend, refuses.
    PermissionDenied,
    /// The backend wants credentials.
    Unauthenticated,
    /// A quota is used up.
    QuotaExceeded,
    /// The backend asks for fewer requests.
    RateLimited,
    /// The backend cannot be reached at the moment.
    Unavailable,
    /// Stored data is damaged.
    Corrupted,
    /// The upload is not known any more.
    UploadExpired,
    /// A fault of the driver or the host.
    Internal,
    /// The driver trapped; [`Error::backtrace`] has the wasm frames. That call alone failed.
    Trapped,
    /// The call moved nothing until its no-progress deadline, or used up its CPU budget.
    DeadlineExceeded,
    /// Too many calls were waiting for an instance of the driver.
    Overloaded,
    /// The driver answered something that the contract forbids.
    Misbehaved,
}

impl ErrorKind {
    /// The kind's name as the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::PreconditionFailed => "precondition-failed",
            Self::InvalidPath => "invalid-path",
            Self::InvalidRange => "invalid-range",
            Self::InvalidArgument => "invalid-argument",
            Self::Unsupported => "unsupported",
            Self::PermissionDenied => "permission-denied",
            Self::Unauthenticated => "unauthenticated",
            Self::QuotaExceeded => "quota-exceeded",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Corrupted => "corrupted",
            Self::UploadExpired => "upload-expired",
            Self::Internal => "internal",
            Self::Trapped => "trapped",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::Overloaded => "overloaded",
            Self::Misbehaved => "misbehaved",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed operation: its kind, what was asked of which driver, and what is known about the cause.
///
/// It is one pointer wide, so that results stay small. Its `Display` names driver, operation and path and reads well after `error: `.
#[derive(Clone, Debug)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
    retry_after_ms: Option<u32>,
    operation: Option<&'static str>,
    driver: Option<Arc<str>>,
    path: Option<String>,
    backtrace: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The result of an operation on a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            code: None,
            retry_after_ms: None,
            operation: None,
            driver: None,
            path: None,
            backtrace: None,
            source: None,
        }))
    }

    /// Adds what the backend called the error.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Option<String>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Adds after how many milliseconds another try makes sense.
    #[must_use]
    pub fn with_retry_after_ms(mut self, milliseconds: impl Into<Option<u32>>) -> Self {
        self.0.retry_after_ms = milliseconds.into();
        self
    }

    /// Adds what was asked of which driver, unless it is known already.
    #[must_use]
    pub fn in_operation(mut self, operation: &'static str, driver: &Arc<str>) -> Self {
        self.0.operation.get_or_insert(operation);
        self.0.driver.get_or_insert_with(|| driver.clone());
        self
    }

    /// Adds the path or key that it is about, unless it is known already.
    #[must_use]
    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        self.0.path.get_or_insert_with(|| path.into());
        self
    }

    /// Adds the wasm frames of a trap.
    #[must_use]
    pub fn with_backtrace(mut self, backtrace: impl Into<Option<String>>) -> Self {
        self.0.backtrace = backtrace.into();
        self
    }

    /// Adds what the driver said before it trapped; nothing to an error of another kind.
    #[must_use]
    pub(crate) fn with_last_words(mut self, words: Option<String>) -> Self {
        if let Some(words) = words.filter(|_| self.0.kind == ErrorKind::Trapped) {
            self.0.message.push_str("; before that it said:\n");
            self.0.message.push_str(&words);
        }
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the driver or the host said, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the backend called it: `SlowDown`, say.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// After how many milliseconds the backend would like to be asked again.
    pub fn retry_after_ms(&self) -> Option<u32> {
        self.0.retry_after_ms
    }

    /// The operation that failed: `put`, say.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The driver that was asked.
    pub fn driver(&self) -> Option<&str> {
        self.0.driver.as_deref()
    }

    /// The path or key that it is about.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The wasm frames of a trap, innermost first.
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }

    /// Whether the same call may succeed later: `unavailable`, `rate-limited`, or the backend said when to come again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unavailable | ErrorKind::RateLimited) || self.0.retry_after_ms.is_some()
    }

    /// `not-found` about `path`.
    pub fn not_found(path: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, "nothing is stored there").at_path(path)
    }

    /// `unsupported`, saying what is.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, what)
    }

    /// `invalid-argument`, saying what is wrong with it.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        if let Some(operation) = details.operation {
            f.write_str(operation)?;
            if let Some(path) = &details.path {
                write!(f, " {path:?}")?;
            }
            if let Some(driver) = &details.driver {
                write!(f, " (driver {driver})")?;
            }
            f.write_str(": ")?;
        } else if let Some(path) = &details.path {
            write!(f, "{path:?}: ")?;
        }
        write!(f, "{}: {}", details.kind, details.message)?;
        if let Some(code) = &details.code {
            write!(f, " [{code}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl From<std::io::Error> for Error {
    /// Maps the operating system's error to the nearest kind.
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::AlreadyExists => ErrorKind::AlreadyExists,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::QuotaExceeded,
            Io::InvalidFilename => ErrorKind::InvalidPath,
            Io::InvalidInput | Io::NotADirectory | Io::IsADirectory | Io::DirectoryNotEmpty => ErrorKind::InvalidArgument,
            Io::TimedOut | Io::Interrupted => ErrorKind::Unavailable,
            Io::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_operation_path_and_driver() {
        let error = Error::not_found("/a").in_operation("stat", &Arc::from("memory")).with_code(Some("NoSuchKey".to_owned()));
        assert_eq!(error.to_string(), "stat \"/a\" (driver memory): not-found: nothing is stored there [NoSuchKey]");
    }

    #[test]
    fn the_first_context_wins() {
        let driver = Arc::from("inner");
        let error = Error::unsupported("x").in_operation("put", &driver).in_operation("copy", &Arc::from("outer")).at_path("/a").at_path("/b");
        assert_eq!((error.operation(), error.driver(), error.path()), (Some("put"), Some("inner"), Some("/a")));
    }

    #[test]
    fn retryable_is_what_the_backend_says_is() {
        assert!(Error::new(ErrorKind::Unavailable, "").is_retryable());
        assert!(Error::new(ErrorKind::Internal, "").with_retry_after_ms(5).is_retryable());
        assert!(!Error::new(ErrorKind::NotFound, "").is_retryable());
    }
}
