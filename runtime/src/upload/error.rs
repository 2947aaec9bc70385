//! Why an upload did not get on: what its client can act on, and what the store said.

use super::digest::BlobDigest;
use crate::error::Error;

/// Why an upload did not get on. The upload itself is intact after each of these, but for `Unknown`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// It never was, is over, or was given up.
    #[error("this upload is not known: it is over, was cancelled or has expired")]
    Unknown,
    /// The bytes do not begin where the upload is; nothing was changed.
    #[error("the upload is at byte {offset}: send what follows")]
    WrongOffset {
        /// Where it is: everything before is durable.
        offset: u64,
    },
    /// Somebody else is writing to it; nothing was changed.
    #[error("somebody else is writing to this upload, which is at byte {offset}")]
    Busy {
        /// Where it was last seen: everything before is durable.
        offset: u64,
    },
    /// What arrived is not what the closing request says.
    #[error("the content has the digest {actual}, not {expected}")]
    DigestMismatch {
        /// What the client said.
        expected: BlobDigest,
        /// What arrived.
        actual: BlobDigest,
    },
    /// More or fewer bytes came than were announced. Those that came, up to the announced number, are kept.
    #[error("{announced} bytes were announced and {}{came} came", if came > announced { "more, at least " } else { "" })]
    WrongLength {
        /// As announced.
        announced: u64,
        /// How many came.
        came: u64,
    },
    /// The client's bytes ended with an error. What came before it is kept.
    #[error("the client went away; the upload is at byte {offset}")]
    Interrupted {
        /// Where it is: everything before is durable.
        offset: u64,
    },
    /// The store answered an error. What was durable before is kept.
    #[error(transparent)]
    Store(#[from] Error),
}
