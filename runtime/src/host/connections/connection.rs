//! One connection as a call has it: reads, writes, giving back.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::pool::Pool;
use super::stream::Stream;
use crate::call::CallContext;
use crate::content::READ_MAX;
use crate::error::{Error, ErrorKind, Result};

/// A connection that one call uses. Dropping it closes it, unless it was given back.
pub(crate) struct Connection {
    pool: Arc<Pool>,
    state: State,
    /// The longest that a read or a write waits for a byte to move.
    patience: Duration,
}

enum State {
    Open(Stream, OwnedSemaphorePermit),
    /// It broke, or something was left half-way on it.
    Broken,
    GivenBack,
}

impl Connection {
    /// `stream`, which has its place in `pool`, for a call that has `patience`.
    pub(super) fn new(pool: Arc<Pool>, stream: Stream, place: OwnedSemaphorePermit, patience: Duration) -> Self {
        let patience = patience.min(pool.endpoint.grant.timeout);
        Self { pool, state: State::Open(stream, place), patience }
    }

    /// Reads what is there, waiting for the first byte; empty is the end.
    ///
    /// # Errors
    /// `unavailable` if the connection broke, or nothing came in time; `invalid-argument` after [`Connection::give_back`], or if
    /// nothing is asked for.
    ///
    /// # Cancel safety
    /// The connection is broken.
    pub(super) async fn read(&mut self, call: &CallContext, max: u32) -> Result<Vec<u8>> {
        let max = (max as usize).min(READ_MAX);
        if max == 0 {
            return Err(Error::invalid_argument("a read of no bytes would look like the end of the connection"));
        }
        let (mut stream, place) = self.begin()?;
        let bytes = self.in_time(stream.read(max), "read").await?;
        call.moved(bytes.len() as u64);
        self.state = State::Open(stream, place);
        Ok(bytes)
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// As [`Connection::read`].
    ///
    /// # Cancel safety
    /// The connection is broken.
    pub(super) async fn write(&mut self, call: &CallContext, bytes: &[u8]) -> Result<()> {
        let (mut stream, place) = self.begin()?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.in_time(stream.write(rest), "write").await?;
            if count == 0 {
                return Err(self.broke("write", &io::ErrorKind::WriteZero.into()));
            }
            call.moved(count as u64);
            rest = &rest[count..];
        }
        self.in_time(stream.flush(), "write").await?;
        self.state = State::Open(stream, place);
        Ok(())
    }

    /// Leaves it to another call, if nothing is unread on it.
    ///
    /// # Errors
    /// `invalid-argument` the second time.
    pub(super) fn give_back(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::GivenBack) {
            State::Open(stream, place) => {
                self.pool.give_back(stream);
                // After that: who gets the place finds it.
                drop(place);
                Ok(())
            }
            State::Broken => Ok(()),
            State::GivenBack => Err(self.given_back()),
        }
    }

    /// Takes the stream out: what ends before it is put back, by an error or because nobody waits any more, leaves it closed.
    fn begin(&mut self) -> Result<(Stream, OwnedSemaphorePermit)> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Open(stream, place) => Ok((stream, place)),
            State::Broken => Err(Error::new(ErrorKind::Unavailable, format!("the connection {:?} broke before", self.name()))),
            State::GivenBack => {
                self.state = State::GivenBack;
                Err(self.given_back())
            }
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = io::Result<T>>, verb: &str) -> Result<T> {
        match tokio::time::timeout(self.patience, work).await {
            Ok(done) => done.map_err(|error| self.broke(verb, &error)),
            Err(_) => {
                let message = format!("the connection {:?}: a {verb} moved nothing for {:?} (`timeout`)", self.name(), self.patience);
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }

    fn broke(&self, verb: &str, error: &io::Error) -> Error {
        Error::new(ErrorKind::Unavailable, format!("the connection {:?} broke at a {verb}: {error}", self.name()))
    }

    fn given_back(&self) -> Error {
        Error::invalid_argument(format!("the connection {:?} was given back before", self.name()))
    }

    fn name(&self) -> &str {
        &self.pool.endpoint.grant.name
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Open(..) => "open",
            State::Broken => "broken",
            State::GivenBack => "given back",
        };
        write!(f, "{:?} ({state})", self.name())
    }
}
