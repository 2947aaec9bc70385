//! Between the contract's types and the host's: what a driver answers is checked here, before anybody believes it.

use crate::bindings::cofferdam::storage::store_types as wit;
use crate::bindings::exports::cofferdam::storage::presigning;
use crate::error::{Error, ErrorKind, Result};
use crate::path::{Prefix, StorePath};
use crate::text::printable;
use crate::types::{
    ByteRange, Condition, EntryKind, Etag, FoundPart, ListOptions, ObjectInfo, Page, Part, PartId, PresignedAccess, UploadToken, WrittenPart,
};

/// The longest etag or cursor that the host takes, in bytes.
const TEXT_MAX: usize = 8 << 10;

/// The most attributes that an entry may have.
const ATTRIBUTES_MAX: usize = 64;

pub(crate) fn misbehaved(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misbehaved, message)
}

/// A driver's own error.
pub(crate) fn error_from_wit(error: wit::Error) -> Error {
    let kind = match error.kind {
        wit::ErrorKind::NotFound => ErrorKind::NotFound,
        wit::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        wit::ErrorKind::PreconditionFailed => ErrorKind::PreconditionFailed,
        wit::ErrorKind::InvalidPath => ErrorKind::InvalidPath,
        wit::ErrorKind::InvalidRange => ErrorKind::InvalidRange,
        wit::ErrorKind::InvalidArgument => ErrorKind::InvalidArgument,
        wit::ErrorKind::Unsupported => ErrorKind::Unsupported,
        wit::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        wit::ErrorKind::Unauthenticated => ErrorKind::Unauthenticated,
        wit::ErrorKind::QuotaExceeded => ErrorKind::QuotaExceeded,
        wit::ErrorKind::RateLimited => ErrorKind::RateLimited,
        wit::ErrorKind::Unavailable => ErrorKind::Unavailable,
        wit::ErrorKind::Corrupted => ErrorKind::Corrupted,
        wit::ErrorKind::UploadExpired => ErrorKind::UploadExpired,
        wit::ErrorKind::Internal => ErrorKind::Internal,
    };
    Error::new(kind, printable(&error.message, 4 << 10))
        .with_code(error.code.map(|code| printable(&code, 256)))
        .with_retry_after_ms(error.retry_after_ms)
}

fn text(what: &str, text: String) -> Result<String> {
    if text.len() > TEXT_MAX {
        return Err(misbehaved(format!("the driver answered {what} of {} bytes, over {TEXT_MAX}", text.len())));
    }
    Ok(text)
}

pub(crate) fn etag(answered: String) -> Result<Etag> {
    if answered.is_empty() || answered.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(misbehaved(format!("the driver answered the etag {:?}", printable(&answered, 80))));
    }
    text("an etag", answered).map(Etag)
}

/// Metadata that a driver answered, its path checked against the rules.
pub(crate) fn info(answered: wit::ObjectInfo) -> Result<ObjectInfo> {
    let path = StorePath::new(&answered.path).map_err(|error| {
        misbehaved(format!("the driver answered a path that is none: {}", error.message())).at_path(printable(&answered.path, 120))
    })?;
    if answered.attributes.len() > ATTRIBUTES_MAX {
        return Err(misbehaved(format!("the driver answered {} attributes, over {ATTRIBUTES_MAX}", answered.attributes.len())));
    }
    let kind = match answered.kind {
        wit::EntryKind::Object => EntryKind::Object,
        wit::EntryKind::Prefix => EntryKind::Prefix,
    };
    Ok(ObjectInfo {
        path,
        kind,
        size: answered.size,
        modified: answered.modified,
        etag: answered.etag.map(etag).transpose()?,
        attributes: answered.attributes,
    })
}

/// As [`info`], for the object that was asked for.
pub(crate) fn info_of(answered: wit::ObjectInfo, asked: &StorePath) -> Result<ObjectInfo> {
    let info = info(answered)?;
    if info.path != *asked {
        return Err(misbehaved(format!("the driver was asked for {asked} and answered about {}", info.path)));
    }
    if info.kind != EntryKind::Object {
        return Err(misbehaved("the driver answered a prefix where an object was asked for"));
    }
    Ok(info)
}

