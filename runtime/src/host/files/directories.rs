//! The granted directories of one mount, opened once, and what a path means in them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Access as Wanted, AtFlags, accessat, fstat};

use super::commit::Committer;
use super::durability::is_on_own_disk;
use super::lock::Locks;
use super::place::{Place, open_for_listing};
use super::stamp::Stamps;
use super::temporary::{self, OWN, Owner, Temporary};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Access, DirectoryGrant};

/// The granted directories of one mount. Clones are of the same.
#[derive(Clone, Debug)]
pub(crate) struct Directories(Arc<[Arc<Granted>]>);

/// What a caller wants of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To look.
    Read,
    /// To change something.
    Write,
}

/// One granted directory.
pub(super) struct Granted {
    name: String,
    host: PathBuf,
    access: Access,
    /// The authority over everything below, and nothing else.
    pub(super) root: Dir,
    /// Durable renames of all callers.
    pub(super) committer: Committer,
    /// What is remembered of its files' stamps.
    pub(super) stamps: Stamps,
    /// Locks by name.
    pub(super) locks: Arc<Locks>,
    /// Held by who makes a directory until something lies in it, and alone by who removes one.
    emptying: RwLock<()>,
    /// Where this process keeps its temporary files, once it has needed any.
    owner: Mutex<Option<Arc<Owner>>>,
}

/// Why a granted directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the directory grant {name:?} cannot be used: {} {}", host.display(), problem(source))]
pub struct OpenError {
    /// The grant's name.
    pub name: String,
    /// The directory of the host.
    pub host: PathBuf,
    /// What the operating system says.
    pub source: io::Error,
}

fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist: create it, or correct `host`".to_owned(),
        io::ErrorKind::NotADirectory => "is not a directory: correct `host`".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be used by this user: change its owner or mode".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "is on a read-only file system: set access = \"read-only\"".to_owned(),
        _ => format!("fails with: {error}"),
    }
}

impl Directories {
    /// Opens every directory of `grants`: the one place where that is done. In those that may be written, what dead processes
    /// left is removed.
    ///
    /// # Errors
    /// [`OpenError`] for the first that does not exist, is no directory or may not be used.
    pub(crate) fn open(grants: &[DirectoryGrant]) -> Result<Self, OpenError> {
        let open = |grant: &DirectoryGrant| {
            Granted::open(grant).map(Arc::new).map_err(|source| OpenError { name: grant.name.clone(), host: grant.host.clone(), source })
        };
        let mut granted = grants.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        // The longest name that fits decides.
        granted.sort_by_key(|granted| std::cmp::Reverse(granted.name.len()));
        Ok(Self(granted.into()))
    }

    /// What `path` means, for what is needed: the one place where a grant is asked.
    ///
    /// # Errors
    /// `invalid-path` if it is no clean absolute path or under no grant; `permission-denied` to change something below a
    /// read-only one; for the host's own directory, `not-found`, or `invalid-path` to change something.
    pub(super) fn resolve(&self, path: &str, need: Need) -> Result<Place> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidPath, message).at_path(path));
        if !is_clean(path) {
            return invalid("not an absolute path without empty, `.` or `..` components".to_owned());
        }
        let Some((granted, relative)) = self.0.iter().find_map(|granted| Some((granted, granted.below(path)?))) else {
            return invalid(format!("under no granted directory: {}", self.names()));
        };
        let own = relative.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match need {
            Need::Read if own => Err(Error::not_found(path)),
            Need::Write if own => invalid(format!("`{OWN}` is the host's own")),
            Need::Write if granted.access == Access::ReadOnly => {
                let message = format!(
                    "{:?} is granted for reading only: writing needs the line `access = \"read-write\"` in its [[directory]] table",
                    granted.name
                );
                Err(Error::new(ErrorKind::PermissionDenied, message).at_path(path))
            }
            _ => Ok(Place::new(granted.clone(), path, relative)),
        }
    }

    fn names(&self) -> String {
        if self.0.is_empty() {
            return "the grant has none".to_owned();
        }
        let names: Vec<_> = self.0.iter().map(|granted| format!("{:?}", granted.name)).collect();
        format!("the grant has {}", names.join(", "))
    }
}

/// Whether `path` is absolute and each of its components is a name.
fn is_clean(path: &str) -> bool {
    let name = |component: &str| !matches!(component, "" | "." | "..") && !component.contains('\0');
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(name))
}

impl Granted {
    fn open(grant: &DirectoryGrant) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(&grant.host, ambient_authority())?;
        let wanted = match grant.access {
            Access::ReadOnly => Wanted::READ_OK | Wanted::EXEC_OK,
            Access::ReadWrite => Wanted::READ_OK | Wanted::WRITE_OK | Wanted::EXEC_OK,
        };
        accessat(&root, ".", wanted, AtFlags::empty())?;
        let directory = open_for_listing(&root, ".")?;
        let own = if is_on_own_disk(&directory)? { Some(fstat(&directory)?.st_dev) } else { None };
        let committer = Committer::new(directory)?;
        if grant.access == Access::ReadWrite {
            temporary::sweep(&root);
        }
        Ok(Self {
            name: grant.name.clone(),
            host: grant.host.clone(),
            access: grant.access,
            root,
            committer,
            stamps: Stamps::new(own),
            locks: Arc::default(),
            emptying: RwLock::default(),
            owner: Mutex::default(),
        })
    }

    /// What of `path` is below this directory: empty for the directory itself.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.name == "/" {
            return path.strip_prefix('/');
        }
        match path.strip_prefix(self.name.as_str())? {
            "" => Some(""),
            rest => rest.strip_prefix('/'),
        }
    }

    /// While this is held, nobody in this process removes an empty directory through this grant.
    ///
    /// Without it, who empties a store could outrun who fills it for as long as it lasts. Other processes are met by trying again.
    pub(super) fn filling(&self) -> RwLockReadGuard<'_, ()> {
        self.emptying.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, nobody in this process makes a directory through this grant.
    pub(super) fn emptying(&self) -> RwLockWriteGuard<'_, ()> {
        self.emptying.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new temporary file, which nobody else knows.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn temporary(&self) -> io::Result<Temporary> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = &*owner {
            match Temporary::create(owner) {
                // Somebody removed the host's own directory while it was in use: begin again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => return made,
            }
        }
        let fresh = Arc::new(Owner::claim(&self.root)?);
        let made = Temporary::create(&fresh);
        *owner = Some(fresh);
        made
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({:?})", self.name, self.host.display(), self.access)
    }
}
