//! Why access cannot be set up, in sentences that name the file and the line.

use std::io;
use std::path::PathBuf;

/// A file of users or keys that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// It cannot be read.
    #[error("cannot read {what} from {}: {source}", path.display())]
    Unreadable {
        /// Users or keys.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line that is no user.
    #[error("{}:{line}: {problem}; write `htpasswd -B {} NAME`", path.display(), path.display())]
    User {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it, without what stands there: it may be a password.
        problem: &'static str,
    },
    /// A file without users: nobody could ever log in.
    #[error("{} has no users; add one: `htpasswd -B {} NAME`", path.display(), path.display())]
    NoUsers {
        /// The file.
        path: PathBuf,
    },
    /// A file without keys: no token would ever hold.
    #[error("{} has no key that verifies tokens: {problem}; give public keys or certificates as PEM, or a JSON Web Key Set", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system gave no randomness, or a password could not be hashed.
    #[error("cannot prepare the verification of passwords: {problem}")]
    Hashing {
        /// What went wrong.
        problem: String,
    },
}
