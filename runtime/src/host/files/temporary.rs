//! The host's own files in a granted directory, and the sweep of what dead processes left of them.
//!
//! ```text
//! .cofferdam/owner-<random>/lock   held (flock) while its process lives
//! .cofferdam/owner-<random>/0 …    files that `replace` has not finished
//! .cofferdam/locks/<digest>        locks that are held
//! ```
//! Several processes, and several mounts of one, may use a directory at once. Whoever holds an owner's lock may remove it; a
//! starting owner whose lock was taken or removed before it was its own takes another name. So sweeps and starts may meet at any step.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{FlockOperation, OFlags, flock, fstat};
use rustix::io::Errno;

use super::stamp;

/// The host's own directory, at the root of a granted one. No function of the contract shows it.
pub(super) const OWN: &str = ".cofferdam";

/// Below [`OWN`]: locks by name.
const LOCKS: &str = "locks";

/// How the directories of owners begin.
const OWNER: &str = "owner-";

/// An owner's lock file.
const LOCK: &str = "lock";

/// How often to try again where another process interfered; each time needs an interference of its own.
const ATTEMPTS: usize = 100;

/// This process's place for temporary files in one granted directory.
pub(super) struct Owner {
    own: Dir,
    name: String,
    directory: Dir,
    next: AtomicU64,
    /// The lock: released when the file is closed, by us or by our death.
    _lock: File,
}

impl Owner {
    /// Makes a place for this process in the granted directory `root`.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn claim(root: &Dir) -> io::Result<Self> {
        let own = open_own(root)?;
        for _ in 0..ATTEMPTS {
            let name = format!("{OWNER}{:032x}", stamp::random()?);
            own.create_dir(&name)?;
            let claimed = own.open_dir_nofollow(&name).and_then(|directory| Ok((try_lock(&directory, LOCK, Missing::Make)?, directory)));
            match claimed {
                Ok((Some(lock), directory)) => return Ok(Self { own, name, directory, next: AtomicU64::new(0), _lock: lock }),
                // A sweep came between: its is the directory.
                Ok((None, _)) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no place for temporary files: they are removed again and again"))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What fails here is left to a later sweep.
        let _ = self.directory.remove_file(LOCK);
        let _ = self.own.remove_dir(&self.name);
    }
}

/// A file that is not there yet for anybody else; removed when dropped, unless it was renamed.
pub(super) struct Temporary {
    owner: Arc<Owner>,
    name: String,
    pub(super) file: Arc<File>,
    renamed: bool,
}

impl Temporary {
    /// A new file in the place of `owner`.
    ///
    /// # Errors
    /// The system's; `NotFound` if somebody removed the place.
    pub(super) fn create(owner: &Arc<Owner>) -> io::Result<Self> {
        let name = owner.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = Arc::new(owner.directory.open_with(&name, &options)?.into_std());
        Ok(Self { owner: owner.clone(), name, file, renamed: false })
    }

    /// The directory that it is in, and its name there.
    pub(super) fn location(&self) -> (&Dir, &str) {
        (&self.owner.directory, &self.name)
    }

    /// It has another name now, and stays.
    pub(super) fn keep(&mut self) {
        self.renamed = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // What fails here is left to a later sweep.
            let _ = self.owner.directory.remove_file(&self.name);
        }
    }
}

/// The directory of locks below the granted directory `root`, made if it is missing.
///
/// # Errors
/// The system's.
pub(super) fn open_locks(root: &Dir) -> io::Result<Dir> {
    open_or_make(&open_own(root)?, LOCKS)
}

fn open_own(root: &Dir) -> io::Result<Dir> {
    open_or_make(root, OWN)
}

fn open_or_make(directory: &Dir, name: &str) -> io::Result<Dir> {
    match directory.open_dir_nofollow(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match directory.create_dir(name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    directory.open_dir_nofollow(name)
}

/// What to do where a lock file is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Make it.
    Make,
    /// Answer `NotFound`.
    Fail,
}

/// Takes the lock that the file `name` in `directory` stands for, without waiting. `None` if another has it.
///
/// A lock file is removed only by who holds it. So one that has no name any more when we get its lock was released, not ours.
///
/// # Errors
/// The system's.
pub(super) fn try_lock(directory: &Dir, name: &str, missing: Missing) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(missing == Missing::Make);
    options.follow(FollowSymlinks::No).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    for _ in 0..ATTEMPTS {
        let file = directory.open_with(name, &options)?.into_std();
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if fstat(&file)?.st_nlink > 0 => return Ok(Some(file)),
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Removes what dead processes left in the granted directory `root`. What cannot be removed is told to the log and left.
pub(super) fn sweep(root: &Dir) {
    let swept = match root.open_dir_nofollow(OWN) {
        Ok(own) => sweep_owners(&own).and(sweep_locks(&own)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = swept {
        tracing::warn!(%error, "what earlier processes left in {OWN} could not all be removed");
    }
}

fn sweep_owners(own: &Dir) -> io::Result<()> {
    let mut result = Ok(());
    for entry in own.entries()? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(OWNER)) {
            result = result.and(gone_is_fine(sweep_owner(own, &name)));
        }
    }
    result
}

fn sweep_owner(own: &Dir, name: &std::ffi::OsStr) -> io::Result<()> {
    let directory = own.open_dir_nofollow(name)?;
    // Made where it is missing, so that a sweep and an owner that is just starting meet at the same file.
    let Some(_lock) = try_lock(&directory, LOCK, Missing::Make)? else { return Ok(()) };
    for entry in directory.entries()? {
        let name = entry?.file_name();
        if name != LOCK {
            gone_is_fine(directory.remove_file(name))?;
        }
    }
    directory.remove_file(LOCK)?;
    match own.remove_dir(name) {
        // An owner that was just starting made its lock anew.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

fn sweep_locks(own: &Dir) -> io::Result<()> {
    let locks = match own.open_dir_nofollow(LOCKS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        locks => locks?,
    };
    for entry in locks.entries()? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        gone_is_fine(try_lock(&locks, name, Missing::Fail).and_then(|lock| match lock {
            Some(_lock) => locks.remove_file(name),
            None => Ok(()),
        }))?;
    }
    Ok(())
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
