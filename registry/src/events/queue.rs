//! Batches of events in the atomic store: durable, in order, and no more than a webhook allows.
//!
//! A key is `events/<webhook>/<nanoseconds>-<process>-<events>`: its order is the order of delivery, whichever process wrote it, and how many
//! events wait is known without reading one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, Condition, Result};
use tokio::sync::Notify;

/// Events that wait to be delivered: label `webhook`.
const WAITING: &str = "cofferdam_events_queue";

/// How many keys one question asks for.
const PAGE: u32 = 100;

/// The queue of one webhook.
#[derive(Clone)]
pub(super) struct Queue(Arc<Inner>);

struct Inner {
    webhook: String,
    store: Arc<dyn AtomicStore>,
    prefix: String,
    instance: String,
    /// How many events may wait.
    most: u64,
    /// How many wait, as far as this process knows: others may have added some.
    waiting: AtomicU64,
    /// The last key's time: two batches of one nanosecond keep their order.
    last: AtomicU64,
    added: Notify,
}

/// One batch that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) key: AtomicKey,
    pub(super) events: u64,
}

impl Queue {
    pub(super) fn new(store: Arc<dyn AtomicStore>, webhook: &str, instance: &str, most: u64) -> Self {
        let (prefix, instance) = (format!("events/{webhook}/"), instance.to_owned());
        let webhook = webhook.to_owned();
        Self(Arc::new(Inner { webhook, store, prefix, instance, most, waiting: AtomicU64::new(0), last: AtomicU64::new(0), added: Notify::new() }))
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    fn tell(&self) {
        metrics::gauge!(WAITING, "webhook" => self.0.webhook.clone()).set(self.waiting() as f64);
    }

    /// Waits until this process has added a batch.
    pub(super) async fn added(&self) {
        self.0.added.notified().await;
    }

    /// Adds a batch of `events`; durable when this returns. Answers how many older events were dropped to make room.
    pub(super) async fn add(&self, body: Bytes, events: u64, nanoseconds: u64) -> Result<u64> {
        let inner = &self.0;
        let previous = inner.last.fetch_max(nanoseconds, Ordering::Relaxed);
        let at = if nanoseconds > previous { nanoseconds } else { inner.last.fetch_add(1, Ordering::Relaxed) + 1 };
        let key = AtomicKey::new(format!("{}{at:020}-{}-{events}", inner.prefix, inner.instance))?;
        inner.store.put(&key, body, Condition::Unconditional).await?;
        let waiting = inner.waiting.fetch_add(events, Ordering::Relaxed) + events;
        self.tell();
        inner.added.notify_one();
        if waiting > inner.most { self.make_room().await } else { Ok(0) }
    }

    /// The oldest batches.
    pub(super) async fn oldest(&self) -> Result<Vec<Waiting>> {
        let keys = self.0.store.list(&self.0.prefix, None, PAGE).await?.keys;
        Ok(keys.iter().filter_map(|key| waiting(key)).collect())
    }

    /// The body of a batch; none if another process has delivered or dropped it.
    pub(super) async fn body(&self, batch: &Waiting) -> Result<Option<Bytes>> {
        match self.0.store.get(&batch.key).await {
            Ok(value) => Ok(Some(value.data)),
            Err(error) if error.kind() == cofferdam::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a batch: it was delivered, or nobody will ever take it.
    pub(super) async fn remove(&self, batch: &Waiting) -> Result<()> {
        self.0.store.remove(&batch.key, Condition::Unconditional).await?;
        let _ = self.0.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| Some(waiting.saturating_sub(batch.events)));
        self.tell();
        Ok(())
    }

    /// Counts what waits, whoever wrote it; drops the oldest batches while there are too many. Answers how many events were dropped.
    pub(super) async fn make_room(&self) -> Result<u64> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.0.store.list(&self.0.prefix, after.as_deref(), PAGE).await?;
            all.extend(page.keys.iter().filter_map(|key| waiting(key)));
            after = page.keys.last().cloned();
            if !page.more || after.is_none() {
                break;
            }
        }
        let total: u64 = all.iter().map(|batch| batch.events).sum();
        self.0.waiting.store(total, Ordering::Relaxed);
        self.tell();
        if total <= self.0.most {
            return Ok(0);
        }
        // Some room more than is needed: the next batch should not have to count all again.
        let room = self.0.most - self.0.most / 10;
        let mut dropped = 0;
        for batch in &all {
            if total - dropped <= room {
                break;
            }
            self.remove(batch).await?;
            dropped += batch.events;
        }
        Ok(dropped)
    }
}

/// What the key of a batch says; none for a key that is something else.
fn waiting(key: &str) -> Option<Waiting> {
    let events = key.rsplit('-').next()?.parse().ok()?;
    Some(Waiting { key: AtomicKey::new(key).ok()?, events })
}