/// A page that a driver answered: within the prefix, in order, no longer than was asked for, and getting on.
pub(crate) fn page(answered: wit::Page, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    if answered.entries.len() > options.limit as usize {
        return Err(misbehaved(format!("the driver answered {} entries where at most {} were asked for", answered.entries.len(), options.limit)));
    }
    let mut last = options.start_after.clone();
    let mut entries = Vec::with_capacity(answered.entries.len());
    for entry in answered.entries {
        let entry = info(entry)?;
        let Some(below) =
            prefix.contains(entry.path.as_str()).then(|| entry.path.as_str()[prefix.as_str().trim_end_matches('/').len() + 1..].to_owned())
        else {
            return Err(misbehaved(format!("the driver was asked for what is below {prefix} and answered {}", entry.path)));
        };
        if !options.recursive && below.contains('/') {
            return Err(misbehaved(format!("the driver was asked for children of {prefix} and answered {}", entry.path)));
        }
        if options.recursive && entry.kind == EntryKind::Prefix {
            return Err(misbehaved(format!("the driver answered the prefix {} in a recursive list", entry.path)));
        }
        let key = entry.sort_key();
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(misbehaved(format!("the driver's list is not in byte order: {key} after {}", last.unwrap_or_default())));
        }
        last = Some(key);
        entries.push(entry);
    }
    let next = answered.next.map(|next| text("a cursor", next)).transpose()?;
    if next.is_some() && next == options.cursor {
        return Err(misbehaved("the driver's list does not get on: it answered the cursor that it was given"));
    }
    Ok(Page { entries, next })
}

pub(crate) fn token(answered: String) -> Result<UploadToken> {
    UploadToken::new(answered).map_err(|error| misbehaved(format!("the driver answered an upload token of {}", error.message())))
}

pub(crate) fn part_id(answered: String) -> Result<PartId> {
    PartId::new(answered).map_err(|error| misbehaved(format!("the driver answered a part id of {}", error.message())))
}

pub(crate) fn found_part(answered: wit::FoundPart) -> Result<FoundPart> {
    Ok(FoundPart { number: answered.number, length: answered.length, id: part_id(answered.id)? })
}

impl From<Condition> for wit::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Unconditional => Self::Unconditional,
            Condition::IfAbsent => Self::IfAbsent,
            Condition::IfMatch(etag) => Self::IfMatch(etag.0),
        }
    }
}

impl From<ByteRange> for wit::ByteRange {
    fn from(range: ByteRange) -> Self {
        match range {
            ByteRange::Whole => Self::Whole,
            ByteRange::StartingAt(offset) => Self::StartingAt(offset),
            ByteRange::Bounded { offset, length } => Self::Bounded(wit::Span { offset, length }),
            ByteRange::Last(length) => Self::Last(length),
        }
    }
}

impl From<wit::ByteRange> for ByteRange {
    fn from(range: wit::ByteRange) -> Self {
        match range {
            wit::ByteRange::Whole => Self::Whole,
            wit::ByteRange::StartingAt(offset) => Self::StartingAt(offset),
            wit::ByteRange::Bounded(wit::Span { offset, length }) => Self::Bounded { offset, length },
            wit::ByteRange::Last(length) => Self::Last(length),
        }
    }
}

impl From<&ListOptions> for wit::ListOptions {
    fn from(options: &ListOptions) -> Self {
        Self { recursive: options.recursive, start_after: options.start_after.clone(), cursor: options.cursor.clone(), limit: options.limit }
    }
}

impl From<PresignedAccess> for presigning::Access {
    fn from(access: PresignedAccess) -> Self {
        match access {
            PresignedAccess::Read => Self::Read,
            PresignedAccess::Stat => Self::Stat,
        }
    }
}

impl From<Part> for wit::Part {
    fn from(part: Part) -> Self {
        Self { number: part.number, offset: part.offset, writer: part.writer }
    }
}

impl From<&WrittenPart> for wit::WrittenPart {
    fn from(part: &WrittenPart) -> Self {
        Self { number: part.number, offset: part.offset, length: part.length, writer: part.writer, id: part.id.as_str().to_owned() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: wit::EntryKind) -> wit::ObjectInfo {
        wit::ObjectInfo { path: path.to_owned(), kind, size: 0, modified: None, etag: None, attributes: Vec::new() }
    }

    fn check(entries: Vec<wit::ObjectInfo>, options: &ListOptions) -> Result<Page> {
        page(wit::Page { entries, next: None }, &Prefix::new("/p").unwrap(), options)
    }

    #[test]
    fn lists_are_ordered_by_sort_keys() {
        use wit::EntryKind::{Object, Prefix};
        let options = ListOptions::default();
        assert!(check(vec![entry("/p/f-x", Object), entry("/p/f.x", Object), entry("/p/f", Prefix), entry("/p/f0", Object)], &options).is_ok());
        assert!(check(vec![entry("/p/f", Prefix), entry("/p/f-x", Object)], &options).is_err());
        assert!(check(vec![entry("/p/a", Object), entry("/p/a", Object)], &options).is_err());
    }

    #[test]
    fn what_is_outside_is_refused() {
        use wit::EntryKind::Object;
        let options = ListOptions::default();
        for path in ["/q/a", "/pa", "/p", "/p/../q", "/p/a/b", ""] {
            assert_eq!(check(vec![entry(path, Object)], &options).unwrap_err().kind(), ErrorKind::Misbehaved, "{path}");
        }
        let after = ListOptions { start_after: Some("/p/b".to_owned()), ..ListOptions::default() };
        assert!(check(vec![entry("/p/a", Object)], &after).is_err());
    }
}
