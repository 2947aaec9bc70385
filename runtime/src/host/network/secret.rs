//! Secrets, read where a grant says they are. They never enter a sandbox, a message or a log.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use crate::grant::SecretSource;

/// Longer than any password or key is: who names the wrong file must not fill the memory with it.
const MAX: u64 = 64 << 10;

/// A secret. `Debug` does not show it, and nothing else does by itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment does not have it.
    #[error("the environment variable `{variable}`, which has the secret, is not set")]
    NotSet {
        /// The variable.
        variable: String,
    },
    /// The file does not give it.
    #[error("the secret's file {} cannot be used: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The environment's is of another form than it should be.
    #[error("the secret in the environment variable `{variable}` cannot be used: {reason}")]
    Unfit {
        /// The variable.
        variable: String,
        /// Why.
        reason: String,
    },
}

impl SecretError {
    /// What is at `source` is of another form than it should be.
    pub(crate) fn unfit(source: &SecretSource, reason: String) -> Self {
        match source {
            SecretSource::Environment(variable) => Self::Unfit { variable: variable.clone(), reason },
            SecretSource::File(file) => Self::Unreadable { file: file.clone(), reason },
        }
    }
}

impl Secret {
    /// Reads the secret: the one place where that is done.
    ///
    /// # Errors
    /// [`SecretError`] if it is not there, is empty, is no text or is longer than 64 KiB.
    pub(crate) fn read(source: &SecretSource) -> Result<Self, SecretError> {
        match source {
            SecretSource::Environment(variable) => {
                let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
                value.map(Self).ok_or_else(|| SecretError::NotSet { variable: variable.clone() })
            }
            SecretSource::File(path) => {
                let unreadable = |reason: String| SecretError::Unreadable { file: path.clone(), reason };
                let size = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
                if size > MAX {
                    return Err(unreadable(format!("it has {size} bytes, too many for a secret")));
                }
                let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let secret = line.strip_suffix('\r').unwrap_or(line);
                if secret.is_empty() {
                    return Err(unreadable("it is empty".to_owned()));
                }
                Ok(Self(secret.to_owned()))
            }
        }
    }

    /// A secret that the host was given by an endpoint of credentials.
    pub(crate) fn received(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself, for whoever sends it to the server.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let read = |content: &str| {
            fs::write(&path, content).unwrap();
            Secret::read(&SecretSource::File(path.clone()))
        };
        for content in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(read(content).unwrap().reveal(), "hunter2");
        }
        assert_eq!(read(" two words \n").unwrap().reveal(), " two words ");
        assert!(read("\n").unwrap_err().to_string().ends_with("secret cannot be used: it is empty"));
        assert!(read(&"x".repeat(100_000)).is_err());
        assert_eq!(format!("{:?}", read("hunter2").unwrap()), "Secret");
    }

    #[test]
    fn the_environment_gives_its_variable() {
        let read = |name: &str| Secret::read(&SecretSource::Environment(name.to_owned()));
        assert_eq!(read("CARGO_PKG_NAME").unwrap().reveal(), "cofferdam");
        assert_eq!(
            read("COFFERDAM_NO_SUCH_VARIABLE").unwrap_err().to_string(),
            "the environment variable `COFFERDAM_NO_SUCH_VARIABLE`, which has the secret, is not set"
        );
    }
}
