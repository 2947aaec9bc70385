//! Lists in the contract's order, out of S3's, which sorts keys by their bytes too and calls a prefix by its name with a `/`.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::lists::{self, Batch, Wanted};
use cofferdam_guest::web::xml::Element;
use cofferdam_guest::web::{dates, malformed, unquoted};

use crate::errors::document;
use crate::url::{Bucket, decoded};

/// How many entries S3 answers at most.
const PAGE_MAX: u32 = 1000;

/// One page of what is below `prefix`. Others' keys that are no paths are left out.
pub(crate) fn page(bucket: &Bucket, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    let below = bucket.root().key(prefix.base());
    lists::page(prefix, options, PAGE_MAX, |wanted: &Wanted<'_>| {
        let (most, after) = (wanted.limit.to_string(), bucket.root().key(wanted.after));
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("max-keys", &most), ("prefix", &below)];
        query.extend((!options.recursive).then_some(("delimiter", "/")));
        query.extend((!wanted.after.is_empty()).then_some(("start-after", after.as_str())));
        query.extend(wanted.token.map(|token| ("continuation-token", token)));
        let answer = document(Request::get(bucket.all(&query)).send()?, "a list")?;
        let token = Some(answer.text("NextContinuationToken").to_owned()).filter(|token| !token.is_empty());
        Ok(Batch { entries: found(bucket, &answer)?, more: answer.is_true("IsTruncated"), token })
    })
}

/// The entries of an answer that are paths.
fn found(bucket: &Bucket, answer: &Element) -> Result<Vec<ObjectInfo>> {
    let mut found = Vec::new();
    for object in answer.all("Contents") {
        let Some(path) = bucket.root().path(&decoded(object.text("Key"))) else { continue };
        let size = object.text("Size").parse().map_err(|_| malformed())?;
        let modified = dates::iso(object.text("LastModified")).ok_or_else(malformed)?;
        let listed = ObjectInfo::object(path, size, modified, unquoted(object.text("ETag")));
        // Some servers list none, as the contract lets a list do.
        found.push(ObjectInfo { etag: listed.etag.filter(|etag| !etag.is_empty()), ..listed });
    }
    for prefix in answer.all("CommonPrefixes") {
        let key = decoded(prefix.text("Prefix"));
        let Some(path) = key.strip_suffix('/').and_then(|key| bucket.root().path(key)) else { continue };
        found.push(ObjectInfo::prefix(path));
    }
    Ok(found)
}
