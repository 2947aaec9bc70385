//! Lists in the contract's order, out of GCS's, which sorts names by their bytes too and calls a prefix by its name with a `/`.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::lists::{self, Batch, Wanted, first_after};

use crate::bucket::Bucket;
use crate::resources::{items, next_token, prefixes};

/// How many entries GCS answers at most.
const PAGE_MAX: u32 = 1000;

/// What is asked for of a list.
pub(crate) const FIELDS: &str = "items(name,size,generation,updated,crc32c),prefixes,nextPageToken";

/// One page of what is below `prefix`. Others' objects whose names are no paths are left out.
pub(crate) fn page(bucket: &Bucket, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    let below = bucket.root().key(prefix.base());
    lists::page(prefix, options, PAGE_MAX, |wanted: &Wanted<'_>| {
        let most = wanted.limit.to_string();
        let start = first_after(&below, &bucket.root().key(wanted.after), options.recursive).filter(|_| !wanted.after.is_empty());
        let mut query = vec![("maxResults", most.as_str()), ("fields", FIELDS), ("prefix", &below)];
        query.extend((!options.recursive).then_some(("delimiter", "/")));
        query.extend(start.as_deref().map(|start| ("startOffset", start)));
        query.extend(wanted.token.map(|token| ("pageToken", token)));
        let answer = bucket.list(&query, "a list")?;
        let root = bucket.root();
        let mut entries: Vec<_> = items(&answer)?.iter().filter_map(|item| Some(item.info(root.path(&item.name)?))).collect();
        entries.extend(prefixes(&answer).filter_map(|name| Some(ObjectInfo::prefix(root.path(name.strip_suffix('/')?)?))));
        let token = next_token(&answer);
        Ok(Batch { entries, more: token.is_some(), token })
    })
}
