//! Copies and moves: by the server where nothing is at the destination, else by writing it anew.
//!
//! `Overwrite: T` would remove what is there before anything takes its place (RFC 4918, 9.8.4 and 9.9.3), and some servers copy so that half of
//! a copy can be read. So a copy is made under a name of our own, and moved to a name that is free; one that is taken is replaced by a PUT.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::check_condition;

use crate::WebDavDriver;
use crate::collections::{prune, writing};
use crate::errors::succeed;
use crate::server::Place;

impl Copying for WebDavDriver {
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        check_condition(&condition, destination, self.conditional_put)?;
        let info = self.stat(source)?;
        if source == destination {
            condition.check(info.etag.as_deref(), destination)?;
            return Ok(info);
        }
        if condition == Condition::Unconditional && self.stat(destination).found()?.is_none() {
            let (from, own) = (self.server.place(source), self.server.own_place());
            // A prefix may be there by now: not more than the bare collection is copied then.
            let copied = writing(&own, || request("COPY", &from, &own).header("depth", "0").send())?;
            succeed(copied, source)?;
            let moved = move_to_free(&own, &self.server.place(destination));
            if !matches!(moved, Ok(true)) {
                drop(Request::delete(own.url()).send());
            }
            if moved? {
                return self.stat(destination);
            }
        }
        let opened = self.open(source, ByteRange::Whole)?;
        self.put(destination, opened.content, condition)
    }
}

impl Renaming for WebDavDriver {
    fn rename(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        check_condition(&condition, destination, self.conditional_put)?;
        let info = self.stat(source)?;
        if source == destination {
            condition.check(info.etag.as_deref(), destination)?;
            return Ok(info);
        }
        if condition == Condition::Unconditional && self.stat(destination).found()?.is_none() {
            let from = self.server.place(source);
            if move_to_free(&from, &self.server.place(destination))? {
                prune(&self.server, from.parent());
                return self.stat(destination);
            }
        }
        let written = self.copy(source, destination, condition)?;
        self.remove_one(source)?;
        prune(&self.server, self.server.place(source).parent());
        Ok(written)
    }
}

/// Moves the object at `from` to `to` if nothing is there. Answers whether it did.
pub(crate) fn move_to_free(from: &Place<'_>, to: &Place<'_>) -> Result<bool> {
    let moved = writing(to, || request("MOVE", from, to).send())?;
    if moved.status == 412 {
        return Ok(false);
    }
    succeed(moved, from.to_string()).map(|_| true)
}

fn request(method: &str, from: &Place<'_>, to: &Place<'_>) -> Request {
    Request::new(method, from.url()).header("destination", to.url()).header("overwrite", "F")
}
