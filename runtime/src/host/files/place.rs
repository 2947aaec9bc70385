//! One path under a granted directory: every system call that takes a path is made here, sandboxed by cap-std.

use std::fs::File;
use std::io;
use std::sync::Arc;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

use super::directories::Granted;
use super::stamp::{self, Stamps};
use super::{FileInfo, FileKind};
use crate::error::{Error, ErrorKind, Result};

/// How often a parent that other processes keep removing is made again before giving up: some 20 ms of a race that nobody loses
/// twice by chance. In this process `Granted::filling` decides it.
pub(super) const ATTEMPTS: usize = 1000;

/// How to open a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To read.
    Read,
    /// To write what is there.
    Write,
    /// To write; an empty one is made if there is none.
    Create,
    /// To write a new one.
    CreateNew,
}

/// A path that a grant allows to use: only `Directories::resolve` makes one.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) granted: Arc<Granted>,
    path: String,
    /// Where in `path` the part below the granted directory begins.
    start: usize,
}

impl Place {
    pub(super) fn new(granted: Arc<Granted>, path: &str, relative: &str) -> Self {
        Self { granted, path: path.to_owned(), start: path.len() - relative.len() }
    }

    /// The path below the granted directory; empty for the directory itself.
    pub(super) fn relative(&self) -> &str {
        &self.path[self.start..]
    }

    /// The path as the driver said it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path's last component.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// What went wrong here, as the contract calls it.
    pub(super) fn error(&self, error: io::Error) -> Error {
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => Error::not_found(self.path.as_str()),
            Some(Errno::LOOP | Errno::NXIO) => self.not_regular(),
            _ => Error::from(error).at_path(self.path.as_str()),
        }
    }

    /// As [`Place::error`] where only what is there is asked for: nothing is below a file.
    pub(super) fn read_error(&self, error: io::Error) -> Error {
        match Errno::from_io_error(&error) {
            Some(Errno::NOTDIR) => Error::not_found(self.path.as_str()),
            _ => self.error(error),
        }
    }

    /// `invalid-argument` about this path.
    pub(super) fn refuse(&self, message: &str) -> Error {
        Error::invalid_argument(message).at_path(self.path.as_str())
    }

    fn not_regular(&self) -> Error {
        self.refuse("not a regular file")
    }

    /// Opens what is here, whatever it is; a symbolic link is not followed. Never waits, for a FIFO's other end say.
    fn open(&self, how: How, flags: OFlags) -> io::Result<File> {
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::Write => options.write(true),
            How::Create => options.write(true).create(true),
            How::CreateNew => options.write(true).create_new(true),
        };
        // A bare path is not opened at all; the kernel takes no other flag with it.
        let flags = if flags.contains(OFlags::PATH) { flags } else { flags | OFlags::NONBLOCK | OFlags::NOCTTY };
        options.follow(FollowSymlinks::No).custom_flags(flags.bits().cast_signed());
        let relative = if self.relative().is_empty() { "." } else { self.relative() };
        Ok(self.granted.root.open_with(relative, &options)?.into_std())
    }

    /// Opens the regular file that is here.
    ///
    /// # Errors
    /// `invalid-argument` if it is something else; else as [`Place::error`].
    pub(super) fn open_regular(&self, how: How) -> Result<(File, Stat)> {
        let file = self.open(how, OFlags::empty()).map_err(|error| if how == How::Read { self.read_error(error) } else { self.error(error) })?;
        let stat = fstat(&file).map_err(|error| self.error(error.into()))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok((file, stat)),
            FileType::Directory => Err(self.refuse("a directory")),
            _ => Err(self.not_regular()),
        }
    }

    /// As [`Place::open_regular`], to write: missing parents are made.
    ///
    /// # Errors
    /// As [`Place::open_regular`].
    pub(super) fn create_regular(&self, how: How) -> Result<(File, Stat)> {
        self.require_name()?;
        for _ in 0..ATTEMPTS {
            let _filling = self.granted.filling();
            match self.open_regular(how) {
                Err(error) if error.kind() == ErrorKind::NotFound => match self.make_parents(&mut Vec::new()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.error(error)),
                    _ => {}
                },
                opened => return opened,
            }
        }
        Err(self.unsettled())
    }

    /// What is here, and what is known about it.
    ///
    /// # Errors
    /// As [`Place::read_error`].
    pub(super) fn info(&self) -> Result<FileInfo> {
        let (file, stat) = match self.open(How::Read, OFlags::empty()).and_then(|file| Ok((fstat(&file)?, file))) {
            Ok((stat, file)) => (Some(file), stat),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.read_error(error)),
            // A link, a socket, or nothing that may be read: all that can be had is what the directory knows.
            Err(_) => {
                let file = self.open(How::Read, OFlags::PATH).map_err(|error| self.read_error(error))?;
                (None, fstat(&file).map_err(|error| self.read_error(error.into()))?)
            }
        };
        Ok(self.describe(file.as_ref(), &stat))
    }

    /// What is known about the file or directory here that has `stat`; `file` is it, where it could be opened.
    pub(super) fn describe(&self, file: Option<&File>, stat: &Stat) -> FileInfo {
        describe(&self.granted.stamps, self.name(), file, stat)
    }

    /// Opens the directory that is here, following links that stay inside.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn open_directory(&self) -> io::Result<File> {
        open_for_listing(&self.granted.root, if self.relative().is_empty() { "." } else { self.relative() })
    }

    /// The directory that this place is in, and its name there.
    ///
    /// # Errors
    /// The system's. The granted directory itself is in none: `EINVAL`.
    pub(super) fn parent(&self) -> io::Result<(File, &str)> {
        let (parent, name) = match self.relative().rsplit_once('/') {
            Some(split) => split,
            None if self.relative().is_empty() => return Err(Errno::INVAL.into()),
            None => (".", self.relative()),
        };
        Ok((open_for_listing(&self.granted.root, parent)?, name))
    }

    /// # Errors
    /// `invalid-argument` for the granted directory itself.
    pub(super) fn require_name(&self) -> Result<()> {
        if self.relative().is_empty() { Err(self.refuse("the granted directory itself")) } else { Ok(()) }
    }

    /// The error that a parent kept vanishing.
    pub(super) fn unsettled(&self) -> Error {
        Error::new(ErrorKind::Unavailable, "its parent is removed again and again").at_path(self.path.as_str())
    }

    /// Makes the directories that this place needs above it; adds those in which one was made to `changed`, to be synced.
    ///
    /// # Errors
    /// The system's; `NotFound` if a directory vanished meanwhile.
    pub(super) fn make_parents(&self, changed: &mut Vec<File>) -> io::Result<()> {
        match self.relative().rsplit_once('/') {
            Some((parents, _)) => make_directories(&self.granted.root, parents, changed),
            None => Ok(()),
        }
    }

    /// Makes a directory here, with its parents.
    ///
    /// # Errors
    /// `invalid-argument` if something else is in the way.
    pub(super) fn make_directory(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let _filling = self.granted.filling();
            let path = if self.relative().is_empty() { "." } else { self.relative() };
            match make_directories(&self.granted.root, path, &mut Vec::new()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => return made.map_err(|error| self.error(error)),
            }
        }
        Err(self.unsettled())
    }

    /// Removes the file, link or empty directory that is here.
    ///
    /// # Errors
    /// As [`Place::read_error`].
    pub(super) fn remove(&self) -> Result<()> {
        self.require_name()?;
        let remove = || -> io::Result<()> {
            let (parent, name) = self.parent()?;
            match unlinkat(&parent, name, AtFlags::empty()) {
                Err(Errno::ISDIR) => {
                    let _emptying = self.granted.emptying();
                    Ok(unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
                }
                removed => Ok(removed?),
            }
        };
        remove().map_err(|error| self.read_error(error))
    }
}

