//! Going through directories in byte order of whole paths: the granted ones, or a server's.

use std::ops::ControlFlow;

use super::files::{self, FileInfo};
use crate::error::Result;
use crate::path::is_component;
use crate::types::{Error, ErrorKind};

/// The most entries that the host answers at a time.
pub const ENTRIES_MAX: u32 = 10_000;

/// Answers the entries of a directory that come after a sort key, at most so many.
pub type Source<'a> = &'a mut dyn FnMut(&str, Option<&str>, u32) -> Result<Vec<FileInfo>>;

/// A walk that reads no directory which it does not visit: for lists whose pages may cost a directory, never the tree.
pub struct Walk<'a> {
    /// Visits the files of all directories below, and not the directories, instead of the direct children.
    pub deep: bool,
    /// How many entries to ask the host for at a time; at most [`ENTRIES_MAX`].
    pub chunk: u32,
    /// Is given the path below the start, and what is there. Breaking ends the walk.
    pub visit: &'a mut dyn FnMut(&str, FileInfo) -> ControlFlow<()>,
}

impl Walk<'_> {
    /// Visits what is below `directory` and comes after the path `after` (`x/y`; empty for all). Answers whether it exists.
    ///
    /// A deep walk enters directories whose names may be components of paths. One that vanishes meanwhile counts as empty.
    ///
    /// # Errors
    /// What `files::entries` answers, other than that there is no such directory.
    pub fn run(self, directory: &str, after: &str) -> Result<bool> {
        let mut entries = |directory: &str, after: Option<&str>, limit: u32| match files::entries(directory, after, limit) {
            // A file where a directory was asked for.
            Err(error) if error.kind == ErrorKind::InvalidArgument => Err(Error::not_found(directory)),
            answer => answer,
        };
        self.run_with(&mut entries, directory, after)
    }

    /// As [`Walk::run`], through directories whose entries `source` answers as `files::entries` does: of a directory those after a
    /// sort key, at most so many, and fewer only at the end.
    ///
    /// # Errors
    /// What `source` answers, other than `not-found`: then there is no such directory.
    pub fn run_with(mut self, source: Source<'_>, directory: &str, after: &str) -> Result<bool> {
        self.enter(source, directory, "", after).map(|walked| walked.is_some())
    }

    /// Visits `directory`, which is at `path` below the start; `None` if it does not exist.
    fn enter(&mut self, source: Source<'_>, directory: &str, path: &str, after: &str) -> Result<Option<ControlFlow<()>>> {
        // `after` may be far below: then the rest of that directory comes first.
        if let Some((name, rest)) = after.split_once('/').filter(|(name, _)| self.deep && is_component(name))
            && let Some(ControlFlow::Break(())) = self.enter(source, &format!("{directory}/{name}"), &format!("{path}{name}/"), rest)?
        {
            return Ok(Some(ControlFlow::Break(())));
        }
        let mut after = after.to_owned();
        loop {
            let entries = match source(directory, Some(after.as_str()).filter(|after| !after.is_empty()), self.chunk) {
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                answer => answer?,
            };
            let is_last = entries.len() < self.chunk as usize;
            after = entries.last().map(FileInfo::sort_key).unwrap_or_default();
            for entry in entries {
                if self.step(source, directory, path, entry)?.is_break() {
                    return Ok(Some(ControlFlow::Break(())));
                }
            }
            if is_last {
                return Ok(Some(ControlFlow::Continue(())));
            }
        }
    }

    fn step(&mut self, source: Source<'_>, directory: &str, path: &str, entry: FileInfo) -> Result<ControlFlow<()>> {
        let below = format!("{path}{}", entry.name);
        if !(self.deep && entry.is_directory()) {
            return Ok((self.visit)(&below, entry));
        }
        if !is_component(&entry.name) {
            return Ok(ControlFlow::Continue(()));
        }
        let walked = self.enter(source, &format!("{directory}/{}", entry.name), &format!("{below}/"), "")?;
        Ok(walked.unwrap_or(ControlFlow::Continue(())))
    }
}
