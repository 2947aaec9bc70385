//! Serves the registry on sockets: accepting, workers, TLS, shutdown.
//!
//! ```text
//! caller's runtime: accept ──► the worker with the fewest connections
//! worker n: a thread with a current-thread runtime ──► TLS ──► hyper (HTTP/1.1 or 2) ──► Api
//! ```
//!
//! What one connection needs runs on one thread from its first byte to its last: no request hops between threads, and
//! no lock of a scheduler is shared by cores. Connections are handed to the workers by count instead of by the kernel's hash of `SO_REUSEPORT`, for
//! two reasons: eight connections hashed on two sockets are spread 6 to 2 as often as not, which halves what a client with few connections gets; and a
//! socket that is closed resets the connections that still wait in its own queue, which a shutdown must not do.

mod accept;
mod connection;
mod error;
mod patience;
mod tls;
mod worker;

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use accept::Bound;
pub use error::ServerError;
pub use tls::TlsFiles;
use worker::Workers;

use crate::http::Api;

/// Where to listen, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address; port 0 takes a free one, see [`Server::addresses`].
    pub address: SocketAddr,
    /// Certificate and key; without them it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// An address that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// With the real port.
    pub socket: SocketAddr,
    /// Whether it speaks TLS.
    pub is_tls: bool,
}

impl std::fmt::Display for Address {
    /// As a URL: `http://127.0.0.1:5000`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.socket)
    }
}

/// What bounds a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// How many workers serve; as many as there are cores where none is given.
    pub workers: Option<NonZeroUsize>,
    /// How many connections at once; more wait in the kernel's queue.
    pub connections_max: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a connection may take to send the head of its next request, idle time between requests included.
    pub head_timeout: Duration,
    /// How long a client may take nothing of an answer before its connection is closed.
    pub write_timeout: Duration,
    /// How long transfers in flight may go on after a shutdown has begun.
    pub shutdown_deadline: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            workers: None,
            connections_max: 10_000,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(120),
            shutdown_deadline: Duration::from_secs(30),
        }
    }
}

/// Sockets that are bound, and the service behind them.
#[derive(Debug)]
pub struct Server {
    bound: Vec<Bound>,
    api: Arc<Api>,
    options: ServerOptions,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Connections whose transfers had not ended at the deadline.
    pub cut_off: usize,
}

impl Server {
    /// Binds every listener; from here on clients can connect, and wait until [`Server::run`].
    ///
    /// # Errors
    /// [`ServerError`]: an address that cannot be bound, a certificate or key that cannot be read or does not fit.
    pub fn bind(listeners: &[Listener], api: Arc<Api>, options: ServerOptions) -> Result<Self, ServerError> {
        let bound = listeners.iter().map(Bound::bind).collect::<Result<_, _>>()?;
        Ok(Self { bound, api, options })
    }

    /// The addresses that are listened on, in the order of the listeners.
    pub fn addresses(&self) -> Vec<Address> {
        self.bound.iter().map(Bound::address).collect()
    }

    /// Serves until `shutdown` is ready; then stops listening, lets transfers in flight end, and cuts off what is left at the deadline.
    ///
    /// # Errors
    /// [`ServerError`] if a worker cannot be started.
    ///
    /// # Cancel safety
    /// Dropping the future stops listening; the workers finish what is in flight, within the deadline, on their own.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<Stopped, ServerError> {
        let workers = Workers::start(&self.api, &self.options)?;
        let places = Arc::new(Semaphore::new(self.options.connections_max));
        let accepting = futures::future::try_join_all(self.bound.iter().map(|bound| bound.accept(&workers, &places)));
        let ended = tokio::select! {
            biased;
            () = shutdown => Ok(()),
            ended = accepting => ended.map(|_: Vec<()>| ()),
        };
        drop(self.bound);
        let stopped = workers.stop().await;
        ended.map(|()| stopped)
    }
}
