//! Giving a file its new name: in one step, whatever happens to the directories around it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, RenameFlags, fstat, linkat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use super::durability::Dirty;
use super::place::{ATTEMPTS, How, Place};
use super::stamp;
use super::temporary::Temporary;
use crate::error::{Error, ErrorKind, Result};

/// How large a file is that its own caller makes durable before it joins the others: 8 MiB, which a disk takes about as long
/// to write as to flush its cache.
const LARGE: i64 = 8 << 20;

/// What is renamed.
pub(super) enum Source {
    /// A file that the host made.
    Temporary(Temporary),
    /// A file that a driver named.
    Named(Place),
}

impl Source {
    /// The file, if it is so large that nobody else should wait while it is made durable.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if it is no regular file.
    pub(super) fn large(&self) -> Result<Option<Arc<File>>> {
        let (file, stat) = match self {
            Self::Temporary(temporary) => (temporary.file.clone(), fstat(&temporary.file).map_err(io::Error::from)?),
            Self::Named(place) => place.open_regular(How::Read).map(|(file, stat)| (Arc::new(file), stat))?,
        };
        Ok((stat.st_size >= LARGE).then_some(file))
    }

    /// Opens the file that is to be made durable, with a fresh stamp.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if it is no regular file.
    pub(super) fn open(&self) -> Result<Dirty> {
        match self {
            Self::Temporary(temporary) => Ok(Dirty::new(temporary.file.clone())?),
            Self::Named(place) => {
                let (file, _) = place.open_regular(How::Read)?;
                stamp::renew(&file);
                Dirty::new(file).map_err(|error| place.error(error))
            }
        }
    }

    /// Gives the file its new name; a parent that is missing or vanishes is made. Answers the directories that changed.
    ///
    /// # Errors
    /// `not-found` about the source; `already-exists` with `no_replace`; `invalid-argument` if a directory or another file
    /// system is at `destination`.
    pub(super) fn rename(&mut self, destination: &Place, no_replace: bool) -> Result<Vec<Dirty>> {
        let mut changed = Vec::new();
        for _ in 0..ATTEMPTS {
            match self.try_rename(destination, no_replace, &mut changed) {
                Ok(()) => {
                    if let Self::Temporary(temporary) = self {
                        temporary.keep();
                    }
                    let dirty = changed.into_iter().map(Dirty::new).collect::<io::Result<_>>();
                    return dirty.map_err(|error| destination.error(error));
                }
                // Either the source is gone, or a parent of the destination.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.require()?,
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    return Err(destination.refuse("on another file system than its source: grant what is mounted there as a directory of its own"));
                }
                Err(error) => return Err(destination.error(error)),
            }
        }
        Err(destination.unsettled())
    }

    /// # Errors
    /// `not-found` about the source, if it is gone.
    fn require(&self) -> Result<()> {
        match self {
            Self::Temporary(temporary) => {
                let (directory, name) = temporary.location();
                statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(drop).map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "somebody removed the host's temporary file").with_source(io::Error::from(error))
                })
            }
            Self::Named(place) => place.info().map(drop),
        }
    }

    /// One try; adds the directories that it changed to `changed`, also where it then fails.
    fn try_rename(&self, destination: &Place, no_replace: bool, changed: &mut Vec<File>) -> io::Result<()> {
        let _filling = destination.granted.filling();
        destination.make_parents(changed)?;
        let (parent, name) = destination.parent()?;
        match self {
            // Its old name need not be gone durably: what is left of it is swept.
            Self::Temporary(temporary) => {
                let (directory, old) = temporary.location();
                rename(directory, old, &parent, name, no_replace)?;
            }
            Self::Named(place) => {
                let (directory, old) = place.parent()?;
                rename(&directory, old, &parent, name, no_replace)?;
                changed.push(directory);
            }
        }
        changed.push(parent);
        Ok(())
    }
}

fn rename(from: impl AsFd, old: &str, to: &File, new: &str, no_replace: bool) -> io::Result<()> {
    if !no_replace {
        return Ok(renameat_with(from, old, to, new, RenameFlags::empty())?);
    }
    match renameat_with(&from, old, to, new, RenameFlags::NOREPLACE) {
        // A file system that knows no such rename (NFS): a second name decides as well, in one step.
        Err(Errno::INVAL) => {
            linkat(&from, old, to, new, AtFlags::empty())?;
            Ok(unlinkat(&from, old, AtFlags::empty())?)
        }
        renamed => Ok(renamed?),
    }
}
