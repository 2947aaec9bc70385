//! Durable renames of all callers of a mount, grouped: one sync serves many.
//!
//! Whoever asks while nobody leads becomes the leader: a job on the blocking pool that takes all that waits, makes it
//! durable at once, renames each, and goes round again until nothing waits. The directories that one round has changed are synced
//! together with the files of the next.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{AtFlags, RenameFlags, fstat, linkat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::blocking::{CancelOnDrop, Cancelled};
use super::directories::Granted;
use super::durability::{Dirty, Durability};
use super::place::{ATTEMPTS, How, Place, describe};
use super::temporary::Temporary;
use super::{FileInfo, stamp};
use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};

/// How often a waiting caller counts as making progress: the disk is at work for it and cannot be interrupted.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What is to be made durable.
pub(super) enum Task {
    /// A file under its new name.
    Rename {
        /// What to rename.
        source: Source,
        /// Its new name.
        destination: Place,
        /// Refuse where something has that name.
        no_replace: bool,
    },
    /// A file or directory under the name that it has.
    Sync(Place),
}

/// What is renamed.
pub(super) enum Source {
    /// A file that the host made.
    Temporary(Temporary),
    /// A file that a driver named.
    Named(Place),
}

/// The callers that wait for one granted directory.
pub(super) struct Committer {
    pub(super) durability: Durability,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Request>,
    is_led: bool,
}

struct Request {
    task: Task,
    caller: Caller,
    cancelled: Cancelled,
}

/// Who waits for the answer. What its call holds is kept until it has it.
struct Caller {
    call: CallContext,
    reply: oneshot::Sender<Result<FileInfo>>,
}

impl Caller {
    fn answer(self, result: Result<FileInfo>) {
        let Self { call, reply } = self;
        drop(call);
        // Nobody there: the call was cancelled meanwhile.
        let _ = reply.send(result);
    }
}

impl Committer {
    /// For the granted directory that is open as `root`.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(root: File) -> io::Result<Self> {
        Ok(Self { durability: Durability::new(root)?, queue: Mutex::default() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request; true if the caller must lead.
    fn add(&self, request: Request) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(request);
        !std::mem::replace(&mut queue.is_led, true)
    }
}

/// Does `task` in `granted`, durably, together with whatever others want there.
///
/// # Errors
/// What the task meets; nothing is changed then, unless the disk failed after the rename.
///
/// # Cancel safety
/// Dropping the future withdraws a task that has not begun; another is finished, and holds what `call` holds until then.
pub(super) async fn commit(call: &CallContext, granted: &Arc<Granted>, task: Task) -> Result<FileInfo> {
    let cancel = CancelOnDrop::default();
    let (reply, mut answer) = oneshot::channel();
    let caller = Caller { call: call.clone(), reply };
    if granted.committer.add(Request { task, caller, cancelled: cancel.flag() }) {
        let leader = Leader(granted.clone());
        tokio::task::spawn_blocking(move || leader.run());
    }
    loop {
        match tokio::time::timeout(HEARTBEAT, &mut answer).await {
            Ok(answer) => return answer.map_err(|_| Error::new(ErrorKind::Unavailable, "the runtime that made files durable has ended"))?,
            Err(_) => call.moved(1),
        }
    }
}

/// The one that works for all. Dropped before it is done, with its runtime, it leaves the lead to the next caller.
struct Leader(Arc<Granted>);

impl Drop for Leader {
    fn drop(&mut self) {
        let mut queue = self.0.committer.queue();
        queue.is_led = false;
        let abandoned = std::mem::take(&mut queue.waiting);
        drop(queue);
        drop(abandoned);
    }
}

impl Leader {
    fn run(self) {
        let committer = &self.0.committer;
        let mut renamed: Vec<Finishing> = Vec::new();
        loop {
            let requests = std::mem::take(&mut committer.queue().waiting);
            let mut beginning = Vec::new();
            for request in requests {
                if !request.cancelled.is_set() {
                    request.begin(&mut beginning, &mut renamed);
                }
            }
            let files = beginning.iter().map(|begun: &Begun| &begun.file).chain(renamed.iter().flat_map(|finishing| &finishing.dirty));
            let failures = committer.durability.sync(files);
            for Finishing { caller, info, dirty, place } in renamed.drain(..) {
                let synced = dirty.iter().try_for_each(|dirty| failures.check(dirty));
                caller.answer(synced.map_err(|error| place.error(error)).map(|()| info));
            }
            for begun in beginning {
                match failures.check(&begun.file) {
                    Ok(()) => renamed.extend(begun.rename()),
                    Err(error) => begun.fail(error),
                }
            }
            let mut queue = committer.queue();
            if renamed.is_empty() && queue.waiting.is_empty() {
                queue.is_led = false;
                drop(queue);
                break;
            }
        }
    }
}

/// A rename whose file is open, to be made durable before it gets its name.
struct Begun {
    caller: Caller,
    file: Dirty,
    source: Source,
    destination: Place,
    no_replace: bool,
}

/// Something that is done once `dirty` is durable.
struct Finishing {
    caller: Caller,
    info: FileInfo,
    dirty: Vec<Dirty>,
    place: Place,
}

impl Request {
    /// Opens what must be durable first.
    fn begin(self, renames: &mut Vec<Begun>, finishing: &mut Vec<Finishing>) {
        let Self { task, caller, .. } = self;
        match task {
            Task::Rename { source, destination, no_replace } => match source.open() {
                Ok(file) => renames.push(Begun { caller, file, source, destination, no_replace }),
                Err(error) => {
                    drop(source);
                    caller.answer(Err(error));
                }
            },
            Task::Sync(place) => match open_to_sync(&place) {
                Ok((info, dirty)) => finishing.push(Finishing { caller, info, dirty, place }),
                Err(error) => caller.answer(Err(error)),
            },
        }
    }
}

/// What is at `place`, and the files whose sync makes it and its name durable.
fn open_to_sync(place: &Place) -> Result<(FileInfo, Vec<Dirty>)> {
    let info = place.info()?;
    let open = || -> io::Result<Vec<Dirty>> {
        let mut dirty = Vec::with_capacity(2);
        if !place.relative().is_empty() {
            dirty.push(Dirty::new(place.parent()?.0)?);
        }
        Ok(dirty)
    };
    let mut dirty = open().map_err(|error| place.read_error(error))?;
    let file = match info.kind {
        super::FileKind::Directory => place.open_directory().map_err(|error| place.read_error(error))?,
        _ => place.open_regular(How::Read)?.0,
    };
    dirty.push(Dirty::new(file).map_err(|error| place.error(error))?);
    Ok((info, dirty))
}

impl Source {
    fn open(&self) -> Result<Dirty> {
        match self {
            Self::Temporary(temporary) => Ok(Dirty::new(temporary.file.clone())?),
            Self::Named(place) => {
                let (file, _) = place.open_regular(How::Read)?;
                stamp::renew(&file);
                Dirty::new(file).map_err(|error| place.error(error))
            }
        }
    }
}

impl Begun {
    fn fail(self, error: io::Error) {
        let error = self.destination.error(error);
        self.give_up(error);
    }

