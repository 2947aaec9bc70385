//! Lists in the contract's order, out of S3's, which sorts keys by their bytes too and calls a prefix by its name with a `/`.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::xml::Element;
use cofferdam_guest::web::{dates, malformed, unquoted};

use crate::errors::document;
use crate::url::{Bucket, decoded};

/// How many entries S3 answers at most.
const PAGE_MAX: u32 = 1000;

/// One page of what is below `prefix`.
///
/// Where it begins is a sort key, also in our cursors, so that a page depends on no state of the server. Others' keys that are no
/// paths are left out; a page that they took room from is filled up by asking on.
pub(crate) fn page(bucket: &Bucket, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    let Some(after) = options.after(prefix)? else { return Ok(Page { entries: Vec::new(), next: None }) };
    let limit = options.limit.min(PAGE_MAX) as usize;
    let below = bucket.key(prefix.base());
    let after = if after.is_empty() { String::new() } else { format!("{below}{after}") };
    let (mut entries, mut token) = (Vec::new(), None::<String>);
    let more = loop {
        let most = (limit - entries.len()).to_string();
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("max-keys", &most), ("prefix", &below)];
        query.extend((!options.recursive).then_some(("delimiter", "/")));
        query.extend((!after.is_empty()).then_some(("start-after", after.as_str())));
        query.extend(token.as_deref().map(|token| ("continuation-token", token)));
        let answer = document(Request::get(bucket.all(&query)).send()?, "a list")?;
        entries.extend(found(bucket, &answer, &after)?);
        let more = answer.is_true("IsTruncated");
        token = Some(answer.text("NextContinuationToken").to_owned()).filter(|token| !token.is_empty());
        if !more || entries.len() >= limit {
            break more;
        }
        // To ask the same again would never end.
        token.as_ref().ok_or_else(malformed)?;
    };
    if entries.is_empty() && options.is_first() && !prefix.is_root() {
        return Err(Error::not_found(prefix));
    }
    let next = entries.last().filter(|_| more).map(|last| format!(">{}", last.sort_key()));
    Ok(Page { entries, next })
}

/// The entries of an answer that are paths, in the order of their sort keys.
fn found(bucket: &Bucket, answer: &Element, after: &str) -> Result<Vec<ObjectInfo>> {
    let mut found = Vec::new();
    for object in answer.all("Contents") {
        let key = decoded(object.text("Key"));
        let Some(path) = bucket.path(&key) else { continue };
        let size = object.text("Size").parse().map_err(|_| malformed())?;
        let modified = dates::iso(object.text("LastModified")).ok_or_else(malformed)?;
        let listed = ObjectInfo::object(path, size, modified, unquoted(object.text("ETag")));
        // Some servers list none, as the contract lets a list do.
        found.push((key, ObjectInfo { etag: listed.etag.filter(|etag| !etag.is_empty()), ..listed }));
    }
    for prefix in answer.all("CommonPrefixes") {
        let key = decoded(prefix.text("Prefix"));
        let Some(path) = key.strip_suffix('/').and_then(|key| bucket.path(key)) else { continue };
        found.push((key, ObjectInfo::prefix(path)));
    }
    // S3 begins after a key, and so shows a prefix again if something in it comes after: as an entry it does not.
    found.retain(|(key, _)| key.as_str() > after);
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}
