//! Which of several processes delivers the events of a webhook: one at a time, so that they arrive in order and mostly once.
//!
//! The record names its holder and a counter. The holder counts on; who sees the same count for longer than the lease takes it. No clock is compared
//! with another machine's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Etag, Result};
use tokio::time::Instant;

/// How long a holder may show no sign of life.
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// How often it shows one.
pub(super) const RENEW: Duration = Duration::from_secs(5);

/// What the record says when its holder has gone in peace.
const FREE: &[u8] = b"free";

/// The right to deliver one webhook's events, or the wish for it.
pub(super) struct Lease {
    store: Arc<dyn AtomicStore>,
    key: AtomicKey,
    instance: String,
    count: u64,
    held: Option<Held>,
    /// Another's record, and since when it has been the same.
    seen: Option<(Etag, Instant)>,
}

struct Held {
    etag: Etag,
    renewed: Instant,
}

impl Lease {
    pub(super) fn new(store: Arc<dyn AtomicStore>, webhook: &str, instance: &str) -> Result<Self> {
        let key = AtomicKey::new(format!("event-leases/{webhook}"))?;
        Ok(Self { store, key, instance: instance.to_owned(), count: 0, held: None, seen: None })
    }

    /// Takes or renews it where that is due; answers whether it is held.
    pub(super) async fn hold(&mut self) -> Result<bool> {
        match &self.held {
            Some(held) if held.renewed.elapsed() < RENEW => return Ok(true),
            Some(held) => {
                let condition = Condition::IfMatch(held.etag.clone());
                return self.write(condition).await;
            }
            None => {}
        }
        let condition = match self.store.get(&self.key).await {
            Ok(value) if value.data == FREE => Condition::IfMatch(value.etag),
            Ok(value) => match &self.seen {
                Some((etag, since)) if *etag == value.etag && since.elapsed() > LEASE => Condition::IfMatch(value.etag),
                Some((etag, _)) if *etag == value.etag => return Ok(false),
                _ => {
                    self.seen = Some((value.etag, Instant::now()));
                    return Ok(false);
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Condition::IfAbsent,
            Err(error) => return Err(error),
        };
        self.write(condition).await
    }

    async fn write(&mut self, condition: Condition) -> Result<bool> {
        self.count += 1;
        self.held = None;
        let record = Bytes::from(format!("{} {}", self.instance, self.count));
        let renewed = Instant::now();
        match self.store.put(&self.key, record, condition).await {
            Ok(etag) => {
                self.held = Some(Held { etag, renewed });
                self.seen = None;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::AlreadyExists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets another have it at once.
    pub(super) async fn release(&mut self) {
        if let Some(held) = self.held.take() {
            // If it cannot be given back it ends by itself.
            let _ = self.store.put(&self.key, Bytes::from_static(FREE), Condition::IfMatch(held.etag)).await;
        }
    }
}
