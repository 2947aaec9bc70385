//! The claim of one collection to be the only one at work, renewed as it goes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Etag};
use tokio::time::Instant;

use crate::error::{RegistryError, Result};
use crate::marks::{self, STATE, State};

/// How long a collection that shows no sign of life keeps others out. Longer than any one call of a driver should take.
const LEASE: Duration = Duration::from_secs(60);

/// How long before the end of its lease a collection removes nothing more: longer than a removal takes.
const MARGIN: Duration = Duration::from_secs(10);

/// A collection's right to mark and remove.
pub(super) struct Claim {
    atomic: Arc<dyn AtomicStore>,
    run: u64,
    etag: Etag,
    renewed: Instant,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Writes `state` if `condition` holds; `None` if it does not.
async fn write(atomic: &dyn AtomicStore, state: &State, condition: Condition) -> Result<Option<Etag>> {
    let text = serde_json::to_vec(state)
        .map_err(|error| cofferdam::Error::new(ErrorKind::Internal, "the state of the collection cannot be written").with_source(error))?;
    match atomic.put(&AtomicKey::new(STATE)?, Bytes::from(text), condition).await {
        Ok(etag) => Ok(Some(etag)),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Claim {
    /// Begins a collection, in place of one that has died.
    ///
    /// # Errors
    /// [`RegistryError::CollectionRunning`] while another is at work.
    pub(super) async fn take(atomic: Arc<dyn AtomicStore>) -> Result<Self> {
        let (former, condition) = match marks::state(&*atomic).await? {
            None => (State::default(), Condition::IfAbsent),
            Some((state, etag)) => (state, Condition::IfMatch(etag)),
        };
        if let Some(until) = former.until.filter(|until| *until > now()) {
            return Err(RegistryError::CollectionRunning { seconds: until - now() });
        }
        let (run, began) = (former.run + 1, Instant::now());
        let state = State { run, until: Some(now() + LEASE.as_secs()) };
        match write(&*atomic, &state, condition).await? {
            Some(etag) => Ok(Self { atomic, run, etag, renewed: began }),
            None => Err(RegistryError::CollectionRunning { seconds: LEASE.as_secs() }),
        }
    }

    /// What its tombstones have.
    pub(super) fn run(&self) -> String {
        self.run.to_string()
    }

    /// Until when it may remove. Behind that another collection may be at work, and a blob that it removed may be there again.
    pub(super) fn deadline(&self) -> Instant {
        self.renewed + (LEASE - MARGIN)
    }

    /// Says that it is alive, if that is due.
    ///
    /// # Errors
    /// [`RegistryError::CollectionRunning`] if another has begun, because this one was stopped for too long.
    pub(super) async fn renew(&mut self) -> Result<()> {
        if self.renewed.elapsed() < LEASE / 3 {
            return Ok(());
        }
        let began = Instant::now();
        let state = State { run: self.run, until: Some(now() + LEASE.as_secs()) };
        match write(&*self.atomic, &state, Condition::IfMatch(self.etag.clone())).await? {
            Some(etag) => {
                self.etag = etag;
                self.renewed = began;
                Ok(())
            }
            None => Err(RegistryError::CollectionRunning { seconds: LEASE.as_secs() }),
        }
    }

    /// Ends the collection: requests need not look for tombstones any more.
    pub(super) async fn leave(self) -> Result<()> {
        let state = State { run: self.run, until: None };
        write(&*self.atomic, &state, Condition::IfMatch(self.etag)).await.map(drop)
    }
}
