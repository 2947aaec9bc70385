//! Copies by the server, in one request or, above its limit, in the parts of an upload.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::uploads::{Token, pieces};
use cofferdam_guest::web::{check_condition, dates, unquoted};

use crate::checksum::Checksum;
use crate::errors::document;
use crate::{PARTS_MAX, S3Driver};

/// How large a part of a copy is, if the object has not too many of them: 512 MiB.
const PART: u64 = 512 << 20;

impl Copying for S3Driver {
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        check_condition(&condition, destination, self.conditional_put)?;
        let info = self.stat(source)?;
        if source == destination {
            // S3 refuses a copy that changes nothing.
            condition.check(info.etag.as_deref(), destination)?;
            return Ok(info);
        }
        let free = condition == Condition::Unconditional;
        if info.size > if free { self.copy_max } else { self.copy_max.min(self.put_max) } {
            return self.copy_in_parts(source, &info, destination, &condition);
        }
        if free {
            return self.copy_at_once(source, &info, destination);
        }
        // Servers that keep the conditions of a write do not all keep those of a copy: so it is a write, from host to host.
        let opened = self.open(source, ByteRange::Whole)?;
        self.put(destination, opened.content, condition)
    }
}

impl S3Driver {
    fn copy_at_once(&mut self, source: &StorePath, info: &ObjectInfo, destination: &StorePath) -> Result<ObjectInfo> {
        let request = self.of_source(self.writing(Request::put(self.url(destination))), source, info);
        let answer = document(request.send()?, source.as_str()).map_err(|error| changed(error, source))?;
        match dates::iso(answer.text("LastModified")) {
            Some(modified) => Ok(ObjectInfo::object(destination.as_str(), info.size, modified, unquoted(answer.text("ETag")))),
            None => self.stat(destination),
        }
    }

    fn copy_in_parts(&mut self, source: &StorePath, info: &ObjectInfo, destination: &StorePath, condition: &Condition) -> Result<ObjectInfo> {
        // What is copied was checked when it was written; its parts need no checksum of ours.
        let token = self.begin(destination, Checksum::None)?;
        let copied = self.copy_parts(&token, source, info).and_then(|parts| self.join(&token, &parts, None, condition));
        copied.inspect_err(|_| {
            // The error that is answered is the copy's; what is left is the bucket's lifecycle rule's.
            drop(self.give_up(&token));
        })
    }

    fn copy_parts(&self, token: &Token, source: &StorePath, info: &ObjectInfo) -> Result<Vec<WrittenPart>> {
        let most = PART.min(self.copy_max).max(info.size.div_ceil(u64::from(PARTS_MAX)));
        let mut parts = Vec::new();
        for (number, Span { offset, length }) in pieces(info.size, most) {
            let request = self.of_source(Request::put(self.part_url(token, number)), source, info);
            let request = request.header("x-amz-copy-source-range", format!("bytes={offset}-{}", offset + length - 1));
            let answer = document(request.send()?, source.as_str()).map_err(|error| changed(error, source))?;
            parts.push(WrittenPart { number, offset, length, writer: 1, id: unquoted(answer.text("ETag")).to_owned() });
        }
        Ok(parts)
    }

    /// The request with `source` as what it copies, as long as it is what `info` says.
    fn of_source(&self, request: Request, source: &StorePath, info: &ObjectInfo) -> Request {
        let request = request.header("x-amz-copy-source", self.bucket.copy_source(&self.bucket.root().key(source)));
        request.header_if("x-amz-copy-source-if-match", info.etag.as_ref().map(|etag| format!("\"{etag}\"")))
    }
}

/// The error of a copy: a source that was replaced meanwhile can be copied again.
fn changed(error: Error, source: &StorePath) -> Error {
    if error.kind == ErrorKind::PreconditionFailed {
        return Error { kind: ErrorKind::Unavailable, message: format!("{source} was replaced while it was copied"), ..error };
    }
    error
}
