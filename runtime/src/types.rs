//! The words that the stores speak: conditions, ranges, metadata, pages, parts.

use std::fmt;

use bytes::Bytes;

use crate::content::Content;
use crate::error::{Error, Result};
use crate::path::StorePath;

/// Equal etags mean equal bytes, and every change of the bytes changes it. Opaque.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(pub String);

/// What must hold for a write to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: replace what is there.
    #[default]
    Unconditional,
    /// Nothing is stored there yet.
    IfAbsent,
    /// What is stored there has this etag.
    IfMatch(Etag),
}

/// Which bytes of an object. A range at or past the end is empty, not an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteRange {
    /// All of them.
    #[default]
    Whole,
    /// From this offset to the end.
    StartingAt(u64),
    /// At most `length` from `offset`.
    Bounded {
        /// Where it begins, in bytes from the start of the object.
        offset: u64,
        /// How many bytes at most.
        length: u64,
    },
    /// The last so many.
    Last(u64),
}

impl ByteRange {
    /// Offset and length of this range within an object of `size` bytes: clamped, never an error.
    pub fn within(self, size: u64) -> (u64, u64) {
        match self {
            Self::Whole => (0, size),
            Self::StartingAt(offset) => (offset.min(size), size.saturating_sub(offset)),
            Self::Bounded { offset, length } => (offset.min(size), length.min(size.saturating_sub(offset))),
            Self::Last(length) => (size.saturating_sub(length), length.min(size)),
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::StartingAt(offset) => write!(f, "{offset}-"),
            Self::Bounded { offset, length } => write!(f, "{offset}+{length}"),
            Self::Last(length) => write!(f, "-{length}"),
        }
    }
}

/// Whether an entry of a list is an object or has objects below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// An object.
    Object,
    /// A prefix: something is stored below it.
    Prefix,
}

/// What is known about an object, or about a prefix in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its absolute path.
    pub path: StorePath,
    /// Object or prefix.
    pub kind: EntryKind,
    /// Bytes; 0 for a prefix.
    pub size: u64,
    /// When it was last written, in nanoseconds since the Unix epoch.
    pub modified: Option<u64>,
    /// Its etag.
    pub etag: Option<Etag>,
    /// What the driver adds, by names that its documentation lists.
    pub attributes: Vec<(String, String)>,
}

impl ObjectInfo {
    /// The key by which lists are ordered: the path, for a prefix with `/` appended.
    pub fn sort_key(&self) -> String {
        match self.kind {
            EntryKind::Object => self.path.to_string(),
            EntryKind::Prefix => format!("{}/", self.path),
        }
    }
}

/// An opened object: its metadata as of that moment, and the bytes of the range that was asked for.
#[derive(Debug)]
pub struct Opened {
    /// Of the whole object.
    pub info: ObjectInfo,
    /// Of the range.
    pub content: Content,
}

/// How to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// Everything below instead of direct children.
    pub recursive: bool,
    /// Begin after this sort key, exclusively. To go on after a prefix, append its `/`.
    pub start_after: Option<String>,
    /// A former page's [`Page::next`]; with it `start_after` is absent.
    pub cursor: Option<String>,
    /// At most so many entries; at least 1.
    pub limit: u32,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self { recursive: false, start_after: None, cursor: None, limit: 1000 }
    }
}

/// One page of a list, in byte order of sort keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<ObjectInfo>,
    /// Present exactly if more may follow.
    pub next: Option<String>,
}

/// A small value of the atomic store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// At most [`crate::VALUE_MAX`] bytes.
    pub data: Bytes,
    /// Its etag.
    pub etag: Etag,
}

/// One page of keys, in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<String>,
    /// Whether more follow.
    pub more: bool,
}

/// The largest value that an atomic store keeps: 1 MiB.
pub const VALUE_MAX: usize = 1 << 20;

/// The longest token or part id that the host takes from a driver, in bytes.
pub const TOKEN_MAX: usize = 8 << 10;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes what a driver answered, or what a journal kept.
            ///
            /// # Errors
            /// `invalid-argument` if it is longer than [`TOKEN_MAX`].
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                if text.len() > TOKEN_MAX {
                    return Err(Error::invalid_argument(format!("{} bytes, over the {TOKEN_MAX} that a token may have", text.len())));
                }
                Ok(Self(text))
            }

            /// The token as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}
token! {
    /// An unfinished upload, by the name that its driver gave it.
    UploadToken
}
token! {
    /// A written part, by the name that its driver gave it.
    PartId
}

/// Where a part goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number: parts are joined in the order of their numbers. Never reused within an upload.
    pub number: u32,
    /// Where its bytes begin in the object.
    pub offset: u64,
    /// Counts the owners of the upload.
    pub writer: u64,
}

/// A part that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPart {
    /// Its number.
    pub number: u32,
    /// Where its bytes begin in the object.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// Which owner wrote it.
    pub writer: u64,
    /// What its driver called it.
    pub id: PartId,
}

/// A part that a driver found: what its backend knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPart {
    /// Its number.
    pub number: u32,
    /// How many bytes it has.
    pub length: u64,
    /// What its driver called it when it was written.
    pub id: PartId,
}

/// An unfinished upload that a driver found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUpload {
    /// Its token.
    pub token: UploadToken,
    /// When it was created, in nanoseconds since the Unix epoch.
    pub created: Option<u64>,
}

/// What a presigned URL is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresignedAccess {
    /// `GET`: the bytes.
    Read,
    /// `HEAD`: whether it is there, and its size.
    Stat,
}

impl PresignedAccess {
    /// The method of the request.
    pub fn method(self) -> &'static str {
        match self {
            Self::Read => "GET",
            Self::Stat => "HEAD",
        }
    }
}

/// A URL at which a client without credentials has an object for a while. Whoever has it may use it, so `Debug` shows only what comes before its query.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl(String);

impl PresignedUrl {
    /// Takes what a store answered.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// All of it, with what makes it valid.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split('?').next().unwrap_or_default();
        write!(f, "PresignedUrl({shown}?…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped() {
        assert_eq!(ByteRange::Whole.within(96), (0, 96));
        assert_eq!(ByteRange::StartingAt(95).within(96), (95, 1));
        assert_eq!(ByteRange::StartingAt(1000).within(96), (96, 0));
        assert_eq!(ByteRange::Bounded { offset: 90, length: 100 }.within(96), (90, 6));
        assert_eq!(ByteRange::Bounded { offset: 1, length: u64::MAX }.within(96), (1, 95));
        assert_eq!(ByteRange::Last(10).within(96), (86, 10));
        assert_eq!(ByteRange::Last(100).within(96), (0, 96));
    }

    #[test]
    fn what_makes_a_url_valid_is_not_shown() {
        let url = PresignedUrl::new("https://store.example/a?X-Amz-Signature=0123");
        assert_eq!(format!("{url:?}"), "PresignedUrl(https://store.example/a?…)");
    }
}
