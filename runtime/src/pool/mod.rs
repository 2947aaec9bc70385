//! The instances of one mount: checked out for a call, replaced when they trap, wear out or idle; with backpressure.

mod instance;
mod janitor;
mod lease;
mod run;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

pub(crate) use instance::{Instance, Said};
pub(crate) use lease::Lease;
pub(crate) use run::Operation;

use crate::call::CallContext;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Limits;
use crate::sandbox::Sandbox;

/// All instances of one mount.
pub(crate) struct Pool {
    pub(crate) sandbox: Sandbox,
    mount: Arc<str>,
    settings: Vec<(String, String)>,
    said: Said,
    driver: Arc<str>,
    single: bool,
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    slots: Mutex<Slots>,
    /// Something for the janitor to do.
    attention: Arc<Notify>,
    janitor: OnceLock<tokio::task::AbortHandle>,
    /// A `single` driver's instance has ended, and its data with it.
    lost: AtomicBool,
    pub(crate) counters: Counters,
}

#[derive(Default)]
struct Slots {
    idle: Vec<Instance>,
    /// Instances that are checked out, and who waits for just that one.
    busy: HashMap<u64, Vec<oneshot::Sender<Lease>>>,
}

/// What a mount has done so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) created: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) traps: AtomicU64,
}

impl Pool {
    /// Starts the first instance of `sandbox`; `settings` turns the driver's schema into what every instance is configured with.
    pub(crate) async fn start(
        sandbox: Sandbox,
        mount: Arc<str>,
        settings: impl FnOnce(&str) -> Result<Vec<(String, String)>> + Send,
        single: impl FnOnce(&Said) -> Result<bool>,
    ) -> Result<Arc<Self>> {
        let context = CallContext::new(Arc::default(), None);
        let mut checked = Vec::new();
        let settings = |schema: &str| {
            checked = settings(schema)?;
            Ok(checked.clone())
        };
        let first = Instance::start(&sandbox, context.clone(), settings);
        let (first, said) = run::within(first, &context, sandbox.grant().limits.no_progress).await?;
        let single = single(&said)?;
        let limits = &sandbox.grant().limits;
        let at_once = if single { 1 } else { limits.calls_in_flight.min(sandbox.driver().engine().instances()).max(1) };
        let pool = Arc::new(Self {
            mount,
            settings: checked,
            driver: said.name.as_str().into(),
            said,
            single,
            permits: Arc::new(Semaphore::new(at_once as usize)),
            waiting: AtomicU32::new(0),
            slots: Mutex::default(),
            attention: Arc::default(),
            janitor: OnceLock::new(),
            lost: AtomicBool::new(false),
            counters: Counters::default(),
            sandbox,
        });
        pool.adopt(&first);
        pool.check_in(first);
        let _ = pool.janitor.set(janitor::start(&pool));
        Ok(pool)
    }

