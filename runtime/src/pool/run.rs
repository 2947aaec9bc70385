//! One call of a driver, from the lease of an instance to its return: deadlines, traces, and what a trap leaves.

use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::poll;
use tokio::time::Instant;
use tracing::Level;

use super::{Instance, Lease, Pool};
use crate::bindings::cofferdam::storage::store_types as wit;
use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};

/// What a call answers before the host looks at it.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, wit::Error>>;

/// What is asked of a driver: for errors and traces.
pub(crate) struct Operation {
    name: &'static str,
    subject: Option<String>,
    arguments: Option<String>,
}

impl Operation {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, subject: None, arguments: None }
    }

    /// The path or key that it is about.
    pub(crate) fn about(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    /// Further arguments, in words; not computed unless somebody reads traces.
    pub(crate) fn with(mut self, arguments: impl FnOnce() -> String) -> Self {
        if traced() {
            self.arguments = Some(arguments());
        }
        self
    }

    fn describe(&self) -> String {
        let mut text = String::new();
        if let Some(subject) = &self.subject {
            let _ = write!(text, "{subject:?}");
        }
        if let Some(arguments) = &self.arguments {
            let _ = write!(text, "{}{arguments}", if text.is_empty() { "" } else { " " });
        }
        text
    }
}

/// Whether somebody reads traces of calls.
pub(crate) fn traced() -> bool {
    tracing::enabled!(target: "cofferdam::call", Level::TRACE)
}

impl Pool {
    /// Calls any instance.
    ///
    /// Dropping the future ends the call and its instance within a tick; on a `single` driver, whose instance is the
    /// store, the call goes on to its end instead, within its budgets.
    pub(crate) async fn call<T, F>(self: &Arc<Self>, operation: Operation, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Instance) -> BoxFuture<'a, Answer<T>> + Send + 'static,
    {
        match self.lease().await {
            Ok((lease, context)) => self.dispatch(lease, context, operation, work).await,
            Err(error) => Err(self.explain(error, &operation)),
        }
    }

    /// Calls just that instance.
    pub(crate) async fn call_on<T, F>(self: &Arc<Self>, id: u64, operation: Operation, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Instance) -> BoxFuture<'a, Answer<T>> + Send + 'static,
    {
        match self.lease_of(id).await {
            Ok((lease, context)) => self.dispatch(lease, context, operation, work).await,
            Err(error) => Err(self.explain(error, &operation)),
        }
    }

    async fn dispatch<T, F>(&self, lease: Lease, context: CallContext, operation: Operation, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Instance) -> BoxFuture<'a, Answer<T>> + Send + 'static,
    {
        let call = run(lease, context, operation, work);
        if !self.single {
            return call.await;
        }
        // Most calls of a driver in memory end at once; what does not must survive a caller that goes away.
        let mut call = Box::pin(call);
        match poll!(&mut call) {
            Poll::Ready(result) => result,
            Poll::Pending => match tokio::spawn(call).await {
                Ok(result) => result,
                Err(error) => Err(Error::new(ErrorKind::Internal, "the host failed during the call").with_source(error)),
            },
        }
    }

    fn explain(&self, error: Error, operation: &Operation) -> Error {
        let error = error.in_operation(operation.name, self.driver_name());
        match &operation.subject {
            Some(subject) => error.at_path(subject.clone()),
            None => error,
        }
    }
}

async fn run<T, F>(mut lease: Lease, context: CallContext, operation: Operation, work: F) -> Result<T>
where
    T: Send,
    F: for<'a> FnOnce(&'a mut Instance) -> BoxFuture<'a, Answer<T>> + Send,
{
    let pool = lease.pool().clone();
    pool.counters.calls.fetch_add(1, Ordering::Relaxed);
    let (cpu, no_progress) = (pool.limits().cpu, pool.limits().no_progress);
    let started = traced().then(Instant::now);
    let Some(instance) = lease.enter() else {
        return Err(Error::new(ErrorKind::Internal, "the lease has no instance"));
    };
    instance.begin(context.clone(), cpu, started.is_some());
    let (result, usable) = match within_deadline(work(instance), &context, no_progress).await {
        Ok(answer) => instance.outcome(answer),
        Err(elapsed) => (Err(elapsed), false),
    };
    let host_calls = instance.store.data_mut().end_call();
    if usable && instance.close_generators(cpu).await.is_ok() {
        lease.settle();
    } else if !usable {
        pool.counters.traps.fetch_add(1, Ordering::Relaxed);
    }
    // The instance goes back before the call's place does, so that who gets the place finds it.
    drop(lease);
    let result = result.map_err(|error| pool.explain(error, &operation));
    if let Err(error) = &result
        && error.kind() == ErrorKind::Trapped
    {
        pool.sandbox.resources.log.trapped(pool.driver_name(), error);
    }
    if let Some(started) = started {
        report(&pool, &operation, &context, started, host_calls.unwrap_or_default(), result.as_ref().err());
    }
    result
}

fn report(pool: &Pool, operation: &Operation, context: &CallContext, started: Instant, host_calls: Vec<String>, error: Option<&Error>) {
    let outcome = error.map_or_else(|| "ok".to_owned(), |error| format!("{}: {}", error.kind(), error.message()));
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::trace!(
        target: "cofferdam::call",
        driver = &**pool.driver_name(),
        mount = pool.mount_name(),
        operation = operation.name,
        arguments = operation.describe(),
        host_calls = host_calls.join("\n"),
        bytes = context.total(),
        micros,
        outcome,
    );
}

/// Waits for `future`, as long as bytes are moved in every span of `no_progress`.
async fn within_deadline<T>(future: impl Future<Output = T>, context: &CallContext, no_progress: Duration) -> Result<T> {
    let mut future = pin!(future);
    // Most calls end at once: no timer for them.
    if let Poll::Ready(value) = poll!(future.as_mut()) {
        return Ok(value);
    }
    let mut seen = context.total();
    loop {
        if let Ok(value) = tokio::time::timeout(no_progress, future.as_mut()).await {
            return Ok(value);
        }
        let total = context.total();
        if total == seen {
            let message = format!("the call moved nothing for {no_progress:?} (`no-progress` under [limits])");
            return Err(Error::new(ErrorKind::DeadlineExceeded, message));
        }
        seen = total;
    }
}

/// As [`within_deadline`], for what answers a result itself.
pub(super) async fn within<T>(future: impl Future<Output = Result<T>>, context: &CallContext, no_progress: Duration) -> Result<T> {
    within_deadline(future, context, no_progress).await?
}
