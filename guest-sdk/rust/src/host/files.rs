//! The granted directories (contract: `files`): paths begin with the name of a grant, `/data/…`.
//!
//! Errors are the contract's; each function documents those that a driver acts upon.

pub use crate::bindings::cofferdam::storage::files::{CommitMode, FileInfo, FileKind, WriteMode};
use crate::error::Result;
use crate::host::backend;
use crate::host::data::Content;
use crate::types::{ByteRange, Condition};

/// An opened file.
#[derive(Debug)]
pub struct OpenedFile {
    /// The file's: its size is that of all of it.
    pub info: FileInfo,
    /// The range's.
    pub content: Content,
}

/// A held lock, released when dropped.
pub struct Guard {
    _held: backend::files::Guard,
}

impl FileInfo {
    /// What lists sort by: the name, a directory's with `/` appended.
    pub fn sort_key(&self) -> String {
        if self.is_directory() { format!("{}/", self.name) } else { self.name.clone() }
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, FileKind::Directory)
    }

    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, FileKind::File)
    }
}

/// How a file must be replaced for `condition` to hold: nothing may be there for `if-absent`.
impl From<&Condition> for CommitMode {
    fn from(condition: &Condition) -> Self {
        match condition {
            Condition::IfAbsent => Self::NO_REPLACE,
            Condition::Unconditional | Condition::IfMatch(_) => Self::empty(),
        }
    }
}

/// Opens a regular file for reading, as it is now, even if it is replaced meanwhile.
///
/// # Errors
/// `not-found`; `invalid-argument` if it is no regular file.
pub fn open(path: &str, range: ByteRange) -> Result<OpenedFile> {
    backend::files::open(path, range).map(|(info, content)| OpenedFile { info, content: Content(content) })
}

/// What is under `path`.
///
/// # Errors
/// `not-found`.
pub fn stat(path: &str) -> Result<FileInfo> {
    backend::files::stat(path)
}

/// Direct children in the order of their sort keys, after the sort key `after`; fewer than `limit` only at the end.
///
/// # Errors
/// `not-found`; `invalid-argument` if it is no directory.
pub fn entries(directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<FileInfo>> {
    backend::files::entries(directory, after, limit)
}

/// Replaces the file at `path` by `content`, whole and durable, or changes nothing.
///
/// # Errors
/// `already-exists` with `NO_REPLACE`; `invalid-argument` if a directory is at `path`, a parent is a file, or the content is not as
/// long as it says.
pub fn replace(path: &str, content: &Content, mode: CommitMode) -> Result<FileInfo> {
    backend::files::replace(path, &content.0, mode)
}

/// Moves `content` into the file at `offset`; answers how many bytes. Not durable before [`sync`] or [`commit`].
///
/// # Errors
/// `already-exists` with `CREATE_NEW`; what reading the content answers.
pub fn write(path: &str, offset: u64, content: &Content, mode: WriteMode) -> Result<u64> {
    backend::files::write(path, offset, &content.0, mode)
}

/// Cuts the file to `size`, or extends it by zeros.
///
/// # Errors
/// `not-found`.
pub fn set_size(path: &str, size: u64) -> Result<()> {
    backend::files::set_size(path, size)
}

/// Makes the file's bytes and its name durable.
///
/// # Errors
/// `not-found`.
pub fn sync(path: &str) -> Result<()> {
    backend::files::sync(path)
}

/// Makes `source` durable and renames it to `destination`, durably.
///
/// # Errors
/// `not-found`, always about `source`; `already-exists` with `NO_REPLACE`.
pub fn commit(source: &str, destination: &str, mode: CommitMode) -> Result<FileInfo> {
    backend::files::commit(source, destination, mode)
}

/// Makes a directory with its missing parents.
///
/// # Errors
/// `invalid-argument` if something else is in the way.
pub fn make_directory(path: &str) -> Result<()> {
    backend::files::make_directory(path)
}

/// Removes a file or an empty directory.
///
/// # Errors
/// `not-found`; `invalid-argument` if the directory is not empty.
pub fn remove(path: &str) -> Result<()> {
    backend::files::remove(path)
}

/// Takes the lock of that name, exclusive among all instances and processes that hold the grant; waits.
///
/// # Errors
/// `unavailable` at the call's deadline.
pub fn lock(name: &str) -> Result<Guard> {
    backend::files::lock(name).map(|held| Guard { _held: held })
}
