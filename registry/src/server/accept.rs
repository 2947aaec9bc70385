//! A bound socket, and the loop that takes connections from it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::Semaphore;

use super::tls::Tls;
use super::worker::{Accepted, Workers};
use super::{Address, Listener, ServerError};

/// How many connections the kernel keeps until they are accepted; it caps this at `net.core.somaxconn` itself.
const BACKLOG: i32 = 4096;

/// How long accepting pauses when the system has no more descriptors or memory: until some connection ends, trying again at once would only burn a core.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A socket that is listened on.
#[derive(Debug)]
pub(super) struct Bound {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Bound {
    pub(super) fn bind(listener: &Listener) -> Result<Self, ServerError> {
        let tls = listener.tls.as_ref().map(Tls::load).transpose()?;
        let address = listener.address;
        let (socket, address) = listen(address).map_err(|source| ServerError::Bind { address, source })?;
        Ok(Self { socket, address, tls })
    }

    pub(super) fn address(&self) -> Address {
        Address { socket: self.address, is_tls: self.tls.is_some() }
    }

    /// Hands connections to the workers, one after another, for ever.
    pub(super) async fn accept(&self, workers: &Workers, places: &Arc<Semaphore>) -> Result<(), ServerError> {
        let unusable = |source| ServerError::Accept { address: self.address, source };
        let socket = self.socket.try_clone().and_then(tokio::net::TcpListener::from_std).map_err(unusable)?;
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
            // Out of this runtime's hands, into those of a worker's.
            let accepted = socket.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
            match accepted {
                Ok((stream, peer)) => workers.hand_over(Accepted { stream, peer, tls: self.tls.clone(), place }),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(address = %self.address, %error, "no connection can be accepted at the moment");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the process before it.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` can then both be listened on, and mean what they say.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let socket = TcpListener::from(socket);
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Whether accepting failed for that one connection only: the next may be had at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted
    )
}
