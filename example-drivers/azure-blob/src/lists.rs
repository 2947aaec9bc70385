//! Lists in the contract's order, out of Azure's, which sorts names by their bytes too and calls a prefix by its name with a `/`.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::lists::{self, Batch, Wanted, first_after};
use cofferdam_guest::web::xml::Element;
use cofferdam_guest::web::{dates, malformed, unquoted};

use crate::container::{self, Container};
use crate::errors::document;

/// How many entries are asked for at most; Azure answers up to 5,000, which is more than a driver should have in its memory.
const PAGE_MAX: u32 = 1000;

/// One page of what is below `prefix`. Others' blobs whose names are no paths are left out.
pub(crate) fn page(container: &Container, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    let below = container.root().key(prefix.base());
    lists::page(prefix, options, PAGE_MAX, |wanted: &Wanted<'_>| {
        let most = wanted.limit.to_string();
        let start = first_after(&below, &container.root().key(wanted.after), options.recursive).filter(|_| !wanted.after.is_empty());
        let mut query = vec![("maxresults", most.as_str()), ("prefix", &below)];
        query.extend((!options.recursive).then_some(("delimiter", "/")));
        query.extend(start.as_deref().map(|start| ("startFrom", start)));
        query.extend(wanted.token.map(|token| ("marker", token)));
        let answer = document(container::get(container.list(&query)).send()?, "a list")?;
        let token = Some(answer.text("NextMarker").to_owned()).filter(|token| !token.is_empty());
        Ok(Batch { entries: found(container, &answer)?, more: token.is_some(), token })
    })
}

/// The entries of an answer that are paths.
fn found(container: &Container, answer: &Element) -> Result<Vec<ObjectInfo>> {
    let mut found = Vec::new();
    let Some(entries) = answer.first("Blobs") else { return Ok(found) };
    for blob in entries.all("Blob") {
        let Some(path) = container.root().path(blob.text("Name")) else { continue };
        let properties = blob.first("Properties").ok_or_else(malformed)?;
        let size = properties.text("Content-Length").parse().map_err(|_| malformed())?;
        let modified = dates::http(properties.text("Last-Modified")).ok_or_else(malformed)?;
        found.push(ObjectInfo::object(path, size, modified, unquoted(properties.text("Etag"))));
    }
    for prefix in entries.all("BlobPrefix") {
        let Some(path) = prefix.text("Name").strip_suffix('/').and_then(|name| container.root().path(name)) else { continue };
        found.push(ObjectInfo::prefix(path));
    }
    Ok(found)
}
