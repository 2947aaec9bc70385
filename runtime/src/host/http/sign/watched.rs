//! What is read from a secret's file, and read again when the file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::grant::SecretSource;
use crate::host::network::secret::{Secret, SecretError};

/// How often a file is looked at, at most: a rotated secret is used after that long.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

type Read<T> = Box<dyn Fn() -> Result<T, SecretError> + Send + Sync>;

/// A value out of a secret's file. While the file cannot be used, half-way through a rotation say, the old value is used on.
pub(in crate::host::http) struct Watched<T> {
    /// `None` for what cannot change while the host runs.
    file: Option<PathBuf>,
    read: Read<T>,
    current: Mutex<Current<T>>,
}

struct Current<T> {
    value: Arc<T>,
    looked: Instant,
    written: Option<SystemTime>,
}

impl Watched<Secret> {
    /// The secret at `source`.
    ///
    /// # Errors
    /// [`SecretError`] if it is not there.
    pub(super) fn secret(source: &SecretSource) -> Result<Self, SecretError> {
        let from = source.clone();
        Self::open(file(source), Box::new(move || Secret::read(&from)))
    }
}

impl<T: 'static> Watched<T> {
    /// What `parse` makes of the secret at `source`; it answers what is wrong with a text, without showing it.
    ///
    /// # Errors
    /// [`SecretError`] if it is not there, or what `parse` says.
    pub(super) fn parsed(source: &SecretSource, parse: fn(&str) -> Result<T, String>) -> Result<Self, SecretError> {
        let from = source.clone();
        Self::open(file(source), Box::new(move || parse(Secret::read(&from)?.reveal()).map_err(|reason| SecretError::unfit(&from, reason))))
    }
}

/// What can change while the host runs.
fn file(source: &SecretSource) -> Option<PathBuf> {
    match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Environment(_) => None,
    }
}

impl<T> Watched<T> {
    /// What `read` answers, again whenever `file` changes.
    ///
    /// # Errors
    /// What `read` answers the first time.
    pub(super) fn open(file: Option<PathBuf>, read: Read<T>) -> Result<Self, SecretError> {
        // Looked at before it is read: a change in between is seen the next time.
        let written = file.as_deref().and_then(written);
        let value = Arc::new(read()?);
        let current = Mutex::new(Current { value, looked: Instant::now(), written });
        Ok(Self { file, read, current })
    }

    /// The value as it is now, or was two seconds ago.
    pub(super) fn get(&self) -> Arc<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file
            && current.looked.elapsed() >= LOOK_AGAIN
        {
            current.looked = Instant::now();
            let written = written(file);
            if written != current.written {
                match (self.read)() {
                    Ok(value) => (current.value, current.written) = (Arc::new(value), written),
                    Err(error) => tracing::warn!(%error, "a changed secret cannot be used; the old one is used on"),
                }
            }
        }
        current.value.clone()
    }
}

fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_again_when_its_file_changes() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let watched = Watched::secret(&SecretSource::File(path.clone())).unwrap();
        let look_again = || watched.current.lock().unwrap().looked -= LOOK_AGAIN;
        assert_eq!(watched.get().reveal(), "first");
        std::fs::write(&path, "second").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        assert_eq!(watched.get().reveal(), "first", "not looked at yet");
        look_again();
        assert_eq!(watched.get().reveal(), "second");
        std::fs::write(&path, "").unwrap();
        look_again();
        assert_eq!(watched.get().reveal(), "second", "half-way through a rotation");
        assert!(Watched::secret(&SecretSource::Environment("COFFERDAM_NO_SUCH".to_owned())).is_err());
    }
}
