//! Servers that must be told on which port to listen.
#![allow(clippy::unwrap_used)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::wait::until;

/// How often another port is tried: between the choice of one and the server's use of it another process may take it.
const TRIES: u32 = 5;

/// What `start` makes of a port of 127.0.0.1 that is free, or of another one if that does not go well.
///
/// # Errors
/// The last attempt's.
pub(crate) fn on_free<T, E>(mut start: impl FnMut(u16) -> Result<T, E>) -> Result<T, E> {
    let mut attempt = || {
        // In a statement of its own: the listener must be gone when the server comes.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        start(port)
    };
    for _ in 1..TRIES {
        if let Ok(started) = attempt() {
            return Ok(started);
        }
    }
    attempt()
}

/// Starts the server that `command` makes for a port of 127.0.0.1; `None` if it ends instead of listening, whatever the port.
///
/// # Panics
/// It cannot be started, or does neither.
pub(crate) fn start(mut command: impl FnMut(u16) -> Command) -> Option<(Child, u16)> {
    let launched = on_free(|port| {
        let mut child = command(port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let listens = until("the server listens or ends", || match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true),
        });
        if listens { Ok((child, port)) } else { Err(()) }
    });
    launched.ok()
}
