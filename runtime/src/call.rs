//! What a host function knows of the call it works for: progress to report, and things to hold until its work has stopped.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::bindings::GuardId;

/// Keeps alive what must not be released while work goes on: the call's place in the pool, the locks of its instance.
pub(crate) type Hold = Arc<dyn Any + Send + Sync>;

/// Handed to every host function that moves bytes or works in the background. Clones are of the same call.
#[derive(Clone)]
pub(crate) struct CallContext(Arc<Call>);

struct Call {
    /// Bytes moved: what the no-progress deadline watches.
    moved: AtomicU64,
    _guards: Arc<Guards>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl CallContext {
    /// A call of the instance that owns `guards`, which has its place in the pool by `permit`.
    pub(crate) fn new(guards: Arc<Guards>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self(Arc::new(Call { moved: AtomicU64::new(0), _guards: guards, _permit: permit }))
    }

    /// Counts bytes that were moved. Zero bytes are no progress.
    pub(crate) fn moved(&self, bytes: u64) {
        self.0.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes moved so far.
    pub(crate) fn total(&self) -> u64 {
        self.0.moved.load(Ordering::Relaxed)
    }

    /// To be owned by a blocking job until it has really finished: a cancelled call's place and locks are
    /// given to nobody while this is alive.
    pub(crate) fn hold(&self) -> Hold {
        self.0.clone()
    }
}

/// The locks of one instance. Background work of its calls shares them, so that a lock outlives the work that it protects.
#[derive(Default)]
pub(crate) struct Guards(Mutex<GuardMap>);

#[derive(Default)]
struct GuardMap {
    next: u64,
    held: HashMap<u64, Box<dyn Any + Send>>,
}

impl Guards {
    fn map(&self) -> MutexGuard<'_, GuardMap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `guard` until it is released, or the last owner of these guards is gone.
    pub(crate) fn keep(&self, guard: impl Any + Send) -> GuardId {
        let mut map = self.map();
        map.next += 1;
        let id = map.next;
        map.held.insert(id, Box::new(guard));
        GuardId(id)
    }

    /// Releases one.
    pub(crate) fn release(&self, id: &GuardId) {
        let released = self.map().held.remove(&id.0);
        drop(released);
    }
}