    /// What the driver said of itself.
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }

    pub(crate) fn driver_name(&self) -> &Arc<str> {
        &self.driver
    }

    pub(crate) fn mount_name(&self) -> &str {
        &self.mount
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.sandbox.grant().limits
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Instances alive, idle ones among them, and calls that wait.
    pub(crate) fn population(&self) -> (usize, usize, u32) {
        let slots = self.slots();
        (slots.idle.len() + slots.busy.len(), slots.idle.len(), self.waiting.load(Ordering::Relaxed))
    }

    /// A place among the calls in flight.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        // A caller whose calls all end at once would otherwise never let another task of its thread run.
        tokio::task::consume_budget().await;
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.waiting, self.limits().queue)?;
        let closed = || Error::new(ErrorKind::Unavailable, "the mount is closed");
        match tokio::time::timeout(self.limits().no_progress, self.permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| closed()),
            Err(_) => Err(Error::new(ErrorKind::Overloaded, "no instance became free within the no-progress deadline")),
        }
    }

    /// Any instance, for one call.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<(Lease, CallContext)> {
        let permit = self.permit().await?;
        let idle = self.take_idle();
        let instance = match idle {
            Some(instance) => instance,
            None => self.replacement().await?,
        };
        let context = instance::context_of(&instance, permit);
        Ok((Lease::new(self, instance), context))
    }

    fn take_idle(&self) -> Option<Instance> {
        let mut slots = self.slots();
        let instance = slots.idle.pop()?;
        slots.busy.insert(instance.id, Vec::new());
        Some(instance)
    }

    /// Just that instance: for what only it can answer.
    pub(crate) async fn lease_of(self: &Arc<Self>, id: u64) -> Result<(Lease, CallContext)> {
        let permit = self.permit().await?;
        let ended = || Error::new(ErrorKind::Unavailable, "the instance that makes this content has ended");
        let waiting = {
            let mut slots = self.slots();
            if let Some(at) = slots.idle.iter().position(|instance| instance.id == id) {
                let instance = slots.idle.swap_remove(at);
                slots.busy.insert(id, Vec::new());
                let context = instance::context_of(&instance, permit);
                return Ok((Lease::new(self, instance), context));
            }
            let (sender, receiver) = oneshot::channel();
            slots.busy.get_mut(&id).ok_or_else(ended)?.push(sender);
            receiver
        };
        let lease = waiting.await.map_err(|_| ended())?;
        let context = lease.context(permit);
        Ok((lease, context))
    }

    /// A fresh instance, which must say what the first one said.
    async fn replacement(&self) -> Result<Instance> {
        if self.single && self.lost.load(Ordering::Acquire) && !self.sandbox.grant().restart_empty {
            let message = "the driver's only instance has ended, and what it stored with it; start the mount anew, \
                           or set `restart-empty = true` in the grant to begin empty by itself";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let context = CallContext::new(Arc::default(), None);
        let settings = self.settings.clone();
        let start = Instance::start(&self.sandbox, context.clone(), move |_| Ok(settings));
        let (instance, said) = run::within(start, &context, self.limits().no_progress).await?;
        if said != self.said {
            let message = format!("the driver does not say the same on every instance: {}", difference(&self.said, &said));
            return Err(Error::new(ErrorKind::Misbehaved, message));
        }
        self.adopt(&instance);
        Ok(instance)
    }

    /// Counts a fresh instance among the busy ones.
    fn adopt(&self, instance: &Instance) {
        self.counters.created.fetch_add(1, Ordering::Relaxed);
        instance.store.data().closing.announce_to(self.attention.clone());
        self.slots().busy.insert(instance.id, Vec::new());
    }

    /// Takes an instance back: to the next who waits for it, to the idle ones, or out of use.
    fn check_in(self: &Arc<Self>, mut instance: Instance) {
        instance.last_used = tokio::time::Instant::now();
        let worn = !self.single && instance.is_worn(self.limits().calls_per_instance);
        loop {
            let waiter = {
                let mut slots = self.slots();
                let waiter = slots.busy.get_mut(&instance.id).and_then(Vec::pop);
                if waiter.is_none() {
                    slots.busy.remove(&instance.id);
                    if !worn {
                        slots.idle.push(instance);
                        return;
                    }
                }
                waiter
            };
            // A worn one that nobody waits for is dropped here, outside the lock.
            let Some(waiter) = waiter else { return };
            match waiter.send(Lease::new(self, instance)) {
                Ok(()) => return,
                Err(lease) => match lease.into_instance() {
                    Some(back) => instance = back,
                    None => return,
                },
            }
        }
    }

    /// An instance that must not be used again. Who waits for just that one learns that it has ended.
    fn discard(&self, instance: Instance) {
        if self.single {
            self.lost.store(true, Ordering::Release);
        }
        let waiters = self.slots().busy.remove(&instance.id);
        drop(waiters);
        drop(instance);
    }

    /// Drops every instance that is idle, after what they still generate has gone to the spool.
    pub(crate) async fn empty(&self) {
        let idle = std::mem::take(&mut self.slots().idle);
        let generated: Vec<_> = idle.iter().flat_map(|instance| instance.generated().collect::<Vec<_>>()).collect();
        if generated.is_empty() {
            self.forget(idle);
            return;
        }
        self.slots().idle.extend(idle);
        for generated in generated {
            generated.drain(&self.sandbox.resources.spool).await;
        }
        let idle = std::mem::take(&mut self.slots().idle);
        self.forget(idle);
    }

    fn forget(&self, idle: Vec<Instance>) {
        if self.single && !idle.is_empty() {
            self.lost.store(true, Ordering::Release);
        }
        drop(idle);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(janitor) = self.janitor.get() {
            janitor.abort();
        }
    }
}

/// What differs between two answers, in words.
fn difference(first: &Said, other: &Said) -> String {
    if first.claims != other.claims {
        return format!("claims were {:?} and are {:?}", first.claims, other.claims);
    }
    if first.settings_schema != other.settings_schema {
        return "the settings schema has changed".to_owned();
    }
    format!("it was {} {} and is {} {}", first.name, first.version, other.name, other.version)
}

/// One of the calls that wait for an instance.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicU32, limit: u32) -> Result<Self> {
        if waiting.fetch_add(1, Ordering::Relaxed) >= limit {
            waiting.fetch_sub(1, Ordering::Relaxed);
            let message = format!("{limit} calls wait for an instance already (`queue` under [limits])");
            return Err(Error::new(ErrorKind::Overloaded, message));
        }
        Ok(Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
