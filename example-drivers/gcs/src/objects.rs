//! Objects: their metadata, reading, writing and removing them, and URLs for clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cofferdam_guest::prelude::*;
use cofferdam_guest::web::objects::{opened, opened_empty};
use cofferdam_guest::web::{dates, malformed, presigned, range_header, remove_each, sized, unheld, whole_size};

use crate::errors::{document, succeed};
use crate::resources::{MEMBERS, Resource};
use crate::{GcsDriver, lists};

/// What a condition is called in a query. Generation 0 is that of an object which is not there.
const IF_GENERATION: &str = "ifGenerationMatch";

impl StreamingStore for GcsDriver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        Ok(self.resource(&self.bucket.root().key(path), path.as_str())?.info(path.as_str()))
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let Some(asked) = range_header(range) else { return opened_empty(self.stat(path)?, range) };
        if self.says_little {
            return self.open_described(path, range);
        }
        let request = Request::get(self.bucket.object(&self.bucket.root().key(path), "", &[("alt", "media")])).header_if("range", asked);
        let response = match succeed(request.send()?, path.as_str()) {
            Err(error) if error.kind == ErrorKind::InvalidRange => return opened_empty(self.stat(path)?, range),
            answered => answered?,
        };
        let (size, generation) = (whole_size(&response), response.header("x-goog-generation"));
        let modified = response.header("last-modified").and_then(dates::http);
        match (size, generation, modified) {
            (Some(size), Some(generation), Some(modified)) => {
                let info = ObjectInfo::object(path.as_str(), size, modified, generation);
                opened(info, range, response)
            }
            _ => {
                self.says_little = true;
                self.open_described(path, range)
            }
        }
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        check_etag(&condition, path)?;
        sized(&content, self.put_max)?;
        let written = self.insert(&self.bucket.root().key(path), &content, &condition, path.as_str());
        written.map(|resource| resource.info(path.as_str())).map_err(|error| unheld(error, &condition, path))
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        lists::page(&self.bucket, prefix, &options)
    }

    /// One request for each.
    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        remove_each(paths, |path| self.removal(&self.bucket.root().key(path)), succeed)
    }
}

impl Presigning for GcsDriver {
    fn presign(&mut self, path: &StorePath, access: Access, seconds: u32) -> Result<String> {
        presigned(self.bucket.for_clients(&self.bucket.root().key(path)), access, seconds)
    }
}

impl GcsDriver {
    /// What the server says of the object `name`.
    pub(crate) fn resource(&self, name: &str, what: &str) -> Result<Resource> {
        Resource::read(&document(Request::get(self.bucket.object(name, "", &[("fields", MEMBERS)])).send()?, what)?)
    }

    /// Opens a generation that was asked for before.
    fn open_described(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let info = self.stat(path)?;
        let Span { offset, length } = range.within(info.size);
        if length == 0 {
            return opened_empty(info, range);
        }
        let generation = info.etag.clone().unwrap_or_default();
        let url = self.bucket.object(&self.bucket.root().key(path), "", &[("alt", "media"), ("generation", &generation)]);
        let range_asked = (length < info.size).then(|| format!("bytes={offset}-{}", offset + length - 1));
        let answer = succeed(Request::get(url).header_if("range", range_asked).send()?, path.as_str());
        let response = answer.map_err(|error| match error.kind {
            ErrorKind::NotFound => Error::unavailable(format!("{path} was replaced while it was opened")),
            _ => error,
        })?;
        if whole_size(&response) != Some(info.size) {
            return Err(Error::unavailable(format!("{path} was replaced while it was opened")));
        }
        opened(info, range, response)
    }

    /// Writes the object `name` under `condition`, and compares what the server made of it with what the host sent.
    ///
    /// # Errors
    /// `unavailable` if it arrived damaged: then it is removed again.
    pub(crate) fn insert(&self, name: &str, content: &Content, condition: &Condition, what: &str) -> Result<Resource> {
        let pairs: Vec<_> = held_to(condition).into_iter().collect();
        let request = Request::post(self.bucket.upload(name, &pairs)).header("content-type", "application/octet-stream");
        let digest = match content.digest("crc32c") {
            Ok(digest) => Some(STANDARD.encode(digest)),
            // Live: it is read only once.
            Err(error) if error.kind == ErrorKind::Unsupported => None,
            Err(error) => return Err(error),
        };
        let made = Resource::read(&document(request.send_with(content)?, what)?)?;
        if digest.is_some_and(|digest| !made.crc32c.is_empty() && made.crc32c != digest) {
            let url = self.bucket.object(name, "", &[(IF_GENERATION, &made.generation)]);
            succeed(Request::delete(url).send()?, what).found()?;
            return Err(Error::unavailable(format!("{what} was damaged on its way")).with_code("crc32c"));
        }
        Ok(made)
    }

    /// Removes the object `name`; one that is missing is as good as removed.
    pub(crate) fn remove_object(&self, name: &str, what: &str) -> Result<()> {
        succeed(self.removal(name).send()?, what).found().map(drop)
    }

    fn removal(&self, name: &str) -> Request {
        Request::delete(self.bucket.object(name, "", &[]))
    }
}

/// A condition as a part of a query.
pub(crate) fn held_to(condition: &Condition) -> Option<(&'static str, &str)> {
    match condition {
        Condition::Unconditional => None,
        Condition::IfAbsent => Some((IF_GENERATION, "0")),
        Condition::IfMatch(etag) => Some((IF_GENERATION, etag)),
    }
}

/// Refuses a condition that cannot hold: its etag is no generation of an object.
pub(crate) fn check_etag(condition: &Condition, path: &StorePath) -> Result<()> {
    match condition {
        Condition::IfMatch(etag) if !etag.parse::<u64>().is_ok_and(|generation| generation > 0 && generation.to_string() == *etag) => {
            Err(Error::precondition_failed(path))
        }
        _ => Ok(()),
    }
}

/// The error for an answer that has not what it must have.
pub(crate) fn lacking<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(malformed)
}
