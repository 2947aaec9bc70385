//! Looking: `open`, `stat`, `entries`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;

use rustix::fs::{AtFlags, FileType, RawDir, statat};

use super::directories::{Directories, Need};
use super::place::{How, describe_child};
use super::temporary::OWN;
use super::{FileInfo, FileKind};
use crate::content::Content;
use crate::error::Result;
use crate::types::ByteRange;

/// The most entries of one answer (contract: `files.entries`).
const ENTRIES_MAX: u32 = 10_000;

/// How much of a directory is read at once: 64 KiB are some 2,000 names.
const LISTING: usize = 64 << 10;

/// A child of a directory, ordered by its sort key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Child {
    /// The name, of a directory with `/` appended.
    key: String,
    is_file: bool,
}

impl Directories {
    /// Opens the regular file at `path`: what is known about it, and its bytes in `range`.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if it is no regular file; what resolving the path answers.
    pub(crate) fn open_file(&self, path: &str, range: ByteRange) -> Result<(FileInfo, Content)> {
        let place = self.resolve(path, Need::Read)?;
        let (file, stat) = place.open_regular(How::Read)?;
        let info = place.describe(Some(&file), &stat);
        let (offset, length) = range.within(info.size);
        Ok((info, Content::from_file(file, offset, length)))
    }

    /// What is at `path`, without following a link.
    ///
    /// # Errors
    /// `not-found`; what resolving the path answers.
    pub(crate) fn stat(&self, path: &str) -> Result<FileInfo> {
        self.resolve(path, Need::Read)?.info()
    }

    /// At most `limit` direct children in byte order, a directory counting as `name/`, after the sort key `after`. Names
    /// that are not UTF-8 are left out: no path can say them.
    ///
    /// Reads the names of this directory once, and looks at the children that it answers.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` if it is no directory; what resolving the path answers.
    pub(crate) fn entries(&self, directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<FileInfo>> {
        let place = self.resolve(directory, Need::Read)?;
        let is_root = place.relative().is_empty();
        let shown = |child: &Child| after.is_none_or(|after| child.key.as_str() > after) && !(is_root && child.key.trim_end_matches('/') == OWN);
        let listed = place.open_directory().and_then(|directory| Ok((children(&directory, shown)?, directory)));
        let (mut children, directory) = listed.map_err(|error| place.error(error))?;
        let limit = limit.min(ENTRIES_MAX) as usize;
        let mut entries = Vec::with_capacity(limit.min(children.len()));
        while entries.len() < limit
            && let Some(Reverse(child)) = children.pop()
        {
            let name = child.key.trim_end_matches('/');
            let kind = if child.is_file { FileType::RegularFile } else { FileType::Unknown };
            let info = describe_child(&place.granted.stamps, &directory, name, kind).map_err(|error| place.error(error))?;
            // One that is gone, or became something that sorts elsewhere, was removed while we looked.
            entries.extend(info.filter(|info| (info.kind == FileKind::Directory) == (name.len() < child.key.len())));
        }
        Ok(entries)
    }
}

/// The children of `directory` that are `shown`, smallest first.
fn children(directory: &File, shown: impl Fn(&Child) -> bool) -> io::Result<BinaryHeap<Reverse<Child>>> {
    let mut buffer = Vec::with_capacity(LISTING);
    let mut listing = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut found = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not say it in the directory.
            FileType::Unknown => {
                statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
            }
            kind => kind,
        };
        let mut key = String::with_capacity(name.len() + 1);
        key.push_str(name);
        if kind == FileType::Directory {
            key.push('/');
        }
        let child = Child { key, is_file: kind == FileType::RegularFile };
        if shown(&child) {
            found.push(Reverse(child));
        }
    }
    Ok(found.into())
}
