//! What the host keeps for one instance of a driver, and for its mount: the `T` of its `Store`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtxView;

use super::connections::Connections;
use super::files::Directories;
use super::http::Http;
use super::last_words::LastWords;
use super::log::LogGate;
use super::sockets::{Known, Sockets};
use super::wasi::Wasi;
use crate::bindings::cofferdam::storage::store_types as wit;
use crate::call::{CallContext, Guards};
use crate::content::{Closing, Content, Kind, Spool};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{CpuBudget, Limiter};

/// What all instances of one mount share.
pub(crate) struct Resources {
    /// The granted directories.
    pub(crate) directories: Directories,
    /// The granted connections.
    pub(crate) connections: Connections,
    /// The servers that may be asked.
    pub(crate) http: Http,
    /// What may be reached by sockets of a driver's own.
    pub(crate) sockets: Sockets,
    /// Where generated and streamed bytes wait.
    pub(crate) spool: Arc<Spool>,
    /// The driver's log, at a bounded rate.
    pub(crate) log: LogGate,
    /// False makes every granted host function answer `unavailable`: how a certifier takes the backends away.
    pub(crate) reachable: AtomicBool,
    /// How long a lock is waited for: the call's no-progress deadline.
    pub(crate) lock_wait: Duration,
    /// Linear memory of all instances, in bytes.
    pub(crate) guest_memory: Arc<AtomicU64>,
    /// Handles that instances hold.
    pub(crate) handles: AtomicU64,
}

impl Resources {
    /// Whether the backends are there, as far as the host decides that.
    pub(crate) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }
}

/// The host's side of one instance.
pub struct State {
    pub(crate) table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) budget: CpuBudget,
    pub(crate) resources: Arc<Resources>,
    pub(crate) guards: Arc<Guards>,
    pub(crate) closing: Arc<Closing>,
    /// What the instance said during the call.
    pub(crate) last_words: LastWords,
    /// `None` for a driver that imports no WASI.
    wasi: Option<Box<Wasi>>,
    /// The call that runs; between calls, one that nothing belongs to.
    call: CallContext,
    idle: CallContext,
    /// How much of what `idle` counts the calls have been told.
    reported: u64,
    trace: Option<Vec<String>>,
    handles: u64,
}

impl State {
    pub(crate) fn new(resources: Arc<Resources>, limiter: Limiter, table: ResourceTable, wasi: Option<Box<Wasi>>, last_words: LastWords) -> Self {
        let guards = Arc::<Guards>::default();
        let idle = CallContext::new(guards.clone(), None);
        Self {
            table,
            limiter,
            budget: CpuBudget::new(Duration::ZERO),
            resources,
            guards,
            closing: Arc::default(),
            last_words,
            wasi,
            call: idle.clone(),
            idle,
            reported: 0,
            trace: None,
            handles: 0,
        }
    }

    /// Makes the state ready for the next call.
    pub(crate) fn begin_call(&mut self, call: CallContext, cpu: Duration, traced: bool) {
        self.budget.refill(cpu);
        self.call = call;
        self.last_words.begin();
        self.trace = traced.then(Vec::new);
    }

    /// Lets go of what only the call needed; answers the host calls that it made, where it was traced.
    pub(crate) fn end_call(&mut self) -> Option<Vec<String>> {
        self.call = self.idle.clone();
        self.trace.take()
    }

    /// What host functions report to.
    pub(crate) fn call(&self) -> &CallContext {
        &self.call
    }

    /// Tells the call what moved on behalf of the instance.
    pub(crate) fn report(&mut self) {
        let total = self.idle.total();
        self.call.moved(total - self.reported);
        self.reported = total;
    }

