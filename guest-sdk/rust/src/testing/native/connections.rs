//! `connections` natively: TCP to the servers of the test.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use crate::error::Result;
use crate::testing::world::World;
use crate::types::Error;

/// As the host: the most that one read answers.
const READ_MAX: u32 = 1 << 20;

/// How long a test waits for its server before it is told that the driver and the server do not understand each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// As the host's `connection`.
pub(crate) struct Connection {
    stream: TcpStream,
    name: String,
    world: Rc<World>,
    given_back: Cell<bool>,
}

/// As the host's `connect`.
pub(crate) fn connect(name: &str) -> Result<Connection> {
    let world = World::current()?;
    let address = world.server_of(name)?;
    let stream = match world.idle_connection(name).filter(is_quiet) {
        Some(stream) => stream,
        None => TcpStream::connect(address).map_err(|error| Error::unavailable(format!("the connection {name}: {error}")))?,
    };
    stream.set_read_timeout(Some(PATIENCE)).map_err(broke)?;
    Ok(Connection { stream, name: name.to_owned(), world, given_back: Cell::new(false) })
}

impl Connection {
    /// As the host's `read`.
    pub(crate) fn read(&self, max: u32) -> Result<Vec<u8>> {
        self.check(max > 0)?;
        let mut bytes = vec![0; max.min(READ_MAX) as usize];
        let count = (&self.stream).read(&mut bytes).map_err(broke)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// As the host's `write`.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        self.check(true)?;
        (&self.stream).write_all(bytes).map_err(broke)
    }

    /// As the host's `give-back`.
    pub(crate) fn give_back(&self) -> Result<()> {
        if self.given_back.replace(true) {
            return Err(Error::invalid_argument("the connection was given back before"));
        }
        if is_quiet(&self.stream) {
            self.world.keep_connection(&self.name, self.stream.try_clone().map_err(broke)?);
        }
        Ok(())
    }

    fn check(&self, allowed: bool) -> Result<()> {
        if self.given_back.get() || !allowed {
            return Err(Error::invalid_argument("the connection was given back before, or nothing is read"));
        }
        self.world.server_of(&self.name).map(drop)
    }
}

/// Whether there is nothing to read, not even the end.
fn is_quiet(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    stream.set_nonblocking(false).is_ok() && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn broke(error: std::io::Error) -> Error {
    Error::unavailable(format!("the connection broke: {error}"))
}
