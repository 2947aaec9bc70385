//! Opening objects over HTTP: what an answer to a GET of a range is.

use crate::error::Result;
use crate::host::data::Content;
use crate::host::http::Response;
use crate::types::{ByteRange, Error, ObjectInfo, Opened};

/// The answer to a GET of `range` of the object that `info` describes, as what was opened: live, handed on as it arrives.
///
/// # Errors
/// `unsupported` if the server answers all of it where a piece was asked for: these would be the wrong bytes.
pub fn opened(info: ObjectInfo, range: ByteRange, response: Response) -> Result<Opened> {
    let span = range.within(info.size);
    if response.status != 206 && (span.offset, span.length) != (0, info.size) {
        return Err(Error::unsupported(format!("the server does not read ranges: it answered all of {}", info.path)));
    }
    Ok(Opened { info, content: response.content })
}

/// An opened range without bytes, of the object that `info` describes: most servers have an error for it.
///
/// # Errors
/// `unavailable` if the range has bytes after all, for the object has grown meanwhile.
pub fn opened_empty(info: ObjectInfo, range: ByteRange) -> Result<Opened> {
    if range.within(info.size).length > 0 {
        return Err(Error::unavailable(format!("{} was replaced by a longer object while it was opened", info.path)));
    }
    Ok(Opened { info, content: Content::from_bytes(b"") })
}
