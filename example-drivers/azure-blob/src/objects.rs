//! Blobs: their metadata, reading, writing and removing them, and URLs for clients.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::objects::{opened, opened_empty};
use cofferdam_guest::web::{conditional, dates, malformed, presigned, range_header, remove_each, sized, unheld, unquoted, whole_size};

use crate::container::{delete, get, head, put};
use crate::errors::succeed;
use crate::{AzureBlobDriver, lists};

impl StreamingStore for AzureBlobDriver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        let response = succeed(head(self.url(path)).send()?, path.as_str())?;
        let size = response.header("content-length").and_then(|size| size.parse().ok()).ok_or_else(malformed)?;
        info(path, &response, size)
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let request = get(self.url(path));
        let request = match (range, range_header(range)) {
            (_, None) => return opened_empty(self.stat(path)?, range),
            // Azure reads no ranges from the end: where that is must be known, and stay.
            (ByteRange::Last(_), _) => {
                let info = self.stat(path)?;
                let Span { offset, length } = range.within(info.size);
                if length == 0 {
                    return opened_empty(info, range);
                }
                let etag = info.etag.map(|etag| format!("\"{etag}\""));
                request.header("range", format!("bytes={offset}-{}", offset + length - 1)).header_if("if-match", etag)
            }
            (_, Some(asked)) => request.header_if("range", asked),
        };
        let response = match succeed(request.send()?, path.as_str()) {
            Err(error) if error.kind == ErrorKind::InvalidRange => return opened_empty(self.stat(path)?, range),
            Err(error) if error.kind == ErrorKind::PreconditionFailed => {
                let message = format!("{path} was replaced while it was opened");
                return Err(Error { kind: ErrorKind::Unavailable, message, ..error });
            }
            answered => answered?,
        };
        let info = info(path, &response, whole_size(&response).ok_or_else(malformed)?)?;
        opened(info, range, response)
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        check_etag(&condition, path)?;
        let size = sized(&content, self.put_max)?;
        let request = self.writing(put(self.url(path)).header("x-ms-blob-type", "BlockBlob"), &condition);
        let request = self.checksum.of_body(request, &content)?;
        let written = succeed(request.send_with(&content)?, path.as_str());
        self.written(&written.map_err(|error| unheld(error, &condition, path))?, path, size)
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        lists::page(&self.container, prefix, &options)
    }

    /// One request for each. Azure's batches hold requests that are signed each by itself, which only the host could do.
    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        remove_each(paths, |path| self.removal(&self.container.root().key(path)), succeed)
    }
}

impl Presigning for AzureBlobDriver {
    fn presign(&mut self, path: &StorePath, access: Access, seconds: u32) -> Result<String> {
        presigned(self.url(path), access, seconds)
    }
}

impl AzureBlobDriver {
    /// The URL of the object at `path`.
    pub(crate) fn url(&self, path: &StorePath) -> String {
        self.container.blob(&self.container.root().key(path), &[])
    }

    /// The request with what goes with everything that makes an object.
    pub(crate) fn writing(&self, request: Request, condition: &Condition) -> Request {
        conditional(request.header_if("x-ms-access-tier", self.access_tier.as_deref()), condition)
    }

    /// What the answer to a write says of the object that it made.
    pub(crate) fn written(&mut self, response: &Response, path: &StorePath, size: u64) -> Result<ObjectInfo> {
        match info(path, response, size) {
            Ok(info) => Ok(info),
            // It is written: whatever the answer lacks can be asked for.
            Err(_) => self.stat(path),
        }
    }

    /// Removes the blob `name`; one that is missing is as good as removed.
    pub(crate) fn remove_blob(&self, name: &str, what: &str) -> Result<()> {
        succeed(self.removal(name).send()?, what).found().map(drop)
    }

    fn removal(&self, name: &str) -> Request {
        // A blob with snapshots is not removed without them.
        delete(self.container.blob(name, &[])).header("x-ms-delete-snapshots", "include")
    }
}

/// What the head of an answer says of the object at `path`, which has `size` bytes.
fn info(path: &StorePath, response: &Response, size: u64) -> Result<ObjectInfo> {
    let etag = response.header("etag").map(unquoted).ok_or_else(malformed)?;
    Ok(ObjectInfo::object(path.as_str(), size, dates::modified(response)?, etag))
}

/// Refuses a condition that cannot hold: its etag is of no blob, and in a header it would be several.
pub(crate) fn check_etag(condition: &Condition, path: &StorePath) -> Result<()> {
    match condition {
        Condition::IfMatch(etag) if etag.is_empty() || !etag.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"*,".contains(&byte)) => {
            Err(Error::precondition_failed(path))
        }
        _ => Ok(()),
    }
}
