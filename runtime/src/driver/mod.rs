//! The typed API over a mounted driver: what a host calls.

mod atomic;
mod content;
mod streaming;
mod unchecked;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use unchecked::Unchecked;

use crate::claims::Claims;
use crate::content::Content;
use crate::error::Result;
use crate::guests::Interface;
use crate::pool::{Operation, Pool};

/// A driver that runs with a grant: a store. Clones share it.
///
/// What it implements of [`crate::StreamingStore`] and [`crate::AtomicStore`] beyond what its driver exports answers `unsupported`.
#[derive(Clone)]
pub struct Mount {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Arc<Pool>,
    claims: Claims,
    description: Description,
}

/// What a driver says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The JSON Schema of its settings.
    pub settings_schema: String,
}

/// What a mount has done and holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountStats {
    /// Instances alive.
    pub instances_live: usize,
    /// Instances that wait for a call.
    pub instances_idle: usize,
    /// Instances made since the mount was opened.
    pub instances_created: u64,
    /// Calls since the mount was opened.
    pub calls: u64,
    /// Calls that ended in a trap or at a deadline.
    pub traps: u64,
    /// Calls that wait for an instance.
    pub waiting: u32,
    /// Handles that instances hold.
    pub handles_live: u64,
    /// Bytes in the spool's memory.
    pub spool_memory: u64,
    /// Bytes in the spool's files.
    pub spool_disk: u64,
    /// Linear memory of all instances, in bytes.
    pub guest_memory: u64,
}

impl Mount {
    pub(crate) fn from_pool(pool: Arc<Pool>, claims: Claims) -> Self {
        let said = pool.said();
        let description = Description { name: said.name.clone(), version: said.version.clone(), settings_schema: said.settings_schema.clone() };
        Self { inner: Arc::new(Inner { pool, claims, description }) }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.inner.pool
    }

    /// What the driver says of itself.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// What the driver claims with these settings.
    pub fn claims(&self) -> &Claims {
        &self.inner.claims
    }

    /// Whether the driver exports `interface`.
    pub fn has(&self, interface: Interface) -> bool {
        self.pool().sandbox.driver().indices().has(interface)
    }

    /// Asks the driver whether its backend is well.
    ///
    /// # Errors
    /// `unavailable` when the backend is gone, and what else the driver answers.
    pub async fn health(&self) -> Result<()> {
        self.pool()
            .call(Operation::new("health"), |instance| Box::pin(async { instance.guests.lifecycle.call_health(&mut instance.store).await }))
            .await
    }

    /// The driver, asked past the host's checks of paths and answers: for certifiers.
    pub fn unchecked(&self) -> Unchecked<'_> {
        Unchecked::new(self)
    }

    /// Drops every idle instance. What they still generate goes to the spool first. The store of a `single` driver is lost with
    /// its instance.
    pub async fn empty_pool(&self) {
        self.pool().empty().await;
    }

    /// False makes every granted host function answer `unavailable`, as if the backends were gone: for certifiers.
    pub fn set_backends_reachable(&self, reachable: bool) {
        self.pool().sandbox.resources.reachable.store(reachable, Ordering::Relaxed);
    }

    /// All of `content` as held content: itself if it is held already, else moved into this mount's spool.
    ///
    /// # Errors
    /// `quota-exceeded` where the spool's budgets end, and what the source of the bytes reports.
    pub async fn hold(&self, content: Content) -> Result<Content> {
        self.pool().sandbox.resources.spool.hold(content).await
    }

    /// What the mount has done and holds at the moment.
    pub fn stats(&self) -> MountStats {
        let pool = self.pool();
        let (instances_live, instances_idle, waiting) = pool.population();
        let resources = &pool.sandbox.resources;
        let (spool_memory, spool_disk) = resources.spool.used();
        MountStats {
            instances_live,
            instances_idle,
            instances_created: pool.counters.created.load(Ordering::Relaxed),
            calls: pool.counters.calls.load(Ordering::Relaxed),
            traps: pool.counters.traps.load(Ordering::Relaxed),
            waiting,
            handles_live: resources.handles.load(Ordering::Relaxed),
            spool_memory,
            spool_disk,
            guest_memory: resources.guest_memory.load(Ordering::Relaxed),
        }
    }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mount").field("driver", &self.inner.description.name).field("stats", &self.stats()).finish_non_exhaustive()
    }
}
