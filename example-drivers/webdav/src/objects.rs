//! Objects: their metadata, reading, writing and removing them.

use std::collections::BTreeSet;

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::{check_condition, conditional, dates, malformed, range_header, sized, unheld, unquoted, whole_size};

use crate::collections::{beneath_object, make_parents, prune, writing};
use crate::errors::{self, succeed};
use crate::server::Place;
use crate::{WebDavDriver, lists, multistatus};

/// What is sent without asking first whether its collection is there: 64 KiB are on their way before any answer could come.
const SMALL: u64 = 64 << 10;

/// How often an object is opened that is replaced all the while.
const READS_MAX: u32 = 10;

/// How often a removal is tried of an object that is replaced all the while.
const REMOVALS_MAX: u32 = 5;

impl StreamingStore for WebDavDriver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        self.head(path).map(|(info, _)| info)
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        for _ in 0..READS_MAX {
            let opened = self.open_once(path, range)?;
            // Apache looks at a file before it opens it, and another one may take its place between. If it has the same etag when it is open, all
            // was of one version.
            if !self.check_reads || self.head(path).found()?.is_some_and(|(now, _)| now.etag == opened.info.etag) {
                return Ok(opened);
            }
        }
        Err(Error::unavailable(format!("{path} was replaced each time when it was opened")))
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        check_condition(&condition, path, self.conditional_put)?;
        let size = sized(&content, u64::MAX)?;
        let place = self.server.place(path);
        let target = if self.put_through_move { self.server.own_place() } else { place.clone() };
        if size > SMALL {
            make_parents(&target)?;
        }
        let written = if self.put_through_move {
            self.put_aside(&target, &place, path, &content)?
        } else {
            let request = conditional(Request::put(place.url()), &condition);
            let written = writing(&place, || request.send_with(&content))?;
            self.done(written, &place, path).map_err(|error| unheld(error, &condition, path))?
        };
        self.written(&written, path, size)
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        lists::page(self, prefix, &options)
    }

    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        let answers: Vec<_> = paths.iter().map(|path| self.remove_one(path)).collect();
        let removed = paths.iter().zip(&answers).filter(|(_, answer)| matches!(answer, Ok(true)));
        // The deepest first, each once.
        let directories: BTreeSet<_> = removed.map(|(path, _)| path.directory()).collect();
        for directory in directories.into_iter().rev() {
            prune(&self.server, Some(self.server.place(directory)));
        }
        answers.into_iter().map(|answer| answer.map(drop)).collect()
    }
}

impl WebDavDriver {
    /// What the server says of the object at `path`, and the etag by which a request can name just this version of it.
    fn head(&self, path: &StorePath) -> Result<(ObjectInfo, Option<String>)> {
        let place = self.server.place(path);
        let response = Request::head(place.url()).send()?;
        let size = response.header("content-length").and_then(|size| size.parse().ok());
        let strong = response.header("etag").filter(|etag| etag.starts_with('"')).map(str::to_owned);
        if let Some(info) = size.and_then(|size| told(path, &response, size)) {
            return Ok((info, strong));
        }
        if !response.is_success() {
            return Err(self.not_opened(&place, path, &response));
        }
        // Apache leaves out that a length is 0, and others say 200 of a collection too.
        let file = multistatus::one(&place)?.filter(FileInfo::is_file).ok_or_else(|| Error::not_found(path))?;
        let etag = version(response.header("etag").or(Some(&file.stamp)), file.modified, file.size);
        Ok((ObjectInfo::object(path.as_str(), file.size, file.modified, etag), strong))
    }

    fn open_once(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let Some(asked) = range_header(range) else { return self.open_nothing(path, range) };
        let place = self.server.place(path);
        let response = Request::get(place.url()).header_if("range", asked).send()?;
        if response.status == 416 {
            return self.open_nothing(path, range);
        }
        let Some(info) = whole_size(&response).and_then(|size| told(path, &response, size)) else {
            return Err(self.not_opened(&place, path, &response));
        };
        let span = range.within(info.size);
        // The whole object where a piece was asked for would be the wrong bytes.
        if response.status != 206 && (span.offset, span.length) != (0, info.size) {
            return Err(Error::unsupported(format!("the server does not read ranges: it answered all of {path}")));
        }
        Ok(Opened { info, content: response.content })
    }

    /// The error of an answer that does not tell of an object: a collection is none, whatever the server says of it.
    fn not_opened(&self, place: &Place<'_>, path: &StorePath, response: &Response) -> Error {
        let is_collection = || multistatus::one(place).is_ok_and(|found| found.is_none_or(|found| found.is_directory()));
        match response.status {
            200..=299 | 300..=400 | 403 | 405 | 409 | 501 if is_collection() => Error::not_found(path),
            200..=299 => malformed(),
            _ => errors::of(response, path.as_str()),
        }
    }