    /// Answers the caller once everything is as it was: a temporary file is gone.
    fn give_up(self, error: Error) {
        let Self { caller, source, .. } = self;
        drop(source);
        caller.answer(Err(error));
    }

    /// Gives the file its name; answers what is still to be made durable, or the caller its error.
    fn rename(mut self) -> Option<Finishing> {
        let renamed = self.rename_here().and_then(|dirty| {
            let stat = fstat(self.file.file()).map_err(|error| self.destination.error(error.into()))?;
            Ok((describe(self.destination.name(), Some(self.file.file()), &stat), dirty))
        });
        match renamed {
            Ok((info, dirty)) => Some(Finishing { caller: self.caller, info, dirty, place: self.destination }),
            Err(error) => {
                self.give_up(error);
                None
            }
        }
    }

    /// Renames; a parent that is missing or vanishes is made. Answers the directories that changed.
    fn rename_here(&mut self) -> Result<Vec<Dirty>> {
        let Self { source, destination, no_replace, .. } = self;
        for _ in 0..ATTEMPTS {
            match try_rename(source, destination, *no_replace) {
                Ok(dirty) => {
                    if let Source::Temporary(temporary) = source {
                        temporary.keep();
                    }
                    return Ok(dirty);
                }
                // Either the source is gone, or a parent of the destination.
                Err(error) if error.kind() == io::ErrorKind::NotFound => source.require()?,
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    return Err(destination.refuse("on another file system than its source: grant what is mounted there as a directory of its own"));
                }
                Err(error) => return Err(destination.error(error)),
            }
        }
        Err(destination.unsettled())
    }
}

impl Source {
    /// # Errors
    /// `not-found` about the source, if it is gone.
    fn require(&self) -> Result<()> {
        match self {
            Self::Temporary(temporary) => {
                let (directory, name) = temporary.location();
                statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(drop).map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "somebody removed the host's temporary file").with_source(io::Error::from(error))
                })
            }
            Self::Named(place) => place.info().map(drop),
        }
    }
}

fn try_rename(source: &Source, destination: &Place, no_replace: bool) -> io::Result<Vec<Dirty>> {
    let made = destination.make_parents()?;
    let (parent, name) = destination.parent()?;
    let mut dirty = made.into_iter().map(Dirty::new).collect::<io::Result<Vec<_>>>()?;
    match source {
        // Its old name need not be gone durably: what is left of it is swept.
        Source::Temporary(temporary) => {
            let (directory, old) = temporary.location();
            rename(directory, old, &parent, name, no_replace)?;
        }
        Source::Named(place) => {
            let (directory, old) = place.parent()?;
            rename(&directory, old, &parent, name, no_replace)?;
            dirty.push(Dirty::new(directory)?);
        }
    }
    dirty.push(Dirty::new(parent)?);
    Ok(dirty)
}

fn rename(from: impl std::os::fd::AsFd, old: &str, to: &File, new: &str, no_replace: bool) -> io::Result<()> {
    if !no_replace {
        return Ok(renameat_with(from, old, to, new, RenameFlags::empty())?);
    }
    match renameat_with(&from, old, to, new, RenameFlags::NOREPLACE) {
        // A file system that knows no such rename (NFS): a second name decides as well, in one step.
        Err(Errno::INVAL) => {
            linkat(&from, old, to, new, AtFlags::empty())?;
            Ok(unlinkat(&from, old, AtFlags::empty())?)
        }
        renamed => Ok(renamed?),
    }
}
