//! Making a group of files and directories durable by whichever takes less time: a sync of each, or one of their file system.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::fs::{fstat, fstatfs, fsync, syncfs};
use rustix::io::Errno;

/// File systems on this machine's own disks whose `syncfs` makes everything durable. On others (network, FUSE) it may mean less.
/// ext4, XFS, Btrfs, F2FS, tmpfs: magic numbers of statfs(2).
const WHOLE: [i64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// An open file or directory that must become durable.
#[derive(Clone)]
pub(super) struct Dirty {
    file: Arc<File>,
    device: u64,
    inode: u64,
}

impl Dirty {
    /// # Errors
    /// The system's.
    pub(super) fn new(file: impl Into<Arc<File>>) -> io::Result<Self> {
        let file = file.into();
        let stat = fstat(&file)?;
        Ok(Self { file, device: stat.st_dev, inode: stat.st_ino })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// What makes files of one granted directory durable.
pub(super) struct Durability {
    root: Dirty,
    /// Whether `syncfs` may be used.
    whole: AtomicBool,
    costs: Mutex<Costs>,
}

/// What syncs have taken, in seconds.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Of one file.
    each: f64,
    /// Of the whole file system, with whatever others have written to it.
    whole: f64,
}

impl Default for Costs {
    /// Both as long as a disk takes to flush its cache: so a group is tried as a whole first.
    fn default() -> Self {
        Self { each: 0.004, whole: 0.004 }
    }
}

impl Costs {
    /// Whether one sync of everything should be faster for `count` files.
    fn prefer_whole(&mut self, count: usize) -> bool {
        if count < 2 {
            return false;
        }
        let prefer = self.whole < self.each * count as f64;
        if !prefer {
            // It was slow when somebody had written much; that passes, and only trying it shows.
            self.whole *= 0.9;
        }
        prefer
    }

    fn learn_each(&mut self, seconds: f64, count: usize) {
        self.each = 0.75 * self.each + 0.25 * seconds / count as f64;
    }

    fn learn_whole(&mut self, seconds: f64) {
        self.whole = 0.5 * self.whole + 0.5 * seconds;
    }
}

/// Which files could not be made durable, and why.
#[derive(Default)]
pub(super) struct Failures(HashMap<(u64, u64), Errno>);

impl Failures {
    /// # Errors
    /// Why `dirty` is not durable.
    pub(super) fn check(&self, dirty: &Dirty) -> io::Result<()> {
        self.0.get(&(dirty.device, dirty.inode)).map_or(Ok(()), |error| Err((*error).into()))
    }
}

impl Durability {
    /// For files below the directory `root`.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(root: File) -> io::Result<Self> {
        let whole = WHOLE.contains(&fstatfs(&root)?.f_type);
        Ok(Self { root: Dirty::new(root)?, whole: AtomicBool::new(whole), costs: Mutex::default() })
    }

    /// Makes all of `files` durable, each once.
    pub(super) fn sync<'a>(&self, files: impl Iterator<Item = &'a Dirty>) -> Failures {
        let mut files: HashMap<_, _> = files.map(|dirty| ((dirty.device, dirty.inode), dirty)).collect();
        // Something may be mounted below the granted directory.
        let here = files.values().filter(|dirty| dirty.device == self.root.device).count();
        if self.whole.load(Ordering::Relaxed) && self.costs(|costs| costs.prefer_whole(here)) {
            let began = Instant::now();
            match syncfs(&self.root.file) {
                Ok(()) => {
                    self.costs(|costs| costs.learn_whole(began.elapsed().as_secs_f64()));
                    files.retain(|_, dirty| dirty.device != self.root.device);
                }
                // It says once that some write failed, not whose: from now on every file is asked, since each is told of its own.
                Err(error) => {
                    tracing::warn!(%error, "the file system has failed to write something; its files are now synced one by one");
                    self.whole.store(false, Ordering::Relaxed);
                }
            }
        }
        let began = Instant::now();
        let failed = files.iter().filter_map(|(key, dirty)| Some((*key, sync_one(&dirty.file).err()?))).collect();
        if !files.is_empty() {
            self.costs(|costs| costs.learn_each(began.elapsed().as_secs_f64(), files.len()));
        }
        Failures(failed)
    }

    fn costs<T>(&self, with: impl FnOnce(&mut Costs) -> T) -> T {
        with(&mut self.costs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes one file durable.
///
/// # Errors
/// The system's.
pub(super) fn sync_one(file: &File) -> Result<(), Errno> {
    loop {
        match fsync(file) {
            Err(Errno::INTR) => {}
            // A directory of a file system that syncs none: there is nothing more that can be done (fsync(2)).
            Err(Errno::INVAL) => return Ok(()),
            done => return done,
        }
    }
}

#[cfg(test)]
impl Durability {
    /// Forbids one sync for all: what a group is measured against.
    pub(super) fn sync_each(&self) {
        self.whole.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_synced_alone_and_a_group_as_a_whole() {
        let mut costs = Costs::default();
        assert!(!costs.prefer_whole(1));
        assert!(costs.prefer_whole(2));
    }

    #[test]
    fn a_slow_file_system_sync_is_avoided_and_tried_again() {
        let mut costs = Costs::default();
        costs.learn_whole(2.0);
        assert!(!costs.prefer_whole(10));
        assert!(costs.prefer_whole(10_000));
        assert!((0..100).any(|_| costs.prefer_whole(10)));
    }
}
