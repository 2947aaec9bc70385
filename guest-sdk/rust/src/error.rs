//! Making errors: a constructor for each kind that a driver commonly answers.

use crate::types::{Error, ErrorKind};

/// What every function of a driver answers.
pub type Result<T> = std::result::Result<T, Error>;

/// As much of a name as an error shows: a path of a megabyte must not make an error of a megabyte.
const SHOWN_MAX: usize = 120;

/// The first characters of `name`.
fn shown(name: &str) -> &str {
    name.char_indices().nth(SHOWN_MAX).map_or(name, |(end, _)| &name[..end])
}

impl Error {
    /// An error of any kind. `message` is one sentence for people, without a trailing period and without secrets.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), retry_after_ms: None }
    }

    /// The same error, with what the backend called it (`SlowDown`, `WRONGTYPE`).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same error, asking the host to try again, but not before so many milliseconds.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    /// Nothing is stored under `name`.
    pub fn not_found(name: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::NotFound, format!("nothing is stored at {}", shown(name.as_ref())))
    }

    /// Something is stored under `name`, and the caller asked that nothing be.
    pub fn already_exists(name: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::AlreadyExists, format!("{} exists already", shown(name.as_ref())))
    }

    /// What is stored under `name` does not have the etag that the caller named.
    pub fn precondition_failed(name: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::PreconditionFailed, format!("{} is not the version that was asked for", shown(name.as_ref())))
    }

    /// `path` breaks a rule: `rule` goes on a sentence that begins with "the path".
    pub fn invalid_path(path: &str, rule: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::InvalidPath, format!("the path {:?} {}", shown(path), rule.as_ref()))
    }

    /// An argument that the operation cannot take.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// Not offered, with these settings or at all.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The grant, or the backend, refuses.
    pub fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::PermissionDenied, message)
    }

    /// A quota is used up.
    pub fn quota_exceeded(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::QuotaExceeded, message)
    }

    /// The backend cannot be reached at the moment; the host may try again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// Stored data is damaged.
    pub fn corrupted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupted, message)
    }

    /// The upload is not known any more: it was completed, aborted or cleaned up.
    pub fn upload_expired() -> Self {
        Self::new(ErrorKind::UploadExpired, "the upload is not known: it was completed, aborted or never begun")
    }

    /// A fault of the driver.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
}

/// Reading a failure of one kind as an answer.
pub trait ResultExt<T> {
    /// `None` instead of `not-found`; other errors stay.
    ///
    /// # Errors
    /// Those that are not `not-found`.
    fn found(self) -> Result<Option<T>>;
}

impl<T> ResultExt<T> for Result<T> {
    fn found(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_path_makes_a_small_error() {
        let error = Error::not_found("é".repeat(10_000));
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.len() < 300, "{}", error.message.len());
    }

    #[test]
    fn only_not_found_becomes_none() {
        assert_eq!(Err::<(), _>(Error::not_found("/a")).found(), Ok(None));
        assert_eq!(Ok(1).found(), Ok(Some(1)));
        assert!(Err::<(), _>(Error::unavailable("gone")).found().is_err());
    }
}
