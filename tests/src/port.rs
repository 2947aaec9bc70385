//! Servers that must be told on which port to listen.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use socket2::{Domain, Socket, Type};

use crate::wait::until;

/// How often another port is tried: between the choice of one and the server's use of it another process may take it.
const TRIES: u32 = 5;

/// What `start` makes of a port of 127.0.0.1 that is free, or of another one if that does not go well.
///
/// # Errors
/// The last attempt's.
pub(crate) fn on_free<T, E>(mut start: impl FnMut(u16) -> Result<T, E>) -> Result<T, E> {
    let mut attempt = || {
        // In a statement of its own: the server must find it free.
        let port = Reserved::new().port();
        start(port)
    };
    for _ in 1..TRIES {
        if let Ok(started) = attempt() {
            return Ok(started);
        }
    }
    attempt()
}

/// Has a port that nobody else has, until it is dropped. It does not listen: whoever waits for a server on the same port would be let in here.
struct Reserved(Socket);

impl Reserved {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().as_socket().unwrap().port()
    }
}

/// Whether a server listens at `port`. A connection from a port to itself, which the system makes now and then, is to none.
fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok_and(|stream| stream.local_addr().unwrap() != stream.peer_addr().unwrap())
}

/// Starts the server that `command` makes for a port of 127.0.0.1; `None` if it ends instead of listening, whatever the port.
///
/// # Panics
/// It cannot be started, or does neither.
pub(crate) fn start(mut command: impl FnMut(u16) -> Command) -> Option<(Child, u16)> {
    let launched = on_free(|port| {
        let mut child = command(port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let listening = until("the server listens or ends", || match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => listens(port).then_some(true),
        });
        if listening { Ok((child, port)) } else { Err(()) }
    });
    launched.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_let_in_at_a_port_that_is_only_chosen() {
        let reserved = Reserved::new();
        assert!(!listens(reserved.port()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(listens(listener.local_addr().unwrap().port()));
    }
}
