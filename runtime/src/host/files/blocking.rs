//! Work that blocks: done on the blocking pool, stopped by a cancelled call, and outliving it until it has really stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};

/// Says whether the call that wanted some work is still there.
#[derive(Clone, Default)]
pub(super) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Whether nobody waits any more.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// An error that nobody will see, if nobody waits any more.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::new(ErrorKind::Unavailable, "the call was cancelled")) } else { Ok(()) }
    }
}

/// Sets its [`Cancelled`] when dropped: kept by the future that waits.
#[derive(Default)]
pub(super) struct CancelOnDrop(Cancelled);

impl CancelOnDrop {
    /// What it sets.
    pub(super) fn flag(&self) -> Cancelled {
        self.0.clone()
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Does `work` on the blocking pool and answers what it answers.
///
/// # Errors
/// What `work` answers; `internal` if it panicked or the runtime is shutting down.
///
/// # Cancel safety
/// Dropping the future tells `work`, which looks between its steps, and keeps what `call` holds until it has stopped.
pub(super) async fn run<T: Send + 'static>(call: &CallContext, work: impl FnOnce(&Cancelled) -> Result<T> + Send + 'static) -> Result<T> {
    let cancel = CancelOnDrop::default();
    let flag = cancel.flag();
    finish(start(call, move || {
        flag.check()?;
        work(&flag)
    }))
    .await
}

/// Starts `work` on the blocking pool; what `call` holds is kept until it has finished.
pub(super) fn start<T: Send + 'static>(call: &CallContext, work: impl FnOnce() -> Result<T> + Send + 'static) -> JoinHandle<Result<T>> {
    let hold = call.hold();
    tokio::task::spawn_blocking(move || {
        let result = work();
        drop(hold);
        result
    })
}

/// The answer of work that was started.
///
/// # Errors
/// As [`run`].
pub(super) async fn finish<T>(work: JoinHandle<Result<T>>) -> Result<T> {
    work.await.map_err(|error| Error::new(ErrorKind::Internal, "work on a file was given up").with_source(error))?
}
