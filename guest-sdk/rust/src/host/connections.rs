//! Byte streams to the servers that the grant names (contract: `connections`), with a buffer for what was read.
//!
//! The host resolves names, speaks TLS and authenticates, so a driver holds no secret. A connection that is given back serves the
//! next call; one that is dropped is closed, which is right whenever something went wrong half-way.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use cofferdam_guest::prelude::*;
//! use cofferdam_guest::testing::Harness;
//!
//! # struct Greeter;
//! # impl Driver for Greeter {
//! #     const NAME: &'static str = "greeter";
//! #     const VERSION: &'static str = "1.0.0";
//! #     type Settings = ();
//! #     fn configure(_settings: ()) -> Result<Self> { Ok(Self) }
//! # }
//! impl Greeter {
//!     fn greet(&self) -> Result<Vec<u8>> {
//!         let mut server = Connection::open("greeter")?;
//!         server.write(b"hello\r\n")?;
//!         let answer = server.line(100)?;
//!         server.give_back()?;
//!         Ok(answer)
//!     }
//! }
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
//! let address = listener.local_addr().unwrap();
//! let server = std::thread::spawn(move || {
//!     let (mut stream, _) = listener.accept().unwrap();
//!     for _ in 0..2 {
//!         stream.read_exact(&mut [0; 7]).unwrap();
//!         stream.write_all(b"good day\r\n").unwrap();
//!     }
//! });
//! let greeter = Harness::<Greeter>::start(&[])?;
//! greeter.connect("greeter", address);
//! assert_eq!(greeter.greet()?, b"good day");
//! assert_eq!(greeter.greet()?, b"good day");
//! # server.join().unwrap();
//! # Ok::<(), Error>(())
//! ```

use crate::error::Result;
use crate::host::backend;
use crate::types::Error;

/// What is asked of the host at a time: most answers of a server that keeps small values come whole.
const CHUNK: u32 = 16 << 10;

/// An open connection. Dropping it closes it.
pub struct Connection {
    stream: backend::connections::Connection,
    /// What was read, and how much of it was taken.
    buffer: Vec<u8>,
    taken: usize,
}

impl Connection {
    /// A connection of that name, new or given back before.
    ///
    /// # Errors
    /// `permission-denied` if the grant has no such name; `unavailable` if it cannot be opened; `unauthenticated` if the server
    /// refuses the grant's credentials.
    pub fn open(name: &str) -> Result<Self> {
        Ok(Self { stream: backend::connections::connect(name)?, buffer: Vec::new(), taken: 0 })
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// `unavailable` if the connection broke, or at the call's deadline.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write(bytes)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// `unavailable` if the connection broke or ended before, or at the call's deadline.
    pub fn exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.buffer.len() - self.taken < count {
            let missing = count - (self.buffer.len() - self.taken);
            self.fill(u32::try_from(missing).unwrap_or(u32::MAX).max(CHUNK))?;
        }
        let bytes = self.buffer[self.taken..self.taken + count].to_vec();
        self.take(count);
        Ok(bytes)
    }

    /// The next line, which ends with `\r\n`, without its end.
    ///
    /// # Errors
    /// As [`Connection::exactly`]; `internal` if the line is longer than `max` bytes.
    pub fn line(&mut self, max: usize) -> Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            let rest = &self.buffer[self.taken..];
            if let Some(at) = rest[looked..].windows(2).position(|pair| pair == b"\r\n") {
                let line = rest[..looked + at].to_vec();
                self.take(line.len() + 2);
                return Ok(line);
            }
            if rest.len() > max {
                return Err(Error::internal(format!("the server sends a line of more than {max} bytes")));
            }
            // The last byte may be the first half of the line's end.
            looked = rest.len().saturating_sub(1);
            self.fill(CHUNK)?;
        }
    }

    /// Leaves the connection to another call. One with bytes that nobody has taken is closed instead.
    ///
    /// # Errors
    /// The host's, which has none for an open connection.
    pub fn give_back(self) -> Result<()> {
        if self.taken < self.buffer.len() {
            return Ok(());
        }
        self.stream.give_back()
    }

    fn fill(&mut self, max: u32) -> Result<()> {
        let more = self.stream.read(max)?;
        if more.is_empty() {
            return Err(Error::unavailable("the server closed the connection before it had answered"));
        }
        self.buffer.extend(more);
        Ok(())
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
    }
}
