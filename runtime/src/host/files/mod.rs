//! The interface `files`: the granted directories, and all that can be done in them.
//!
//! Nothing here knows wasmtime but `glue`. A path that a driver says becomes a [`place::Place`] by `Directories::resolve`, the one
//! place where the grant is asked; every system call that takes a path is a method of `Place`, and goes through cap-std.
//!
//! | module | its one job |
//! |---|---|
//! | `directories` | the granted directories, opened once, and what a path means in them |
//! | `place` | one path under a granted directory: sandboxed opening, parents, names |
//! | `read` | `open`, `stat`, `entries` |
//! | `write` | `replace`, `write`, `set-size`, `sync`, `commit`, `make-directory`, `remove` |
//! | `transfer` | content into a file |
//! | `commit` | durable renames of all callers, grouped |
//! | `rename` | a file's new name, in one step |
//! | `durability` | one sync of the file system or one a file: what makes a group durable soonest |
//! | `lock` | locks by name, across instances and processes |
//! | `temporary` | the host's own files in a granted directory, and the sweep of what dead processes left |
//! | `stamp` | a value that changes with every change of a file's bytes |
//! | `blocking` | work that blocks, which a cancelled call stops and outlives |

mod blocking;
mod commit;
mod directories;
mod durability;
mod glue;

mod lock;
mod place;
mod read;
mod rename;
mod stamp;
mod temporary;
mod transfer;
mod write;

pub(crate) use directories::Directories;
pub use directories::OpenError;

/// What is under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, a FIFO, a device or a socket.
    Other,
}

/// What is known about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileInfo {
    /// The last component of its path.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: FileKind,
    /// In bytes; 0 for what is not a file.
    pub(crate) size: u64,
    /// When its bytes were last changed, in nanoseconds since the Unix epoch.
    pub(crate) modified: u64,
    /// Changes with every change of the bytes.
    pub(crate) stamp: String,
}

/// How `write` opens its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WriteMode {
    /// The file must not be there yet.
    pub(crate) create_new: bool,
    /// The file is emptied first.
    pub(crate) truncate: bool,
}

#[cfg(test)]
mod tests;
