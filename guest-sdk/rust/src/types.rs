//! The words of the contract, as Rust types, and what they can be asked.

pub use crate::bindings::atomic_store::interface::{Keys, Value};
pub use crate::bindings::cofferdam::storage::store_types::{
    ByteRange, Condition, EntryKind, Error, ErrorKind, FoundPart, ListOptions, ObjectInfo, Page, Part, Span, WrittenPart,
};
pub use crate::bindings::presigning::interface::Access;
pub use crate::bindings::upload_listing::interface::Found;

use crate::error::Result;
use crate::host::data::Content;

/// The largest value that an atomic store takes: 1 MiB.
pub const VALUE_MAX: usize = 1 << 20;

/// What opening an object answers.
#[derive(Debug)]
pub struct Opened {
    /// Of the whole object, as of the moment of opening.
    pub info: ObjectInfo,
    /// The bytes of the range that was asked for.
    pub content: Content,
}

impl Condition {
    /// Whether this condition holds where the object at `name` has the etag `present`, or is missing (`None`).
    ///
    /// # Errors
    /// `already-exists` or `precondition-failed`, naming `name`.
    pub fn check(&self, present: Option<&str>, name: impl AsRef<str>) -> Result<()> {
        match self {
            Self::Unconditional => Ok(()),
            Self::IfAbsent if present.is_none() => Ok(()),
            Self::IfAbsent => Err(Error::already_exists(name)),
            Self::IfMatch(etag) if present == Some(etag) => Ok(()),
            Self::IfMatch(_) => Err(Error::precondition_failed(name)),
        }
    }
}

impl From<WrittenPart> for FoundPart {
    /// What a backend tells of a part that a driver has the whole record of.
    fn from(WrittenPart { number, length, id, .. }: WrittenPart) -> Self {
        Self { number, length, id }
    }
}

impl ByteRange {
    /// Where this range begins and how many bytes it has in an object of `size` bytes: clamped, perhaps empty.
    pub fn within(&self, size: u64) -> Span {
        let (offset, length) = match *self {
            Self::Whole => (0, size),
            Self::StartingAt(offset) => (offset, u64::MAX),
            Self::Bounded(span) => (span.offset, span.length),
            Self::Last(length) => (size.saturating_sub(length), length),
        };
        let offset = offset.min(size);
        Span { offset, length: length.min(size - offset) }
    }
}

impl ObjectInfo {
    /// An object of `size` bytes.
    pub fn object(path: impl Into<String>, size: u64, modified: u64, etag: impl Into<String>) -> Self {
        let etag = Some(etag.into());
        Self { path: path.into(), kind: EntryKind::Object, size, modified: Some(modified), etag, attributes: Vec::new() }
    }

    /// What lists sort by: the path, a prefix's with `/` appended.
    pub fn sort_key(&self) -> String {
        match self.kind {
            EntryKind::Object => self.path.clone(),
            EntryKind::Prefix => format!("{}/", self.path),
        }
    }

    /// A prefix, as lists have them; `path` without a `/` at its end.
    pub fn prefix(path: impl Into<String>) -> Self {
        Self { path: path.into(), kind: EntryKind::Prefix, size: 0, modified: None, etag: None, attributes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_and_never_an_error() {
        let within = |range: ByteRange| {
            let span = range.within(96);
            (span.offset, span.length)
        };
        assert_eq!(within(ByteRange::Whole), (0, 96));
        assert_eq!(within(ByteRange::StartingAt(95)), (95, 1));
        assert_eq!(within(ByteRange::StartingAt(1000)), (96, 0));
        assert_eq!(within(ByteRange::Bounded(Span { offset: 90, length: u64::MAX })), (90, 6));
        assert_eq!(within(ByteRange::Last(10)), (86, 10));
        assert_eq!(within(ByteRange::Last(1000)), (0, 96));
    }

    #[test]
    fn conditions_say_why_they_fail() {
        let kind = |condition: Condition, present| condition.check(present, "/a").map_err(|error| error.kind);
        assert_eq!(kind(Condition::IfAbsent, Some("1")), Err(ErrorKind::AlreadyExists));
        assert_eq!(kind(Condition::IfMatch("1".into()), Some("1")), Ok(()));
        assert_eq!(kind(Condition::IfMatch("1".into()), Some("2")), Err(ErrorKind::PreconditionFailed));
        assert_eq!(kind(Condition::IfMatch("1".into()), None), Err(ErrorKind::PreconditionFailed));
    }
}
