//! One instance of a driver: made, described and configured; then called, one call at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::{PoolConcurrencyLimitError, Store, WasmBacktrace};

use crate::bindings::cofferdam::storage::store_types as wit;
use crate::bindings::exports::cofferdam::storage::lifecycle::Description as WitDescription;
use crate::call::CallContext;
use crate::content::WeakGenerated;
use crate::convert::error_from_wit;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::settings::Schema;
use crate::guests::Guests;
use crate::host::state::State;
use crate::limits::Exhausted;
use crate::sandbox::Sandbox;
use crate::text::printable;

/// An instance that holds more handles than this after a call leaks, and is replaced: an honest driver holds none.
const LEAKING: u64 = 256;

/// An instance with its store.
pub(crate) struct Instance {
    pub(crate) id: u64,
    pub(crate) store: Store<State>,
    /// Boxed: it is a kilobyte of function handles, and instances move from hand to hand.
    pub(crate) guests: Box<Guests>,
    pub(crate) calls: u64,
    pub(crate) last_used: Instant,
    generated: Vec<WeakGenerated>,
}

/// What a driver said of itself and its claims: the same on every instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) settings_schema: String,
    pub(crate) claims: Vec<(String, String)>,
}

impl Instance {
    /// Makes an instance and asks it what it is; `settings` turns its schema into what `configure` gets.
    ///
    /// It runs with the `start` budget; the caller watches the clock.
    pub(crate) async fn start(
        sandbox: &Sandbox,
        context: CallContext,
        settings: impl FnOnce(&str) -> Result<Vec<(String, String)>> + Send,
    ) -> Result<(Self, Said)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut store = sandbox.store().map_err(trapped)?;
        store.data_mut().begin_call(context, sandbox.grant().limits.start, false);
        store.set_epoch_deadline(1);
        let mut named = None;
        let (guests, said) = match Self::introduce(sandbox, &mut store, &mut named, settings).await {
            Ok(introduced) => introduced,
            Err(error) => return Err(mourn(sandbox, &store, named.as_deref(), error)),
        };
        store.data_mut().end_call();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let instance = Self { id, store, guests, calls: 0, last_used: Instant::now(), generated: Vec::new() };
        Ok((instance, said))
    }

    /// What [`Instance::start`] does within `store`; `named` is what the driver calls itself, once it has.
    async fn introduce(
        sandbox: &Sandbox,
        store: &mut Store<State>,
        named: &mut Option<String>,
        settings: impl FnOnce(&str) -> Result<Vec<(String, String)>> + Send,
    ) -> Result<(Box<Guests>, Said)> {
        let driver = sandbox.driver();
        let instance = driver.prepared().instantiate_async(&mut *store).await.map_err(trapped)?;
        let guests = Box::new(driver.indices().bind(&mut *store, &instance).map_err(trapped)?);
        let WitDescription { name, version, settings_schema } = guests.lifecycle.call_describe(&mut *store).await.map_err(trapped)?;
        check_name(&name)?;
        *named = Some(name.clone());
        let settings = settings(&settings_schema)?;
        // One that cannot be read is refused elsewhere; until then every value may be a secret.
        let schema = Schema::parse(&settings_schema).ok();
        let is_secret = |name: &String| schema.as_ref().is_none_or(|schema| schema.settings.get(name).is_none_or(|setting| setting.secret));
        store.data().last_words.hide(settings.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.as_str()));
        let claims = guests.lifecycle.call_configure(&mut *store, &settings).await.map_err(trapped)?;
        let mut claims = claims.map_err(error_from_wit)?;
        claims.sort();
        Ok((guests, Said { name, version: printable(&version, 100), settings_schema, claims }))
    }

    /// The outcome of a call into it, as the host's error. After a trap it is not to be used again.
    pub(crate) fn outcome<T>(&self, result: wasmtime::Result<Result<T, wit::Error>>) -> (Result<T>, bool) {
        match result {
            Ok(Ok(value)) => (Ok(value), true),
            Ok(Err(error)) => (Err(error_from_wit(error)), true),
            Err(error) => (Err(trapped(error).with_last_words(self.store.data().last_words.take())), false),
        }
    }

    /// Makes it ready for a call.
    pub(crate) fn begin(&mut self, context: CallContext, cpu: Duration, traced: bool) {
        self.calls += 1;
        self.store.data_mut().begin_call(context, cpu, traced);
        self.store.set_epoch_deadline(1);
    }

    /// Remembers a content that this instance generates: it is not recycled while that is read.
    pub(crate) fn remember(&mut self, generated: WeakGenerated) {
        self.generated.retain(|generated| generated.upgrade().is_some());
        self.generated.push(generated);
    }

    /// The contents that it still generates.
    pub(crate) fn generated(&self) -> impl Iterator<Item = crate::content::Generated> {
        self.generated.iter().filter_map(WeakGenerated::upgrade)
    }

    /// Whether it should make way for a fresh one.
    pub(crate) fn is_worn(&self, calls_per_instance: u64) -> bool {
        let worn = self.calls >= calls_per_instance || self.store.data().handles() > LEAKING;
        worn && self.generated().next().is_none()
    }

    /// Closes the generators whose content is gone: each exactly once.
    pub(crate) async fn close_generators(&mut self, cpu: Duration) -> wasmtime::Result<()> {
        let closing = self.store.data().closing.clone();
        let Some(generator) = &self.guests.generator else { return Ok(()) };
        for cursor in closing.take() {
            let context = CallContext::new(self.store.data().guards.clone(), None);
            self.store.data_mut().begin_call(context, cpu, false);
            self.store.set_epoch_deadline(1);
            generator.call_close(&mut self.store, cursor).await?;
            self.store.data_mut().end_call();
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let legal = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.len() > 63 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !legal(name) {
        let message = format!("the driver calls itself {:?}, where a name is lower-case letters, digits and `-`, at most 63", printable(name, 63));
        return Err(Error::new(ErrorKind::Misbehaved, message));
    }
    Ok(())
}

/// The error of an instance that did not start, with what it said, which is logged if it trapped.
fn mourn(sandbox: &Sandbox, store: &Store<State>, named: Option<&str>, error: Error) -> Error {
    if error.kind() != ErrorKind::Trapped {
        return error;
    }
    let error = error.with_last_words(store.data().last_words.take());
    sandbox.resources.log.trapped(named.unwrap_or("(a driver that has not said its name)"), &error);
    error
}

/// What a trap is to the host's caller.
fn trapped(error: wasmtime::Error) -> Error {
    if let Some(own) = error.downcast_ref::<Error>() {
        return own.clone();
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(|backtrace| printable(&backtrace.to_string(), 16 << 10));
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return Error::new(ErrorKind::Overloaded, "all instances of the engine are in use");
    }
    let kind = match error.downcast_ref::<Exhausted>() {
        Some(Exhausted::Cpu(_)) => ErrorKind::DeadlineExceeded,
        _ => ErrorKind::Trapped,
    };
    Error::new(kind, printable(&error.root_cause().to_string(), 4 << 10)).with_backtrace(backtrace)
}

/// The claim of a call on its instance's locks and its place in the pool.
pub(crate) fn context_of(instance: &Instance, permit: tokio::sync::OwnedSemaphorePermit) -> CallContext {
    CallContext::new(Arc::clone(&instance.store.data().guards), Some(permit))
}
