//! Changing: `replace`, `write`, `set-size`, `sync`, `commit`, `make-directory`, `remove`.

use std::sync::Arc;

use rustix::fs::ftruncate;

use super::commit::{Task, commit};
use super::directories::{Directories, Need};
use super::place::How;
use super::rename::Source;
use super::transfer::transfer;
use super::{FileInfo, FileKind, WriteMode, blocking, stamp};
use crate::call::CallContext;
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};

impl Directories {
    /// Replaces the file at `path` by `content`, whole and durable, or changes nothing.
    ///
    /// # Errors
    /// `already-exists` with `no_replace`; `invalid-argument` if a directory is there or a parent is a file; what reading the content answers.
    ///
    /// # Cancel safety
    /// Dropping the future either changes nothing or, in the moment of the rename, replaces the file as a whole.
    pub(crate) async fn replace(&self, call: &CallContext, path: &str, content: &Content, no_replace: bool) -> Result<FileInfo> {
        let place = self.resolve(path, Need::Write)?;
        place.require_name()?;
        let destination = place.clone();
        let prepare = move |_: &blocking::Cancelled| {
            // The rename decides; this only saves moving bytes for nothing.
            match destination.info() {
                Ok(info) if info.kind == FileKind::Directory => return Err(destination.refuse("a directory")),
                Ok(_) if no_replace => return Err(Error::new(ErrorKind::AlreadyExists, "something is there").at_path(destination.path())),
                _ => {}
            }
            let temporary = destination.granted.temporary().map_err(|error| destination.error(error))?;
            stamp::renew(&temporary.file);
            Ok(temporary)
        };
        let temporary = blocking::run(call, prepare).await?;
        transfer(call, content, &temporary.file, 0).await.map_err(|error| error.at_path(path))?;
        let task = Task::Rename { source: Source::Temporary(temporary), destination: place.clone(), no_replace };
        commit(call, &place.granted, task).await
    }

    /// Moves `content` into the file at `path`, from `offset`; answers how many bytes. The file and its parents are made if
    /// they are missing.
    ///
    /// # Errors
    /// `already-exists` with `create_new`; `invalid-argument` if it is no regular file; what reading the content answers: then
    /// a part of it may have been written.
    ///
    /// # Cancel safety
    /// A part may have been written. What still writes holds what `call` holds until it has stopped.
    pub(crate) async fn write(&self, call: &CallContext, path: &str, offset: u64, content: &Content, mode: WriteMode) -> Result<u64> {
        let place = self.resolve(path, Need::Write)?;
        let prepare = move |_: &blocking::Cancelled| {
            let (file, stat) = place.create_regular(if mode.create_new { How::CreateNew } else { How::Create })?;
            stamp::forget(&file).map_err(|error| place.error(error))?;
            if mode.truncate && stat.st_size > 0 {
                ftruncate(&file, 0).map_err(|error| place.error(error.into()))?;
            }
            Ok(Arc::new(file))
        };
        let file = blocking::run(call, prepare).await?;
        transfer(call, content, &file, offset).await.map_err(|error| error.at_path(path))
    }

    /// Cuts the file at `path` to `size`, or extends it by zeros.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if it is no regular file.
    ///
    /// # Cancel safety
    /// It may or may not have happened; as [`Directories::write`].
    pub(crate) async fn set_size(&self, call: &CallContext, path: &str, size: u64) -> Result<()> {
        let place = self.resolve(path, Need::Write)?;
        let cut = move |_: &blocking::Cancelled| {
            let (file, _) = place.open_regular(How::Write)?;
            stamp::forget(&file).and_then(|()| Ok(ftruncate(&file, size)?)).map_err(|error| place.error(error))
        };
        blocking::run(call, cut).await
    }

    /// Makes what is at `path` and its name durable, together with what others want durable.
    ///
    /// # Errors
    /// `not-found`.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn sync(&self, call: &CallContext, path: &str) -> Result<()> {
        let place = self.resolve(path, Need::Write)?;
        let granted = place.granted.clone();
        commit(call, &granted, Task::Sync(place)).await.map(drop)
    }

    /// Makes the bytes of `source` durable, renames it to `destination` and makes that durable, together with what others want.
    ///
    /// # Errors
    /// `not-found`, always about `source`; `already-exists` with `no_replace`; `invalid-argument` if `source` is no regular file,
    /// a directory is at `destination`, or they are in different grants.
    ///
    /// # Cancel safety
    /// It may or may not have happened, as a whole.
    pub(crate) async fn commit(&self, call: &CallContext, source: &str, destination: &str, no_replace: bool) -> Result<FileInfo> {
        let from = self.resolve(source, Need::Write)?;
        let to = self.resolve(destination, Need::Write)?;
        from.require_name()?;
        to.require_name()?;
        if !Arc::ptr_eq(&from.granted, &to.granted) {
            return Err(to.refuse("in another granted directory than its source"));
        }
        let granted = to.granted.clone();
        commit(call, &granted, Task::Rename { source: Source::Named(from), destination: to, no_replace }).await
    }

    /// Makes a directory, with its parents. One that is there is a success.
    ///
    /// # Errors
    /// `invalid-argument` if something else is in the way.
    pub(crate) fn make_directory(&self, path: &str) -> Result<()> {
        self.resolve(path, Need::Write)?.make_directory()
    }

    /// Removes a file or an empty directory.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if the directory is not empty or is the granted one itself.
    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        self.resolve(path, Need::Write)?.remove()
    }
}
