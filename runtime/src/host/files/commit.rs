//! Durable renames of all callers of a mount, grouped: one sync serves many.
//!
//! Whoever asks while nobody leads becomes the leader: a job on the blocking pool that takes all that waits, makes it
//! durable at once, renames each, and goes round again until nothing waits. The directories that one round has changed are synced
//! together with the files of the next.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::fstat;
use tokio::sync::oneshot;

use super::blocking::{self, CancelOnDrop, Cancelled};
use super::directories::Granted;
use super::durability::{Dirty, Durability, sync_one};
use super::place::{How, Place};
use super::rename::Source;
use super::{FileInfo, FileKind};
use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};

/// How often a caller that waits for the disk counts as making progress: every second, where deadlines are tens of them.
const HEARTBEAT: Duration = Duration::from_secs(1);

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
    if let Task::Rename { source, .. } = &task
        && let Some(file) = source.large()?
    {
        let sync = move |_: &Cancelled| sync_one(&file).map_err(|error| io::Error::from(error).into());
        beating(call, blocking::run(call, sync)).await?;
    }
    let cancel = CancelOnDrop::default();
    let (reply, answer) = oneshot::channel();
    let caller = Caller { call: call.clone(), reply };
    if granted.committer.add(Request { task, caller, cancelled: cancel.flag() }) {
        let leader = Leader { granted: granted.clone(), is_done: false };
        tokio::task::spawn_blocking(move || leader.run());
    }
    let answer = beating(call, answer).await;
    answer.map_err(|_| Error::new(ErrorKind::Unavailable, "the runtime that made files durable has ended"))?
}

/// Waits for the disk, which counts as progress: it is at work for the call and cannot be interrupted.
async fn beating<T>(call: &CallContext, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(HEARTBEAT, &mut work).await {
            Ok(answer) => return answer,
            Err(_) => call.moved(1),
        }
    }
}

/// The one that works for all. Dropped before it is done, with its runtime, it leaves the lead to the next caller.
struct Leader {
    granted: Arc<Granted>,
    is_done: bool,
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.granted.committer.queue();
            queue.is_led = false;
            let abandoned = std::mem::take(&mut queue.waiting);
            drop(queue);
            drop(abandoned);
        }
    }
}

impl Leader {
    fn run(mut self) {
        let mut renamed: Vec<Finishing> = Vec::new();
        while let Some(requests) = self.next(renamed.is_empty()) {
            let mut beginning = Vec::new();
            for request in requests {
                if !request.cancelled.is_set() {
                    request.begin(&mut beginning, &mut renamed);
                }
            }
            let files = beginning.iter().map(|begun: &Begun| &begun.file).chain(renamed.iter().flat_map(|finishing| &finishing.dirty));
            let failures = self.granted.committer.durability.sync(files);
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
        }
    }

    /// What waits now; `None`, and no longer the leader, if that is nothing and nothing is left to do.
    fn next(&mut self, is_idle: bool) -> Option<Vec<Request>> {
        let mut queue = self.granted.committer.queue();
        if is_idle && queue.waiting.is_empty() {
            queue.is_led = false;
            self.is_done = true;
            return None;
        }
        Some(std::mem::take(&mut queue.waiting))
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
        FileKind::Directory => place.open_directory().map_err(|error| place.read_error(error))?,
        _ => place.open_regular(How::Read)?.0,
    };
    dirty.push(Dirty::new(file).map_err(|error| place.error(error))?);
    Ok((info, dirty))
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
        let renamed = self.source.rename(&self.destination, self.no_replace).and_then(|dirty| {
            let stat = fstat(self.file.file()).map_err(|error| self.destination.error(error.into()))?;
            Ok((self.destination.describe(Some(self.file.file()), &stat), dirty))
        });
        match renamed {
            Ok((info, dirty)) => Some(Finishing { caller: self.caller, info, dirty, place: self.destination }),
            Err(error) => {
                self.give_up(error);
                None
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::directories::{Directories, Need};
    use super::*;
    use crate::grant::{Access, DirectoryGrant};

    #[test]
    fn a_leader_that_is_done_leaves_the_next_one_its_callers() {
        let scratch = tempfile::tempdir().unwrap();
        let grant = DirectoryGrant { name: "/data".to_owned(), host: scratch.path().to_owned(), access: Access::ReadWrite, wasi: false };
        let directories = Directories::open(&[grant]).unwrap();
        let place = directories.resolve("/data", Need::Write).unwrap();
        let granted = place.granted.clone();
        let request = || {
            let (reply, answer) = oneshot::channel();
            let caller = Caller { call: CallContext::new(Arc::default(), None), reply };
            (Request { task: Task::Sync(place.clone()), caller, cancelled: Cancelled::default() }, answer)
        };
        let leader = || Leader { granted: granted.clone(), is_done: false };

        let (first, first_answer) = request();
        assert!(granted.committer.add(first));
        let mut done = leader();
        drop(done.next(true).unwrap());
        assert!(done.next(true).is_none());
        let (second, second_answer) = request();
        assert!(granted.committer.add(second), "nobody leads any more");
        drop(done);
        leader().run();
        assert!(second_answer.blocking_recv().unwrap().is_ok());
        assert!(first_answer.blocking_recv().is_err(), "taken and given up");

        // One that never runs, since its runtime ended, gives up who waits and leaves the lead.
        let (third, third_answer) = request();
        assert!(granted.committer.add(third));
        drop(leader());
        assert!(third_answer.blocking_recv().is_err());
        assert!(granted.committer.add(request().0));
    }
}
