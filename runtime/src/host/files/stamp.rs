//! A file's stamp: a value that changes with every change of its bytes.

use std::fmt::Write;
use std::os::fd::AsFd;

use rustix::fs::{Stat, XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// The extended attribute that keeps a file's random value: 16 bytes.
const ATTRIBUTE: &str = "user.cofferdam.stamp";

/// A time as one number, in nanoseconds since the epoch; times before it are 0.
pub(super) fn nanoseconds(seconds: i64, nanoseconds: u64) -> u64 {
    u64::try_from(seconds).map_or(0, |seconds| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

/// The stamp of the file that is open as `file` and has `stat`.
///
/// Its random value, with the time of its last change and its size, so that whoever edits it behind the host's back changes it
/// too; without a random value, what identifies the inode.
pub(super) fn of(file: impl AsFd, stat: &Stat) -> String {
    let mut value = [0; 16];
    match fgetxattr(file, ATTRIBUTE, &mut value[..]) {
        Ok(16) => {
            let modified = nanoseconds(stat.st_mtime, stat.st_mtime_nsec);
            join(&[u128::from_be_bytes(value), modified.into(), stat.st_size.cast_unsigned().into()])
        }
        _ => of_inode(stat),
    }
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
    // Up to 256 bytes come whole or not at all (getrandom(2)).
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    Ok(u128::from_be_bytes(bytes))
}
