//! The directories of objects: made when something is put into one that is missing, removed when nothing is in them any more.

use cofferdam_guest::prelude::*;

use crate::errors::{self, succeed};
use crate::multistatus::{children, is_empty, one};
use crate::server::{Place, Server};

/// How often a write is tried whose directory is missing: between the making of one and the write somebody else may remove it.
const TRIES: u32 = 4;

/// Sends what writes to `place`, and makes the collections above it if it turns out that they are missing.
///
/// # Errors
/// What the server answers to that; any status of the write itself is an answer.
pub(crate) fn writing(place: &Place<'_>, mut send: impl FnMut() -> Result<Response>) -> Result<Response> {
    let mut were_there = false;
    for _ in 1..TRIES {
        let response = send()?;
        // RFC 4918 wants 409; nginx says 404 of a MOVE, and Apache 500 of a MOVE and of a PUT whose directory went while it wrote.
        if were_there || !matches!(response.status, 404 | 409 | 500) {
            return Ok(response);
        }
        let Some(parent) = place.parent() else { return Ok(response) };
        // Where they are, another one may just have made them: that is worth one try.
        were_there = !make(&parent)?;
    }
    send()
}

/// Makes the collections above `place` before something large is sent there: a server that lacks them refuses without reading what comes, and its
/// answer may be lost with the connection that it closes.
///
/// # Errors
/// What the server answers.
pub(crate) fn make_parents(place: &Place<'_>) -> Result<()> {
    place.parent().map_or(Ok(false), |parent| make(&parent)).map(drop)
}

/// Makes the collection at `place` and those above it, as far as they are missing. Answers whether any was.
fn make(place: &Place<'_>) -> Result<bool> {
    let mut missing = Vec::new();
    let mut next = Some(place.clone());
    let mut made = false;
    // From below: most are there.
    while let Some(place) = next {
        next = place.parent();
        match send_make(&place)? {
            201 => {
                made = true;
                break;
            }
            405 => break,
            _ => missing.push(place),
        }
    }
    for place in missing.iter().rev() {
        let status = send_make(place)?;
        // Where two make it at once, Apache has other words for the one who comes second.
        let is_there = || one(place).is_ok_and(|found| found.is_some_and(|found| found.is_directory()));
        if !matches!(status, 201 | 405) && !is_there() {
            return Err(beneath_object(place).unwrap_or_else(|| {
                Error::unavailable(format!("the server makes no collection {place}: HTTP status {status}")).with_code(status.to_string())
            }));
        }
    }
    Ok(made || !missing.is_empty())
}

/// The status of a MKCOL: 405 means that something is there.
///
/// # Errors
/// What has nothing to do with what is there.
fn send_make(place: &Place<'_>) -> Result<u16> {
    let response = Request::new("MKCOL", place.collection_url()).send()?;
    match response.status {
        200..=299 => Ok(201),
        // A redirect is what some servers answer where a collection is.
        301 => Ok(405),
        status @ (400 | 403 | 404 | 405 | 409 | 500) => Ok(status),
        _ => Err(errors::of(&response, &place.to_string())),
    }
}

/// The error of a write to `place` if an object is where a collection must be, or the reverse.
pub(crate) fn beneath_object(place: &Place<'_>) -> Option<Error> {
    let there = |place: &Place<'_>| one(place).ok().flatten();
    if there(place).is_some_and(|entry| entry.is_directory()) {
        return Some(Error::invalid_argument(format!("{place} is a prefix: other objects are below it")));
    }
    let mut above = std::iter::successors(place.parent(), Place::parent);
    let object = above.find(|place| there(place).is_some_and(|entry| entry.is_file()))?;
    Some(Error::invalid_argument(format!("{object} is an object, so nothing can be below it")))
}

/// Removes the collection at `place` if nothing is in it, and those above it that are empty then. It is a courtesy: what goes wrong is told
/// to the log, for what was asked is done already.
pub(crate) fn prune(server: &Server, place: Option<Place<'_>>) {
    let mut next = place;
    while let Some(place) = next.filter(Place::is_below_root) {
        match remove_empty(server, &place) {
            Ok(true) => next = place.parent(),
            Ok(false) => return,
            Err(error) => return system::log(system::Level::Warn, &format!("the empty collection {place} stays: {}", error.message)),
        }
    }
}

/// Removes the collection at `place` if nothing is in it. Answers whether it did.
///
/// WebDAV has no removal that spares what is not empty, and somebody may put something into it at any moment. So it is moved away first, where
/// nobody else finds it, and looked at there. What was in it all the same goes back.
fn remove_empty(server: &Server, place: &Place<'_>) -> Result<bool> {
    if !is_empty(place)? {
        return Ok(false);
    }
    let aside = server.own_place_of(place);
    let moved = writing(&aside, || {
        let request = Request::new("MOVE", place.collection_url()).header("destination", aside.collection_url());
        request.header("overwrite", "F").send()
    })?;
    match moved.status {
        // Another one removed it, or it has something in it by now that is locked.
        404 | 412 | 423 => return Ok(false),
        _ => succeed(moved, place.to_string())?,
    };
    if is_empty(&aside)? {
        succeed(Request::delete(aside.collection_url()).send()?, aside.to_string())?;
        return Ok(true);
    }
    put_back(&aside, place)?;
    Ok(false)
}

/// Moves what is in the collection `aside` to where it was: as a whole, or piece by piece where there is one again. What was written anew
/// meanwhile is newer and stays.
fn put_back(aside: &Place<'_>, place: &Place<'_>) -> Result<()> {
    let back = |from: String, to: &Place<'_>, url: String| {
        let request = Request::new("MOVE", from).header("destination", url).header("overwrite", "F");
        let moved = writing(to, || request.send())?;
        if moved.status == 412 { Ok(false) } else { succeed(moved, to.to_string()).map(|_| true) }
    };
    if back(aside.collection_url(), place, place.collection_url())? {
        return Ok(());
    }
    for entry in children(aside, None, ENTRIES_MAX)? {
        let (from, to) = (aside.child(&entry.name), place.child(&entry.name));
        if entry.is_directory() {
            put_back(&from, &to)?;
        } else {
            back(from.url(), &to, to.url())?;
        }
    }
    Ok(())
}
