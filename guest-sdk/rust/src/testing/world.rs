//! What stands for the host in native tests: a temporary directory with stamps and locks, and the servers of the test.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::Result;
use crate::testing::http::{Answer, Asked, Server};
use crate::types::Error;

thread_local! {
    static CURRENT: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// One world: the granted directories below a temporary one.
pub(crate) struct World {
    directory: tempfile::TempDir,
    reachable: Cell<bool>,
    stamps: RefCell<HashMap<PathBuf, u64>>,
    next_stamp: Cell<u64>,
    locked: RefCell<HashSet<String>>,
    connections: RefCell<HashMap<String, Granted>>,
    server: RefCell<Option<Server>>,
    asked: RefCell<Vec<Asked>>,
}

/// A granted connection: its server, and what was given back.
struct Granted {
    address: SocketAddr,
    idle: Vec<TcpStream>,
}

impl World {
    /// A world with these directories granted.
    pub(crate) fn new(directories: &[&str]) -> Result<Rc<Self>> {
        let broken = |error| Error::internal(format!("no temporary directory: {error}"));
        let directory = tempfile::tempdir().map_err(broken)?;
        for name in directories {
            std::fs::create_dir(directory.path().join(name)).map_err(broken)?;
        }
        Ok(Rc::new(Self {
            directory,
            reachable: Cell::new(true),
            stamps: RefCell::default(),
            next_stamp: Cell::new(1),
            locked: RefCell::default(),
            connections: RefCell::default(),
            server: RefCell::default(),
            asked: RefCell::default(),
        }))
    }

    /// Makes this the world that the host functions of this thread work on.
    pub(crate) fn enter(world: &Rc<Self>) {
        CURRENT.set(Some(Rc::clone(world)));
    }

    /// The world of this thread.
    pub(crate) fn current() -> Result<Rc<Self>> {
        let missing = || Error::internal("host functions need a running `Harness`");
        CURRENT.with_borrow(|world| world.clone()).ok_or_else(missing)
    }

    /// The temporary directory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Whether the granted directories and the servers are there.
    pub(crate) fn set_reachable(&self, reachable: bool) {
        self.reachable.set(reachable);
    }

    /// The real path of a granted one.
    pub(crate) fn resolve(&self, path: &str) -> Result<PathBuf> {
        if !self.reachable.get() {
            return Err(Error::unavailable("the test holds back the directories"));
        }
        let relative = path.strip_prefix('/').ok_or_else(|| Error::invalid_path(path, "does not begin with `/`"))?;
        if relative.contains('\0') || relative.split('/').any(|component| matches!(component, "" | "." | "..")) {
            return Err(Error::invalid_path(path, "has a component that is empty, `.` or `..`, or a NUL"));
        }
        let grant = relative.split('/').next().unwrap_or_default();
        if !self.root().join(grant).is_dir() {
            return Err(Error::invalid_path(path, "names no granted directory"));
        }
        Ok(self.root().join(relative))
    }

    /// Makes `server` answer all requests from now on.
    pub(crate) fn serve(&self, server: Server) {
        self.server.replace(Some(server));
    }

    /// What the server answers; it is kept that it was asked.
    pub(crate) fn ask(&self, asked: Asked) -> Result<Answer> {
        if !self.reachable.get() {
            return Err(Error::unavailable("the test holds back the servers").with_code("connect"));
        }
        self.asked.borrow_mut().push(asked.clone());
        match self.server.borrow_mut().as_mut() {
            Some(server) => server(&asked),
            None => Err(Error::permission_denied("the test has no server").with_code("denied")),
        }
    }

    /// What the server was asked since the last time.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        self.asked.take()
    }

    /// Grants the connection `name` to a server at `address`.
    pub(crate) fn connect(&self, name: &str, address: SocketAddr) {
        self.connections.borrow_mut().insert(name.to_owned(), Granted { address, idle: Vec::new() });
    }

    /// The server of the connection `name`.
    pub(crate) fn server_of(&self, name: &str) -> Result<SocketAddr> {
        if !self.reachable.get() {
            return Err(Error::unavailable("the test holds back the servers"));
        }
        let missing = || Error::permission_denied(format!("the test has no connection {name}"));
        self.connections.borrow().get(name).map(|granted| granted.address).ok_or_else(missing)
    }

    /// A connection that was given back.
    pub(crate) fn idle_connection(&self, name: &str) -> Option<TcpStream> {
        self.connections.borrow_mut().get_mut(name)?.idle.pop()
    }

    /// Keeps a connection that is given back.
    pub(crate) fn keep_connection(&self, name: &str, stream: TcpStream) {
        if let Some(granted) = self.connections.borrow_mut().get_mut(name) {
            granted.idle.push(stream);
        }
    }

    /// Gives the file at `path` a new stamp.
    pub(crate) fn stamp(&self, path: &Path) {
        self.stamps.borrow_mut().insert(path.to_owned(), self.next_stamp.replace(self.next_stamp.get() + 1));
    }

    /// The file at `path` is gone, or somewhere else.
    pub(crate) fn forget_stamp(&self, path: &Path) {
        self.stamps.borrow_mut().remove(path);
    }

    /// The stamp that was given to the file at `path`.
    pub(crate) fn stamp_of(&self, path: &Path) -> Option<u64> {
        self.stamps.borrow().get(path).copied()
    }

    /// Takes a lock. A second taker would wait for ever, in the one thread there is.
    pub(crate) fn lock(&self, name: &str) -> Result<()> {
        let taken = self.locked.borrow_mut().insert(name.to_owned());
        if taken { Ok(()) } else { Err(Error::unavailable(format!("the lock {name} is held by this test itself"))) }
    }

    /// Gives a lock back.
    pub(crate) fn unlock(&self, name: &str) {
        self.locked.borrow_mut().remove(name);
    }
}
