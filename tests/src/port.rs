//! Servers that must be told on which port to listen.
#![allow(clippy::unwrap_used)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::wait::until;

/// How often another port is tried: between the choice of one and the server's use of it another process may take it.
const TRIES: u32 = 5;

/// Starts the server that `command` makes for a port of 127.0.0.1; `None` if it ends instead of listening, whatever the port.
///
/// # Panics
/// It cannot be started, or does neither.
pub(crate) fn start(mut command: impl FnMut(u16) -> Command) -> Option<(Child, u16)> {
    (0..TRIES).find_map(|_| {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = command(port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let listens = until("the server listens or ends", || match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true),
        });
        listens.then_some((child, port))
    })
}
