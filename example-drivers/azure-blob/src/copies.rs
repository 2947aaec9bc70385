//! Copies by the server, in one request or, above its limit, in blocks.
//!
//! Of Azure's three ways these are the two that end when they are answered. The third, Copy Blob, goes on by itself: until it has ended,
//! which nobody promises, the destination is there without its bytes. See `README.md`.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::unheld;
use cofferdam_guest::web::uploads::pieces;

use crate::container::put;
use crate::errors::succeed;
use crate::objects::check_etag;
use crate::{AzureBlobDriver, BLOCKS_MAX, blocks};

/// For how long the server may read the source: longer than any request takes.
const SOURCE_SECONDS: u32 = 3600;

impl Copying for AzureBlobDriver {
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        check_etag(&condition, destination)?;
        let info = self.stat(source)?;
        if source == destination {
            condition.check(info.etag.as_deref(), destination)?;
            return Ok(info);
        }
        match Request::get(self.url(source)).presign(SOURCE_SECONDS) {
            Ok(url) if info.size <= self.copy_max => self.copy_at_once(&url, &info, destination, &condition),
            Ok(url) => self.copy_in_blocks(&url, &info, destination, &condition),
            // The server reads the source only by a URL that is signed, and this grant signs none: so it is a write, from host to host.
            Err(error) if error.kind == ErrorKind::Unsupported => {
                let opened = self.open(source, ByteRange::Whole)?;
                self.put(destination, opened.content, condition)
            }
            Err(error) => Err(error),
        }
    }
}

impl AzureBlobDriver {
    fn copy_at_once(&mut self, url: &str, info: &ObjectInfo, destination: &StorePath, condition: &Condition) -> Result<ObjectInfo> {
        let request = put(self.url(destination)).header("x-ms-requires-sync", "true");
        let request = self.writing(of_source(request, url, info), condition);
        let copied = succeed(request.send_with(&nothing())?, &info.path).map_err(|error| uncopied(error, info, condition, destination))?;
        self.written(&copied, destination, info.size)
    }

    fn copy_in_blocks(&mut self, url: &str, info: &ObjectInfo, destination: &StorePath, condition: &Condition) -> Result<ObjectInfo> {
        let most = self.copy_max.max(info.size.div_ceil(u64::from(BLOCKS_MAX)));
        let (upload, mut names) = (blocks::new_upload(), Vec::new());
        for (number, Span { offset, length }) in pieces(info.size, most) {
            let name = blocks::name(&upload, &Part { number, offset, writer: 1 });
            let request = of_source(put(self.block_url(destination, &name)), url, info);
            let request = request.header("x-ms-source-range", format!("bytes={offset}-{}", offset + length - 1));
            succeed(request.send_with(&nothing())?, &info.path).map_err(|error| uncopied(error, info, condition, destination))?;
            names.push(name);
        }
        self.commit(destination, &upload, &names, info.size, condition)
    }
}

/// The body of a request that has none: Azure wants its length to be said, and azurite takes a block without one for a Copy Blob.
fn nothing() -> Content {
    Content::from_bytes(b"")
}

/// The request with what `url` reads as what it copies, as long as it is what `info` says.
fn of_source(request: Request, url: &str, info: &ObjectInfo) -> Request {
    let request = request.header("x-ms-copy-source", url);
    request.header_if("x-ms-source-if-match", info.etag.as_ref().map(|etag| format!("\"{etag}\"")))
}

/// The error of a copy: a source that was replaced meanwhile can be copied again, and one that is gone is what is missing.
fn uncopied(error: Error, source: &ObjectInfo, condition: &Condition, destination: &StorePath) -> Error {
    match (error.kind, error.code.as_deref()) {
        (ErrorKind::NotFound, _) => error,
        (_, Some("SourceConditionNotMet")) => Error { message: format!("{} was replaced while it was copied", source.path), ..error },
        _ => unheld(error, condition, destination),
    }
}
