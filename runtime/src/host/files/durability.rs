//! Making a group of files and directories durable by whichever takes less time: a sync of each, several at once, or one sync of
//! their file system.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::fs::{fdatasync, fstat, fstatfs, fsync, syncfs};
use rustix::io::Errno;

/// File systems on this machine's own disks whose `syncfs` makes everything durable. On others (network, FUSE) it may mean less.
/// ext4, XFS, Btrfs, F2FS, tmpfs: magic numbers of statfs(2).
const WHOLE: [i64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// Whether `file` is on one of these.
///
/// # Errors
/// The system's.
pub(super) fn is_on_own_disk(file: &File) -> io::Result<bool> {
    Ok(WHOLE.contains(&fstatfs(file)?.f_type))
}

/// How many files are synced at once: 8. On ext4, 64 files took 270 ms one after the other, 16 ms by four threads, 12 by sixteen.
const THREADS: usize = 8;

/// From how many seconds of work on threads are worth starting: 1 ms.
const WORTH_A_THREAD: f64 = 0.001;

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
pub(super) struct Failures(Failed);

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
        let whole = is_on_own_disk(&root)?;
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
        let files: Vec<_> = files.into_values().collect();
        if files.is_empty() {
            return Failures::default();
        }
        let side_by_side = files.len() > 1 && self.costs(|costs| costs.each * files.len() as f64 > WORTH_A_THREAD);
        let began = Instant::now();
        let failed = if side_by_side { sync_side_by_side(&files) } else { sync_in_turn(files.iter().copied()) };
        self.costs(|costs| costs.learn_each(began.elapsed().as_secs_f64(), files.len()));
        Failures(failed)
    }

    fn costs<T>(&self, with: impl FnOnce(&mut Costs) -> T) -> T {
        with(&mut self.costs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Failed = HashMap<(u64, u64), Errno>;

fn sync_in_turn<'a>(files: impl Iterator<Item = &'a Dirty>) -> Failed {
    files.filter_map(|dirty| Some(((dirty.device, dirty.inode), sync_one(&dirty.file).err()?))).collect()
}

/// Syncs `files` by several threads, so that file systems can write one transaction for many of them.
fn sync_side_by_side(files: &[&Dirty]) -> Failed {
    let next = AtomicUsize::new(0);
    let work = || sync_in_turn(std::iter::from_fn(|| files.get(next.fetch_add(1, Ordering::Relaxed)).copied()));
    std::thread::scope(|scope| {
        let others = THREADS.min(files.len()) - 1;
        // Where no thread is to be had, those that are there do it all.
        let others: Vec<_> = (0..others).filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut failed = work();
        for other in others {
            match other.join() {
                Ok(more) => failed.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failed
    })
}

/// Makes one file durable.
///
/// # Errors
/// The system's.
pub(super) fn sync_one(file: &File) -> Result<(), Errno> {
    sync_by(|| fsync(file))
}

/// Makes the bytes of one file durable that were written so far, and no more of what is known about it than to read them takes.
///
/// # Errors
/// The system's.
pub(super) fn sync_data(file: &File) -> Result<(), Errno> {
    sync_by(|| fdatasync(file))
}

fn sync_by(sync: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    loop {
        match sync() {
            Err(Errno::INTR) => {}
            // A directory of a file system that syncs none: there is nothing more that can be done (fsync(2)).
            Err(Errno::INVAL) => return Ok(()),
            done => return done,
        }
    }
}

#[cfg(test)]
impl Durability {
    /// Forbids one sync for all, as a failed one does.
    pub(super) fn sync_each(&self) {
        self.whole.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    use super::*;

    #[test]
    fn each_file_is_told_its_own_failure() {
        let scratch = tempfile::tempdir().unwrap();
        // A file that is open as a mere path cannot be synced.
        let open = |n: usize| {
            let path = scratch.path().join(n.to_string());
            let file = File::create(&path).unwrap();
            let path_only = || File::options().read(true).custom_flags(OFlags::PATH.bits().cast_signed()).open(path).unwrap();
            Dirty::new(if n == 7 { path_only() } else { file }).unwrap()
        };
        let files: Vec<_> = (0..20).map(open).collect();
        let durability = Durability::new(File::open(scratch.path()).unwrap()).unwrap();
        durability.sync_each();
        for count in [8, 20] {
            let failures = durability.sync(files[..count].iter());
            let failed: Vec<_> = (0..count).filter(|n| failures.check(&files[*n]).is_err()).collect();
            assert_eq!(failed, [7]);
        }
        let files: Vec<_> = files.iter().collect();
        assert_eq!(sync_side_by_side(&files).into_iter().collect::<Vec<_>>(), [((files[7].device, files[7].inode), Errno::BADF)]);
    }

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
