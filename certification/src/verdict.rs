//! How a case ends before its last line: with what is wrong, or with why there is nothing to ask.

/// Why a case ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The driver broke the rule, in this way.
    Failed(String),
    /// There is nothing to ask, for this reason.
    Skipped(String),
}

/// What a case answers.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

/// Ends the case as failed.
pub(crate) fn failed<T>(message: impl Into<String>) -> Verdict<T> {
    Err(Stop::Failed(message.into()))
}

/// Ends the case as skipped.
pub(crate) fn skip<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Stop::Skipped(reason.into()))
}

impl From<cofferdam::Error> for Stop {
    fn from(error: cofferdam::Error) -> Self {
        Self::Failed(format!("a call that must succeed did not: {error}"))
    }
}

impl From<cofferdam::LoadError> for Stop {
    fn from(error: cofferdam::LoadError) -> Self {
        Self::Failed(format!("the driver could not be mounted: {error}"))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(format!("the certifier's own files failed: {error}"))
    }
}

impl From<tokio::task::JoinError> for Stop {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(format!("a task of the case panicked: {error}"))
    }
}

/// Fails the case with a message unless something holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err($crate::verdict::Stop::Failed(format!($($message)+)));
        }
    };
}
pub(crate) use ensure;
