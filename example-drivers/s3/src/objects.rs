//! Objects: their metadata, reading, writing and removing them, and URLs for clients.

use std::collections::HashMap;

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::objects::{opened, opened_empty};
use cofferdam_guest::web::xml::escape;
use cofferdam_guest::web::{check_condition, conditional, dates, malformed, presigned, range_header, sized, unheld, unquoted, whole_size};

use crate::checksum::Checksum;
use crate::errors::{document, of_document, succeed};
use crate::{S3Driver, lists};

/// How many objects one request removes.
const REMOVED_MAX: usize = 1000;

impl StreamingStore for S3Driver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        let response = succeed(Request::head(self.url(path)).send()?, path.as_str())?;
        let size = response.header("content-length").and_then(|size| size.parse().ok()).ok_or_else(malformed)?;
        info(path, &response, size)
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let Some(asked) = range_header(range) else { return opened_empty(self.stat(path)?, range) };
        let request = Request::get(self.url(path)).header_if("range", asked.clone());
        let response = match succeed(request.send()?, path.as_str()) {
            Err(error) if error.kind == ErrorKind::InvalidRange => return opened_empty(self.stat(path)?, range),
            answered => answered?,
        };
        let info = info(path, &response, whole_size(&response).ok_or_else(malformed)?)?;
        opened(info, range, response)
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        check_condition(&condition, path, self.conditional_put)?;
        let size = sized(&content, self.put_max)?;
        let request = conditional(self.writing(Request::put(self.url(path))), &condition);
        let (request, _) = self.checksum.of_body(request, &content)?;
        let written = succeed(request.send_with(&content)?, path.as_str());
        self.written(written.map_err(|error| unheld(error, &condition, path))?, path, size)
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        lists::page(&self.bucket, prefix, &options)
    }

    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        match paths {
            [path] => vec![succeed_or_missing(Request::delete(self.url(path)).send(), path)],
            _ => paths.chunks(REMOVED_MAX).flat_map(|paths| self.remove_batch(paths)).collect(),
        }
    }
}

impl Presigning for S3Driver {
    fn presign(&mut self, path: &StorePath, access: Access, seconds: u32) -> Result<String> {
        presigned(self.url(path), access, seconds)
    }
}

impl S3Driver {
    /// The URL of the object at `path`.
    pub(crate) fn url(&self, path: &StorePath) -> String {
        self.bucket.object(&self.bucket.root().key(path), &[])
    }

    /// The request with what goes with everything that is written.
    pub(crate) fn writing(&self, request: Request) -> Request {
        self.written_with.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// What the answer to a write says of the object that it made.
    pub(crate) fn written(&mut self, response: Response, path: &StorePath, size: u64) -> Result<ObjectInfo> {
        match info(path, &response, size) {
            Ok(info) => Ok(info),
            // It is written: whatever the answer lacks can be asked for.
            Err(_) => self.stat(path),
        }
    }

    fn remove_batch(&self, paths: &[StorePath]) -> Vec<Result<()>> {
        let failed = match self.failures_to_remove(paths) {
            Ok(failed) => failed,
            Err(error) => return vec![Err(error); paths.len()],
        };
        paths.iter().map(|path| failed.get(&self.bucket.root().key(path)).cloned().map_or(Ok(()), Err)).collect()
    }

    /// Removes objects; answers those that are still there, by key.
    fn failures_to_remove(&self, paths: &[StorePath]) -> Result<HashMap<String, Error>> {
        if paths.is_empty() {
            return Ok(HashMap::new());
        }
        let keys = paths.iter().map(|path| self.bucket.root().key(path));
        let objects: String = keys.map(|key| format!("<Object><Key>{}</Key></Object>", escape(key))).collect();
        let body = format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>{objects}</Delete>");
        let content = Content::from_bytes(body.as_bytes());
        let request = Request::post(self.bucket.all(&[("delete", "")])).header("content-type", "application/xml");
        // S3 takes no removal without one, whatever the setting says.
        let (request, _) = Checksum::Md5.of_body(request, &content)?;
        let answer = document(request.send_with(&content)?, "a removal")?;
        let failed = answer.all("Error").map(|error| {
            let key = error.text("Key").to_owned();
            let what = self.bucket.root().path(&key).map_or_else(|| key.clone(), |path| path.to_string());
            (key, of_document(error, 200, &what))
        });
        Ok(failed.filter(|(_, error)| error.kind != ErrorKind::NotFound).collect())
    }
}

/// A removal's answer: what is missing is as good as removed.
fn succeed_or_missing(answer: Result<Response>, path: &StorePath) -> Result<()> {
    succeed(answer?, path.as_str()).found().map(drop)
}

/// What the head of an answer says of the object at `path`, which has `size` bytes.
fn info(path: &StorePath, response: &Response, size: u64) -> Result<ObjectInfo> {
    let etag = response.header("etag").map(unquoted).ok_or_else(malformed)?;
    Ok(ObjectInfo::object(path.as_str(), size, dates::modified(response)?, etag))
}
