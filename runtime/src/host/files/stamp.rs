//! A file's stamp: a value that changes with every change of its bytes.

use std::fmt::Write;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quick_cache::sync::Cache;
use rustix::fs::{Stat, XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

/// The extended attribute that keeps a file's random value: 16 bytes.
const ATTRIBUTE: &str = "user.cofferdam.stamp";

/// A time as one number, in nanoseconds since the epoch; times before it are 0.
pub(super) fn nanoseconds(seconds: i64, nanoseconds: u64) -> u64 {
    u64::try_from(seconds).map_or(0, |seconds| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

/// How long a file must have been left alone before its random value is remembered: longer than the coarsest clock of a local file
/// system's inodes takes for a tick, a second. A later change then shows in the inode for certain.
const SETTLED: Duration = Duration::from_secs(2);

/// Of how many files the random value is remembered.
const REMEMBERED: usize = 8192;

/// The random values of files of one file system that nobody changes, so that a file which is opened again and again is asked once.
pub(super) struct Stamps {
    /// The file system: one of this machine, whose clock stamps its inodes.
    device: Option<u64>,
    known: Cache<u64, Known>,
}

/// What the file with some inode number had.
#[derive(Clone, Copy)]
struct Known {
    /// When its inode was last changed: setting or removing an attribute is a change.
    changed: u64,
    value: Option<u128>,
}

impl Stamps {
    /// Remembers those of files on `device`; without one, none.
    pub(super) fn new(device: Option<u64>) -> Self {
        Self { device, known: Cache::new(if device.is_some() { REMEMBERED } else { 1 }) }
    }

    /// The stamp of the file that is open as `file` and has `stat`.
    ///
    /// Its random value, with the time of its last change and its size, so that whoever edits it behind the host's back changes it
    /// too; without a random value, what identifies the inode.
    pub(super) fn of(&self, file: impl AsFd, stat: &Stat) -> String {
        match self.value(file, stat) {
            Some(value) => {
                let modified = nanoseconds(stat.st_mtime, stat.st_mtime_nsec);
                join(&[value, modified.into(), stat.st_size.cast_unsigned().into()])
            }
            None => of_inode(stat),
        }
    }

    fn value(&self, file: impl AsFd, stat: &Stat) -> Option<u128> {
        if self.device != Some(stat.st_dev) {
            return read(file);
        }
        let changed = nanoseconds(stat.st_ctime, stat.st_ctime_nsec);
        if let Some(known) = self.known.get(&stat.st_ino).filter(|known| known.changed == changed) {
            return known.value;
        }
        let value = read(file);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if now.saturating_sub(Duration::from_nanos(changed)) > SETTLED {
            self.known.insert(stat.st_ino, Known { changed, value });
        }
        value
    }
}

/// The random value that the file has.
fn read(file: impl AsFd) -> Option<u128> {
    let mut value = [0; 16];
    matches!(fgetxattr(file, ATTRIBUTE, &mut value[..]), Ok(16)).then(|| u128::from_be_bytes(value))
}

/// The stamp of something that has no random value.
pub(super) fn of_inode(stat: &Stat) -> String {
    let changed = nanoseconds(stat.st_ctime, stat.st_ctime_nsec);
    join(&[stat.st_ino.into(), changed.into(), stat.st_size.cast_unsigned().into()])
}

fn join(parts: &[u128]) -> String {
    let mut stamp = String::with_capacity(72);
    for part in parts {
        let dash = if stamp.is_empty() { "" } else { "-" };
        // Writing into a String cannot fail.
        let _ = write!(stamp, "{dash}{part:x}");
    }
    stamp
}

/// Gives the file a new random value, where its file system can keep one; elsewhere its inode's times must do.
pub(super) fn renew(file: impl AsFd) {
    if let Ok(value) = random()
        && let Err(error) = fsetxattr(file, ATTRIBUTE, &value.to_be_bytes(), XattrFlags::empty())
    {
        tracing::debug!(%error, "no random stamp on this file system");
    }
}

/// Takes the random value away before the bytes change in place, so that it cannot go stale.
///
/// # Errors
/// The system's, other than that there is none.
pub(super) fn forget(file: impl AsFd) -> std::io::Result<()> {
    match fremovexattr(file, ATTRIBUTE) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// 128 bits that nobody can guess.
///
/// # Errors
/// The system's.
pub(super) fn random() -> std::io::Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(u128::from_be_bytes(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    use rustix::fs::fstat;

    use super::*;

    fn file(directory: &Path) -> File {
        let mut file = File::create_new(directory.join("file")).unwrap();
        file.write_all(b"bytes").unwrap();
        renew(&file);
        file
    }

    /// As if the inode had been left alone for `age`; nothing but the clock can make an inode older.
    fn aged(file: &File, age: Duration) -> Stat {
        let mut stat = fstat(file).unwrap();
        stat.st_ctime -= age.as_secs().cast_signed();
        stat
    }

    #[test]
    fn a_file_that_was_left_alone_is_asked_once() {
        let scratch = tempfile::tempdir().unwrap();
        let file = file(scratch.path());
        let stat = aged(&file, SETTLED * 2);
        let stamps = Stamps::new(Some(stat.st_dev));
        let first = stamps.of(&file, &stat);
        assert_eq!(first, Stamps::new(None).of(&file, &stat));
        // Not by any means of the system, so that it shows who was asked.
        fsetxattr(&file, ATTRIBUTE, &[9; 16], XattrFlags::empty()).unwrap();
        assert_eq!(stamps.of(&file, &stat), first);
        assert_ne!(stamps.of(&file, &aged(&file, SETTLED * 3)), first, "its inode has changed");
    }

    #[test]
    fn a_file_that_has_just_changed_is_asked_every_time() {
        let scratch = tempfile::tempdir().unwrap();
        let file = file(scratch.path());
        let stat = fstat(&file).unwrap();
        for device in [stat.st_dev, stat.st_dev + 1] {
            let stamps = Stamps::new(Some(device));
            let stat = if device == stat.st_dev { stat } else { aged(&file, SETTLED * 2) };
            let first = stamps.of(&file, &stat);
            renew(&file);
            assert_ne!(stamps.of(&file, &stat), first);
        }
    }
}
