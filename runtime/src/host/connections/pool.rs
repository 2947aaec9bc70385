//! The granted connections of one mount: in use, idle, and the cap over both.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connection::Connection;
use super::endpoint::{Endpoint, OpenError};
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::ConnectionGrant;
use crate::host::network::lookup::{Lookup, System};

/// The granted connections of one mount. Clones are of the same; other mounts have their own.
#[derive(Clone)]
pub(crate) struct Connections(Arc<BTreeMap<String, Arc<Pool>>>);

/// All connections of one name.
pub(super) struct Pool {
    pub(super) endpoint: Endpoint,
    /// How many may be in use at once. An idle one is used before a new one is opened, so it is a cap over both.
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that was given back.
struct Idle {
    stream: Stream,
    since: Instant,
    /// Who gave it back: a reply wakes this thread's runtime first.
    thread: ThreadId,
}

impl Connections {
    /// Prepares every connection of `grants`. Nothing is connected.
    ///
    /// # Errors
    /// [`OpenError`] for the first whose certificates or password cannot be read.
    pub(crate) fn open(grants: &[ConnectionGrant], mount: &Arc<str>) -> Result<Self, OpenError> {
        Self::open_with(grants, mount, &(Arc::new(System) as Arc<dyn Lookup>))
    }

    pub(super) fn open_with(grants: &[ConnectionGrant], mount: &Arc<str>, lookup: &Arc<dyn Lookup>) -> Result<Self, OpenError> {
        let pool = |grant: &ConnectionGrant| {
            let endpoint = Endpoint::new(grant, mount, lookup.clone())?;
            Ok((grant.name.clone(), Arc::new(Pool::new(endpoint))))
        };
        grants.iter().map(pool).collect::<Result<_, _>>().map(|pools| Self(Arc::new(pools)))
    }

    /// A connection of that name, for one call: the one place where a grant is asked. Waits no longer than `patience` for a place.
    ///
    /// # Errors
    /// `permission-denied` if the grant has no such name, or does not give the server's addresses; `unavailable` if it cannot be
    /// opened; `unauthenticated` if the server refuses the grant's credentials.
    ///
    /// # Cancel safety
    /// What was opened is closed.
    pub(crate) async fn get(&self, name: &str, patience: Duration) -> Result<Connection> {
        let pool = self.0.get(name).ok_or_else(|| self.no_such(name))?;
        let place = pool.place(patience).await?;
        let stream = match pool.take_idle() {
            Some(stream) => stream,
            None => pool.endpoint.open().await?,
        };
        Ok(Connection::new(pool.clone(), stream, place, patience))
    }

    /// Closes what nobody used for as long as its grant says.
    pub(crate) fn close_idle(&self) {
        for pool in self.0.values() {
            pool.close_old();
        }
    }

    fn no_such(&self, name: &str) -> Error {
        let names: Vec<_> = self.0.keys().map(|name| format!("{name:?}")).collect();
        let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let shown: String = name.chars().take(100).collect();
        let message = format!("no connection {shown:?} is granted (the grant has {has}): it needs a [[connection]] table with `name = {shown:?}`");
        Error::new(ErrorKind::PermissionDenied, message)
    }
}

impl Pool {
    fn new(endpoint: Endpoint) -> Self {
        let places = Arc::new(Semaphore::new(endpoint.grant.max_connections as usize));
        Self { endpoint, places, idle: Mutex::default() }
    }

    async fn place(&self, patience: Duration) -> Result<OwnedSemaphorePermit> {
        if let Ok(Ok(place)) = tokio::time::timeout(patience, self.places.clone().acquire_owned()).await {
            return Ok(place);
        }
        let ConnectionGrant { name, max_connections, .. } = &self.endpoint.grant;
        let message = format!("all {max_connections} connections {name:?} have been in use for {patience:?} (`max-connections`)");
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// A connection that was given back and is as it was then: the newest, of this thread if there is one.
    fn take_idle(&self) -> Option<Stream> {
        self.close_old();
        loop {
            let mut taken = {
                let mut idle = self.idle();
                let own = thread::current().id();
                let at = idle.iter().rposition(|idle| idle.thread == own).or(idle.len().checked_sub(1))?;
                idle.remove(at)
            };
            // The server may have closed it, or said something that nobody asked for.
            if taken.stream.is_quiet() {
                return Some(taken.stream);
            }
        }
    }

    /// Keeps `stream` for another call, if it is in a state to be.
    pub(super) fn give_back(&self, mut stream: Stream) {
        if stream.is_quiet() {
            self.idle().push(Idle { stream, since: Instant::now(), thread: thread::current().id() });
        }
    }

    fn close_old(&self) {
        let limit = self.endpoint.grant.idle;
        let mut idle = self.idle();
        let old: Vec<_> = idle.extract_if(.., |idle| idle.since.elapsed() >= limit).collect();
        drop(idle);
        drop(old);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
