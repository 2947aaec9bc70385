//! PROPFIND: what the server says of a resource, or of all that is directly in a collection.
//!
//! Only the depths 0 and 1 are asked for. A collection's answer may be of any length: it is read piece by piece, and no more entries
//! are kept than were asked for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::xml::{Element, each};
use cofferdam_guest::web::{dates, malformed};

use crate::errors::succeed;
use crate::objects::plain;
use crate::server::Place;

/// What is asked of each resource.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// Whether it is a collection.
    Kind,
    /// All that the contract tells.
    All,
}

/// How many objects are asked about one by one rather than with everything else in their collection: servers take four times as long to tell
/// all of an entry as to tell its name.
const FEW: u32 = 10;

/// The namespace of everything here.
const DAV: &str = "DAV:";

/// What is at `place`, a collection or not; `None` if there is nothing.
///
/// # Errors
/// What the server answers.
pub(crate) fn one(place: &Place<'_>) -> Result<Option<FileInfo>> {
    let Some(answer) = ask(place, place.url(), "0", Wanted::All)? else { return Ok(None) };
    let mut found = None;
    entries(place, &answer, Wanted::All, &mut |entry| {
        found = Some(entry).filter(|entry| entry.name.is_empty());
        ControlFlow::Break(())
    })?;
    found.map(Some).ok_or_else(malformed)
}

/// What is in the collection at `place` and has a name that paths have, in the order of sort keys: at most `limit` after `after`.
///
/// # Errors
/// `not-found` if there is no collection; what the server answers.
pub(crate) fn children(place: &Place<'_>, after: Option<&str>, limit: u32) -> Result<Vec<FileInfo>> {
    if limit <= FEW {
        let named = listed(place, after, limit, Wanted::Kind)?;
        let told = named.into_iter().map(|entry| if entry.is_file() { found(place, &entry) } else { Ok(Some(entry)) });
        if let Some(told) = told.collect::<Result<_>>()? {
            return Ok(told);
        }
        // One has gone, and another one takes its place.
    }
    listed(place, after, limit, Wanted::All)
}

/// What the server says of one that it listed by its name.
fn found(place: &Place<'_>, entry: &FileInfo) -> Result<Option<FileInfo>> {
    let there = one(&place.child(&entry.name))?.filter(FileInfo::is_file);
    Ok(there.map(|there| FileInfo { name: entry.name.clone(), ..there }))
}

fn listed(place: &Place<'_>, after: Option<&str>, limit: u32, wanted: Wanted) -> Result<Vec<FileInfo>> {
    let (mut kept, mut is_collection) = (BTreeMap::new(), false);
    let answer = ask(place, place.collection_url(), "1", wanted)?.ok_or_else(|| Error::not_found(place.to_string()))?;
    entries(place, &answer, wanted, &mut |entry| {
        if entry.name.is_empty() {
            is_collection = entry.is_directory();
        } else if is_component(&entry.name) && after.is_none_or(|after| entry.sort_key().as_str() > after) {
            kept.insert(entry.sort_key(), entry);
            if kept.len() > limit as usize {
                kept.pop_last();
            }
        }
        ControlFlow::Continue(())
    })?;
    if is_collection { Ok(kept.into_values().collect()) } else { Err(Error::not_found(place.to_string())) }
}

/// Whether nothing at all is in the collection at `place`; nothing being there counts as something.
///
/// # Errors
/// What the server answers.
pub(crate) fn is_empty(place: &Place<'_>) -> Result<bool> {
    let Some(answer) = ask(place, place.collection_url(), "1", Wanted::Kind)? else { return Ok(false) };
    let (mut is_collection, mut has_more) = (false, false);
    entries(place, &answer, Wanted::Kind, &mut |entry| {
        is_collection |= entry.name.is_empty() && entry.is_directory();
        has_more |= !entry.name.is_empty();
        if has_more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(is_collection && !has_more)
}

/// The body of the answer; `None` if nothing is there.
fn ask(place: &Place<'_>, url: String, depth: &str, wanted: Wanted) -> Result<Option<Content>> {
    let more = if wanted == Wanted::All { "<D:getcontentlength/><D:getlastmodified/><D:getetag/>" } else { "" };
    let asked =
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\"><D:prop><D:resourcetype/>{more}</D:prop></D:propfind>");
    let request = Request::new("PROPFIND", url).header("depth", depth).header("content-type", "application/xml");
    let response = request.send_with(&Content::from_bytes(asked.as_bytes()))?;
    match response.status {
        404 | 410 => Ok(None),
        // Apache says so of what would be below an object. Of the collection itself it means that nothing is as it should be.
        400 if place.is_below_root() => Ok(None),
        207 => Ok(Some(response.content)),
        // A page for people, or a server that takes one method for another.
        200..=299 => Err(malformed()),
        _ => Err(succeed(response, place.to_string()).err().unwrap_or_else(malformed)),
    }
}

/// Hands over the resources of an answer as they arrive, the collection itself with an empty name.
fn entries(place: &Place<'_>, answer: &Content, wanted: Wanted, visit: &mut dyn FnMut(FileInfo) -> ControlFlow<()>) -> Result<()> {
    let mut itself = false;
    let root = each(answer, &mut |response| {
        if !is(&response, "response") {
            return Ok(ControlFlow::Continue(()));
        }
        let Some(name) = place.name_of(child(&response, "href").map_or("", Element::content)) else { return Ok(ControlFlow::Continue(())) };
        itself |= name.is_empty();
        entry(name, &response, wanted).map(|entry| entry.map_or(ControlFlow::Continue(()), &mut *visit))
    })?;
    // Its answer is first or last or between. Without it these are the resources of another place: a proxy renames them, say.
    match root {
        Some(root) if !itself || !is(&root, "multistatus") => Err(malformed()),
        _ => Ok(()),
    }
}

/// One resource; `None` for one that has gone meanwhile.
fn entry(name: String, response: &Element, wanted: Wanted) -> Result<Option<FileInfo>> {
    let status = |element: &Element| child(element, "status").and_then(|status| status.content().split(' ').nth(1)?.parse::<u16>().ok());
    match status(response) {
        None | Some(200..=299) => {}
        Some(404 | 410) => return Ok(None),
        Some(status) => {
            return Err(Error::unavailable(format!("the server does not tell of {name}: HTTP status {status}")).with_code(status.to_string()));
        }
    }
    let good = response.children().filter(|part| is(part, "propstat") && matches!(status(part), Some(200..=299)));
    let properties: Vec<_> = good.filter_map(|part| child(part, "prop")).collect();
    let property = |name: &str| properties.iter().find_map(|part| child(part, name));
    let text = |name: &str| property(name).map(Element::content).filter(|text| !text.is_empty());
    let kind = match property("resourcetype").and_then(|kind| child(kind, "collection")) {
        Some(_) => FileKind::Directory,
        None => FileKind::File,
    };
    let needs_all = kind == FileKind::File && wanted == Wanted::All;
    let size = text("getcontentlength").filter(|_| kind == FileKind::File).and_then(|size| size.parse().ok());
    let modified = text("getlastmodified").and_then(dates::http);
    if needs_all && (size.is_none() || modified.is_none()) {
        return Err(malformed());
    }
    let stamp = text("getetag").map(plain).unwrap_or_default().to_owned();
    Ok(Some(FileInfo { name, kind, size: size.unwrap_or_default(), modified: modified.unwrap_or_default(), stamp }))
}

fn is(element: &Element, name: &str) -> bool {
    element.name == name && &*element.namespace == DAV
}

fn child<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    element.children().find(|child| is(child, name))
}
