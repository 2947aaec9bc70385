//! Locks by name, exclusive among all instances and processes that hold a directory's grant.
//!
//! A lock is an exclusive `flock` on a file that only its name decides. Callers of one mount queue in memory, in the order in which they
//! came, and only the first of them asks the file; so a lock costs one look while it is free, and few while another process has it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cap_std::fs::Dir;
use rustix::fs::fstat;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::blocking;
use super::directories::{Directories, Need};
use super::place::Place;
use super::temporary::{Missing, open_locks, try_lock};
use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};

/// How long to wait before the file of a taken lock is asked again: from 1 ms, so that a short critical section elsewhere costs
/// little, …
const POLL_FIRST: Duration = Duration::from_millis(1);

/// … to 50 ms, so that a long one is not asked for all the time.
const POLL_LAST: Duration = Duration::from_millis(50);

/// The callers of one mount that hold or want a lock, by the lock's file name.
#[derive(Default)]
pub(super) struct Locks(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Locks {
    fn queues(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A held lock; released when dropped, and by the death of this process.
pub(crate) struct Guard {
    // In this order: the next in the queue must find the file free.
    _held: Held,
    _turn: Turn,
}

/// The file of a lock that is held.
struct Held {
    directory: Dir,
    name: String,
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // While it is still locked: whoever waits for it sees that it has no name any more, and begins anew. If somebody else
        // removed it, another's may have its name.
        if fstat(&self.file).is_ok_and(|stat| stat.st_nlink > 0) {
            let _ = self.directory.remove_file(&self.name);
        }
    }
}

/// A place in the queue for a lock.
struct Turn {
    locks: Arc<Locks>,
    name: String,
    queue: Option<Arc<tokio::sync::Mutex<()>>>,
    first: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    /// Waits until all who came before are gone.
    async fn wait(locks: &Arc<Locks>, name: &str) -> Self {
        let queue = locks.queues().entry(name.to_owned()).or_default().clone();
        let mut turn = Self { locks: locks.clone(), name: name.to_owned(), queue: Some(queue.clone()), first: None };
        turn.first = Some(queue.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queues = self.locks.queues();
        self.first = None;
        self.queue = None;
        // The map's own is the last: nobody waits.
        if queues.get(&self.name).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.name);
        }
    }
}

impl Directories {
    /// Takes the lock called `name`, which begins with the name of a read-write grant as a path does. Waits at most `wait`.
    ///
    /// # Errors
    /// `unavailable` if it is not free by then; what resolving the name answers.
    ///
    /// # Cancel safety
    /// Dropping the future gives up waiting.
    pub(crate) async fn lock(&self, call: &CallContext, name: &str, wait: Duration) -> Result<Guard> {
        let place = self.resolve(name, Need::Write)?;
        match tokio::time::timeout(wait, acquire(call, &place)).await {
            Ok(acquired) => acquired,
            Err(_) => Err(Error::new(ErrorKind::Unavailable, format!("the lock was not free within {wait:?}")).at_path(name)),
        }
    }
}

async fn acquire(call: &CallContext, place: &Place) -> Result<Guard> {
    let name = base16ct::lower::encode_string(&Sha256::digest(place.relative()));
    let turn = Turn::wait(&place.granted.locks, &name).await;
    let mut pause = POLL_FIRST;
    loop {
        let (granted, name) = (place.granted.clone(), name.clone());
        let look = move |_: &blocking::Cancelled| {
            let directory = open_locks(&granted.root)?;
            let file = try_lock(&directory, &name, Missing::Make)?;
            Ok(file.map(|file| Held { directory, name, file }))
        };
        if let Some(held) = blocking::run(call, look).await? {
            return Ok(Guard { _held: held, _turn: turn });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(POLL_LAST);
    }
}

#[cfg(test)]
impl Directories {
    /// How many locks somebody holds or waits for.
    pub(super) fn queued_locks(&self, path: &str) -> usize {
        self.resolve(path, Need::Write).map_or(0, |place| place.granted.locks.queues().len())
    }
}
