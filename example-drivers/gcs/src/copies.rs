//! Copies by the server: one rewrite, which a large object may take in several steps.

use cofferdam_guest::prelude::*;
use serde_json::Value;

use crate::GcsDriver;
use crate::errors::document;
use crate::objects::{check_etag, held_to, lacking};
use crate::resources::Resource;

impl Copying for GcsDriver {
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        check_etag(&condition, destination)?;
        let info = self.stat(source)?;
        if source == destination {
            condition.check(info.etag.as_deref(), destination)?;
            return Ok(info);
        }
        let (from, to) = (self.bucket.root().key(source), self.bucket.root().key(destination));
        let generation = info.etag.as_deref().unwrap_or_default();
        let mut token = None::<String>;
        loop {
            // Only the version that was asked about: none is mixed of two.
            let mut pairs = vec![("ifSourceGenerationMatch", generation)];
            pairs.extend(held_to(&condition));
            pairs.extend(token.as_deref().map(|token| ("rewriteToken", token)));
            let request = Request::post(self.bucket.rewrite(&from, &to, &pairs));
            // Without a body its length is to be said all the same.
            let answer = match document(request.send_with(&Content::from_bytes(b""))?, source.as_str()) {
                Err(error) if error.kind == ErrorKind::PreconditionFailed => return Err(self.unmet(error, source, destination, &condition)?),
                answered => answered?,
            };
            if answer.get("done").and_then(Value::as_bool).unwrap_or_default() {
                return Ok(Resource::read(lacking(answer.get("resource"))?)?.info(destination.as_str()));
            }
            let next = lacking(answer.get("rewriteToken").and_then(Value::as_str))?;
            token = Some(next.to_owned());
        }
    }
}

impl GcsDriver {
    /// Which of the two conditions did not hold: GCS does not say.
    fn unmet(&mut self, error: Error, source: &StorePath, destination: &StorePath, condition: &Condition) -> Result<Error> {
        let present = self.stat(destination).found()?.and_then(|info| info.etag);
        Ok(match condition.check(present.as_deref(), destination) {
            Err(unheld) => Error { code: error.code, ..unheld },
            // It can be copied again.
            Ok(()) => Error { kind: ErrorKind::Unavailable, message: format!("{source} was replaced while it was copied"), ..error },
        })
    }
}