    /// Opens a range that has no bytes, for which HTTP has an error.
    fn open_nothing(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let info = self.stat(path)?;
        if range.within(info.size).length > 0 {
            return Err(Error::unavailable(format!("{path} was replaced by a longer object while it was opened")));
        }
        Ok(Opened { info, content: Content::from_bytes(b"") })
    }

    /// Writes `content` under a name of our own, and moves it to `place` when it is whole.
    fn put_aside(&self, own: &Place<'_>, place: &Place<'_>, path: &StorePath, content: &Content) -> Result<Response> {
        let request = Request::put(own.url());
        let written = writing(own, || request.send_with(content))?;
        succeed(written, path)?;
        let moved = self.move_over(own, place, path);
        if moved.is_err() {
            drop(Request::delete(own.url()).send());
        }
        moved
    }

    fn move_over(&self, own: &Place<'_>, place: &Place<'_>, path: &StorePath) -> Result<Response> {
        // An overwriting move removes what is there first: a whole tree, if it is a collection.
        let overwrite = match multistatus::one(place)? {
            Some(found) if found.is_directory() => return Err(beneath_object(place).unwrap_or_else(malformed)),
            Some(_) => "T",
            None => "F",
        };
        let request = Request::new("MOVE", own.url()).header("destination", place.url()).header("overwrite", overwrite);
        let moved = writing(place, || request.send())?;
        if moved.status == 412 {
            return Err(Error::unavailable(format!("another one wrote {path} at the same time")));
        }
        self.done(moved, place, path)
    }

    /// The answer to a write, if it is a success.
    fn done(&self, response: Response, place: &Place<'_>, path: &StorePath) -> Result<Response> {
        let status = response.status;
        succeed(response, path).map_err(|error| match status {
            400 | 403 | 404 | 405 | 409 | 500 => beneath_object(place).unwrap_or(error),
            _ => error,
        })
    }

    /// The metadata of what was written at `path`, which has `size` bytes.
    fn written(&mut self, response: &Response, path: &StorePath, size: u64) -> Result<ObjectInfo> {
        if let Some(info) = response.header("etag").and_then(|_| told(path, response, size)) {
            return Ok(info);
        }
        match self.stat(path).found()? {
            Some(info) if info.size == size => Ok(info),
            // It was written, and replaced or removed since by somebody who came later.
            _ => {
                let modified = dates::modified(response)?;
                Ok(ObjectInfo::object(path.as_str(), size, modified, version(None, modified, size)))
            }
        }
    }

    /// Removes the object at `path`. Answers whether there was one.
    pub(crate) fn remove_one(&self, path: &StorePath) -> Result<bool> {
        let url = self.server.place(path).url();
        for _ in 0..REMOVALS_MAX {
            // A DELETE of a collection takes everything in it. So it is for what is an object now, and no other version of it.
            let Some((_, etag)) = self.head(path).found()? else { return Ok(false) };
            let response = Request::delete(url.as_str()).header_if("if-match", etag).send()?;
            match response.status {
                404 | 410 => return Ok(false),
                412 => {}
                _ => return succeed(response, path).map(|_| true),
            }
        }
        Err(Error::unavailable(format!("{path} was replaced each time when it was to be removed")))
    }
}

/// What a successful answer says of the object at `path`, if it says enough: of a collection no server tells when it was last modified.
fn told(path: &StorePath, response: &Response, size: u64) -> Option<ObjectInfo> {
    let modified = response.header("last-modified").filter(|_| response.is_success()).and_then(dates::http)?;
    Some(ObjectInfo::object(path.as_str(), size, modified, version(response.header("etag"), modified, size)))
}

/// The etag that a server gives, or one that is made of what it does give.
fn version(etag: Option<&str>, modified: u64, size: u64) -> String {
    match etag.map(plain) {
        Some(etag) if !etag.is_empty() => etag.to_owned(),
        _ => format!("{:x}-{size:x}", modified / 1_000_000_000),
    }
}

/// An etag without its quotes, and without the mark of a weak one: Apache's are weak for their first second, and strong ever after.
pub(crate) fn plain(etag: &str) -> &str {
    unquoted(etag.strip_prefix("W/").unwrap_or(etag))
}

/// The object at `path`, as a list tells of it.
pub(crate) fn listed(path: &StorePath, file: &FileInfo) -> ObjectInfo {
    let etag = Some(file.stamp.clone()).filter(|etag| !etag.is_empty());
    ObjectInfo { etag, ..ObjectInfo::object(path.as_str(), file.size, file.modified, "") }
}