fn describe(stamps: &Stamps, name: &str, file: Option<&File>, stat: &Stat) -> FileInfo {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        _ => FileKind::Other,
    };
    let regular = kind == FileKind::File;
    FileInfo {
        name: name.to_owned(),
        kind,
        size: if regular { stat.st_size.cast_unsigned() } else { 0 },
        modified: stamp::nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        stamp: match file {
            Some(file) if regular => stamps.of(file, stat),
            _ => stamp::of_inode(stat),
        },
    }
}

/// What is known about the child `name` of `directory`; `None` if it is gone.
///
/// # Errors
/// The system's.
pub(super) fn describe_child(stamps: &Stamps, directory: &File, name: &str, kind: FileType) -> io::Result<Option<FileInfo>> {
    if kind == FileType::RegularFile {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        if let Ok(file) = openat(directory, name, flags, Mode::empty()).map(File::from) {
            return Ok(Some(describe(stamps, name, Some(&file), &fstat(&file)?)));
        }
    }
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(describe(stamps, name, None, &stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the directory `path` of `root` so that it can be listed and synced.
///
/// # Errors
/// The system's.
pub(super) fn open_for_listing(root: &Dir, path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed());
    Ok(root.open_with(path, &options)?.into_std())
}

/// Makes every directory of `path` that is missing, from the first below one that is there; adds those in which one was made to `changed`.
fn make_directories(root: &Dir, path: &str, changed: &mut Vec<File>) -> io::Result<()> {
    match root.open_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(drop),
    }
    let parent = path.rsplit_once('/').map(|(parent, _)| parent);
    if let Some(parent) = parent {
        make_directories(root, parent, changed)?;
    }
    match root.create_dir(path) {
        Ok(()) => changed.push(open_for_listing(root, parent.unwrap_or("."))?),
        // Something that is there but no directory shows here.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => root.open_dir(path).map(drop)?,
        Err(error) => return Err(error),
    }
    Ok(())
}
