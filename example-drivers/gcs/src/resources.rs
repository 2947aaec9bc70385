//! What the JSON API says of an object.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::{dates, malformed};
use serde_json::Value;

/// The members of an object that are asked for.
pub(crate) const MEMBERS: &str = "name,size,generation,updated,crc32c";

/// An object as the server describes it.
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Tells this version of the object from all others; it is the etag.
    pub(crate) generation: String,
    pub(crate) updated: u64,
    /// Base64; of what was composed too.
    pub(crate) crc32c: String,
}

impl Resource {
    /// Reads it.
    ///
    /// # Errors
    /// `unavailable` if it lacks what an object has.
    pub(crate) fn read(value: &Value) -> Result<Self> {
        let text = |member: &str| value.get(member).and_then(Value::as_str);
        // A number of 64 bits is a text, except for emulators.
        let size = value.get("size").and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
        Ok(Self {
            name: text("name").ok_or_else(malformed)?.to_owned(),
            size: size.ok_or_else(malformed)?,
            generation: text("generation").ok_or_else(malformed)?.to_owned(),
            updated: text("updated").and_then(dates::iso).ok_or_else(malformed)?,
            crc32c: text("crc32c").unwrap_or_default().to_owned(),
        })
    }

    /// What the contract says of it, at `path`.
    pub(crate) fn info(&self, path: impl Into<String>) -> ObjectInfo {
        ObjectInfo::object(path, self.size, self.updated, &self.generation)
    }
}

/// The objects of a list.
///
/// # Errors
/// As [`Resource::read`].
pub(crate) fn items(list: &Value) -> Result<Vec<Resource>> {
    list.get("items").and_then(Value::as_array).into_iter().flatten().map(Resource::read).collect()
}

/// The prefixes of a list, each with a `/` at its end.
pub(crate) fn prefixes(list: &Value) -> impl Iterator<Item = &str> {
    list.get("prefixes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// With which the next batch of a list is asked for.
pub(crate) fn next_token(list: &Value) -> Option<String> {
    list.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned)
}