    /// What `wasi:http` works with. Its requests are the instance's: a driver that never drops one holds no call's place with it.
    pub(crate) fn wasi_http(&mut self) -> WasiHttpCtxView<'_> {
        let http = self.http();
        self.wasi.get_or_insert_default().http.view(http, self.idle.clone(), &mut self.table)
    }

    /// The addresses that `wasi:sockets` told the instance.
    pub(crate) fn known(&mut self) -> &Known {
        &self.wasi.get_or_insert_default().known
    }

    /// Notes a host call, for `--trace`. `describe` runs only if somebody reads it.
    pub(crate) fn trace(&mut self, describe: impl FnOnce() -> String) {
        /// A call that makes a million host calls must not fill the memory with their traces.
        const KEPT: usize = 200;
        if let Some(trace) = &mut self.trace
            && trace.len() <= KEPT
        {
            trace.push(if trace.len() == KEPT { "… and more".to_owned() } else { describe() });
        }
    }

    /// How many handles the guest holds.
    pub(crate) fn handles(&self) -> u64 {
        self.handles
    }

    /// Gives the guest a handle.
    pub(crate) fn give<T: Send + 'static>(&mut self, value: T) -> wasmtime::Result<Resource<T>> {
        let handle = self
            .table
            .push(value)
            .map_err(|_| crate::limits::Exhausted::Resource("the driver holds more handles than its limit (`handles` under [limits])".to_owned()))?;
        self.handles += 1;
        self.resources.handles.fetch_add(1, Ordering::Relaxed);
        Ok(handle)
    }

    /// Takes a handle back, with what is behind it.
    pub(crate) fn take<T: Send + 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<T> {
        let value = self.table.delete(handle)?;
        self.handles -= 1;
        self.resources.handles.fetch_sub(1, Ordering::Relaxed);
        Ok(value)
    }

    /// Gives the guest content: how an extension's host function answers bytes.
    ///
    /// # Errors
    /// A trap if the guest holds too many handles.
    pub fn give_content(&mut self, content: Content) -> wasmtime::Result<Resource<Content>> {
        self.give(content)
    }

    /// Content that the guest lent to a host function.
    ///
    /// # Errors
    /// A trap if the handle is not the guest's.
    pub fn content(&self, handle: &Resource<Content>) -> wasmtime::Result<&Content> {
        Ok(self.table.get(handle)?)
    }

    /// Content that the guest lends to a host function, in a form that outlives the borrow.
    ///
    /// # Errors
    /// `invalid-argument` for content that this very driver generates: an instance cannot be re-entered.
    pub(crate) fn lent(&self, handle: &Resource<Content>) -> wasmtime::Result<Result<Content>> {
        let content = self.table.get(handle)?;
        Ok(match &content.kind {
            Kind::Live(live) => Ok(Content { kind: Kind::Live(live.clone()) }),
            Kind::Generated(_) => Err(Error::invalid_argument(
                "content that this driver generates cannot be given to a host function within its own call: use a buffer",
            )),
            _ => content.try_clone().ok_or_else(|| Error::new(ErrorKind::Internal, "held content could not be lent")),
        })
    }

    /// The granted directories, unless the backends are taken away.
    pub(crate) fn directories(&self) -> Result<Directories> {
        self.reachable().map(|()| self.resources.directories.clone())
    }

    /// The granted connections, unless the backends are taken away.
    pub(crate) fn connections(&self) -> Result<Connections> {
        self.reachable().map(|()| self.resources.connections.clone())
    }

    /// The servers that may be asked, unless the backends are taken away.
    pub(crate) fn http(&self) -> Result<Http> {
        self.reachable().map(|()| self.resources.http.clone())
    }

    fn reachable(&self) -> Result<()> {
        if self.resources.is_reachable() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Unavailable, "the backends of this mount are taken away at the moment"))
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.resources.handles.fetch_sub(self.handles, Ordering::Relaxed);
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.get_or_insert_default().context, table: &mut self.table }
    }
}

impl From<Error> for wit::Error {
    /// What a guest learns of a host function's failure.
    fn from(error: Error) -> Self {
        Self {
            kind: kind_to_wit(error.kind()),
            code: error.code().map(str::to_owned),
            message: match error.path() {
                Some(path) => format!("{path}: {}", error.message()),
                None => error.message().to_owned(),
            },
            retry_after_ms: error.retry_after_ms(),
        }
    }
}

fn kind_to_wit(kind: ErrorKind) -> wit::ErrorKind {
    match kind {
        ErrorKind::NotFound => wit::ErrorKind::NotFound,
        ErrorKind::AlreadyExists => wit::ErrorKind::AlreadyExists,
        ErrorKind::PreconditionFailed => wit::ErrorKind::PreconditionFailed,
        ErrorKind::InvalidPath => wit::ErrorKind::InvalidPath,
        ErrorKind::InvalidRange => wit::ErrorKind::InvalidRange,
        ErrorKind::InvalidArgument => wit::ErrorKind::InvalidArgument,
        ErrorKind::Unsupported => wit::ErrorKind::Unsupported,
        ErrorKind::PermissionDenied => wit::ErrorKind::PermissionDenied,
        ErrorKind::Unauthenticated => wit::ErrorKind::Unauthenticated,
        ErrorKind::QuotaExceeded => wit::ErrorKind::QuotaExceeded,
        ErrorKind::RateLimited => wit::ErrorKind::RateLimited,
        ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::DeadlineExceeded => wit::ErrorKind::Unavailable,
        ErrorKind::Corrupted => wit::ErrorKind::Corrupted,
        ErrorKind::UploadExpired => wit::ErrorKind::UploadExpired,
        ErrorKind::Internal | ErrorKind::Trapped | ErrorKind::Misbehaved => wit::ErrorKind::Internal,
    }
}
