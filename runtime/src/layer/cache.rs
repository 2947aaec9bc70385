//! Remembers small values that were read, for as long as their readers can do with old ones.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::clock::Clock;
use crate::error::Result;
use crate::path::AtomicKey;
use crate::store::AtomicStore;
use crate::types::{Condition, Etag, Keys, Value};

/// What is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Values at most. 10,000.
    pub entries: u64,
    /// Bytes at most, of keys and values. 16 MiB: with the entries of a registry, a kilobyte each, both bounds are met at once.
    pub bytes: u64,
    /// The largest value that is remembered. 64 KiB: larger ones would push out hundreds.
    pub value_max: u64,
    /// How old a value may be that is answered. 1 s: what another process writes is seen a second later at most.
    pub max_age: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 16 << 20, value_max: 64 << 10, max_age: Duration::from_secs(1) }
    }
}

/// How many writes to different keys do not wait for each other while they forget. A power of two, far more than there are cores.
const STRIPES: usize = 64;

/// What an entry takes beside its key and value, about.
const ENTRY: u64 = 128;

/// An atomic store whose values are remembered when they were read.
///
/// This process sees its own changes at once: a change forgets the value before it begins and after it has ended, however it ended, and a value whose reading
/// overlapped with a change is not remembered. Conditions are judged by the store, never by what is remembered; one that does not hold forgets
/// too, so that whoever reads and tries again reads the store. Changes that *other* processes make are seen after
/// [`CacheOptions::max_age`]. That nothing is stored is not remembered.
#[derive(Clone)]
pub struct Cached {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn AtomicStore>,
    options: CacheOptions,
    clock: Clock,
    values: Cache<AtomicKey, Remembered, ByWeight>,
    hasher: RandomState,
    /// Changes of the keys of each stripe.
    stripes: [Mutex<Changes>; STRIPES],
}

/// A value, and when its reading began.
#[derive(Clone)]
struct Remembered {
    value: Value,
    read: Instant,
}

#[derive(Clone)]
struct ByWeight {
    /// No entry weighs less: so the bound of bytes is one of entries too.
    least: u64,
}

impl Weighter<AtomicKey, Remembered> for ByWeight {
    fn weight(&self, key: &AtomicKey, remembered: &Remembered) -> u64 {
        let Value { data, etag } = &remembered.value;
        ((key.as_str().len() + data.len() + etag.0.len()) as u64 + ENTRY).max(self.least)
    }
}

#[derive(Default)]
struct Changes {
    /// How many begun and ended.
    count: u64,
    /// How many are under way.
    under_way: u32,
}

impl Cached {
    /// `store`, of whose values is remembered what `options` say.
    pub fn new(store: Arc<dyn AtomicStore>, options: CacheOptions) -> Self {
        Self::with_clock(store, options, Clock::system())
    }

    pub(super) fn with_clock(store: Arc<dyn AtomicStore>, options: CacheOptions, clock: Clock) -> Self {
        let weighter = ByWeight { least: options.bytes.div_ceil(options.entries.max(1)) };
        let values = Cache::with_weighter(usize::try_from(options.entries).unwrap_or(usize::MAX), options.bytes, weighter);
        let stripes = std::array::from_fn(|_| Mutex::default());
        Self { inner: Arc::new(Inner { store, options, clock, values, hasher: RandomState::new(), stripes }) }
    }

    /// How many values are remembered.
    pub fn len(&self) -> usize {
        self.inner.values.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.inner.values.is_empty()
    }
}

impl Inner {
    fn changes(&self, key: &AtomicKey) -> MutexGuard<'_, Changes> {
        let stripe = self.hasher.hash_one(key) as usize % STRIPES;
        self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, key: &AtomicKey, now: Instant) -> Option<Value> {
        let Remembered { value, read } = self.values.get(key)?;
        (now.saturating_duration_since(read) < self.options.max_age).then_some(value)
    }

    /// Remembers a value whose reading began at `read`, when there had been `count` changes.
    fn remember(&self, key: &AtomicKey, value: &Value, read: Instant, count: u64) {
        if value.data.len() as u64 > self.options.value_max {
            return;
        }
        // Held until it is remembered: a change that begins now forgets it.
        let changes = self.changes(key);
        let is_newer = self.values.peek(key).is_none_or(|other| other.read <= read);
        if changes.under_way == 0 && changes.count == count && is_newer {
            self.values.insert(key.clone(), Remembered { value: value.clone(), read });
        }
    }

    fn change<'a>(&'a self, key: &'a AtomicKey) -> Change<'a> {
        let mut changes = self.changes(key);
        changes.count += 1;
        changes.under_way += 1;
        self.values.remove(key);
        Change { of: self, key }
    }
}

/// A change that is under way. Dropped, it has ended, perhaps halfway.
struct Change<'a> {
    of: &'a Inner,
    key: &'a AtomicKey,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut changes = self.of.changes(self.key);
        changes.count += 1;
        changes.under_way -= 1;
        self.of.values.remove(self.key);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AtomicStore for Cached {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        if let Some(value) = inner.remembered(key, now) {
            return Ok(value);
        }
        let count = inner.changes(key).count;
        let value = inner.store.get(key).await?;
        inner.remember(key, &value, now, count);
        Ok(value)
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let _change = self.inner.change(key);
        self.inner.store.put(key, data, condition).await
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let _change = self.inner.change(key);
        self.inner.store.remove(key, condition).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        self.inner.store.list(prefix, start_after, limit).await
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        self.inner.store.count(prefix).await
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
