//! Running a driver natively, without wasm: a [`Harness`] starts it, and the host functions work on a temporary world.
//!
//! ```
//! # use cofferdam_guest::*;
//! # struct Echo;
//! # impl Driver for Echo {
//! #     const NAME: &'static str = "echo";
//! #     const VERSION: &'static str = "1.0.0";
//! #     type Settings = ();
//! #     fn configure(_settings: ()) -> Result<Self> { Ok(Self) }
//! # }
//! use cofferdam_guest::testing::Harness;
//!
//! let mut driver = Harness::<Echo>::start(&[])?;
//! driver.health()?;
//! assert!(Harness::<Echo>::start(&[("rooot", "/data")]).is_err());
//! # Ok::<(), Error>(())
//! ```

pub mod content;
pub mod http;
pub(crate) mod native;
mod world;

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::rc::Rc;

use crate::driver::{Driver, Generator};
use crate::error::Result;
use crate::host::data::Content;
use crate::settings::Settings;
use crate::testing::http::{Answer, Asked};
use crate::types::Error;
use world::World;

/// How much [`Harness::read`] pulls at a time: little, so that a small object takes several pulls.
const PULL_MAX: u32 = 7;

/// A driver that runs natively. It dereferences to the driver, whose functions are called as they are.
///
/// The directories that it is granted (`/data`) are in a temporary directory, which goes when the last harness on it does.
pub struct Harness<D> {
    driver: D,
    world: Rc<World>,
}

impl<D: Driver> Harness<D> {
    /// Starts a driver in a world of its own, with the directory `/data`.
    ///
    /// # Errors
    /// What the settings or the driver's `configure` refuse.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::run(World::new(&["data"])?, settings)
    }

    /// Starts another instance in the same world: what it finds is what a restarted host would.
    ///
    /// # Errors
    /// As [`Harness::start`].
    pub fn again(&self, settings: &[(&str, &str)]) -> Result<Self> {
        Self::run(Rc::clone(&self.world), settings)
    }

    fn run(world: Rc<World>, settings: &[(&str, &str)]) -> Result<Self> {
        World::enter(&world);
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let driver = D::configure(D::Settings::parse(settings)?)?;
        Ok(Self { driver, world })
    }

    /// Where the granted path `path` (`/data/a`) really is.
    pub fn host_path(&self, path: &str) -> PathBuf {
        self.world.root().join(path.trim_start_matches('/'))
    }

    /// Grants the connection `name` to a server at `address`: one of the test's own, or a real one.
    pub fn connect(&self, name: &str, address: SocketAddr) {
        self.world.connect(name, address);
    }

    /// Makes `server` answer the requests of this world's drivers from now on. Without one every request is `denied`.
    pub fn serve(&self, server: impl FnMut(&Asked) -> Result<Answer> + 'static) {
        self.world.serve(Box::new(server));
    }

    /// Answers the next requests with these, in order; a request beyond them is an error that names it.
    pub fn script<A>(&self, answers: A)
    where
        A: IntoIterator<Item = Answer, IntoIter: 'static>,
    {
        let mut answers = answers.into_iter();
        let beyond = |asked: &Asked| Error::internal(format!("the test has no answer to {} {}", asked.method, asked.url));
        self.serve(move |asked| answers.next().ok_or_else(|| beyond(asked)));
    }

    /// The requests that were sent since the last time.
    pub fn requests(&self) -> Vec<Asked> {
        self.world.take_asked()
    }

    /// Makes every function of `files`, `http` and `connections` answer `unavailable`, or work again.
    pub fn set_reachable(&self, reachable: bool) {
        self.world.set_reachable(reachable);
    }
}

impl<D: Generator> Harness<D> {
    /// All bytes of `content`, pulled from the driver if it is generated; the cursor is closed at the end.
    ///
    /// # Errors
    /// What `pull` or the content answers.
    pub fn read(&mut self, content: &Content) -> Result<Vec<u8>> {
        let Some(cursor) = content.0.cursor() else { return content.bytes(u64::MAX) };
        let mut bytes = Vec::new();
        let outcome = loop {
            match self.pull(cursor, PULL_MAX) {
                Ok(piece) if piece.is_empty() => break content.check_length(bytes.len() as u64),
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => break Err(error),
            }
        };
        self.close(cursor);
        outcome.map(|()| bytes)
    }
}

impl<D> Deref for Harness<D> {
    type Target = D;

    fn deref(&self) -> &D {
        World::enter(&self.world);
        &self.driver
    }
}

impl<D> DerefMut for Harness<D> {
    fn deref_mut(&mut self) -> &mut D {
        World::enter(&self.world);
        &mut self.driver
    }
}
