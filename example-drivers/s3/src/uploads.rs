//! Uploads: S3's own, which any instance continues by the token, and which nothing here ever looks for in a list.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::uploads::{Token, check_joined};
use cofferdam_guest::web::xml::escape;
use cofferdam_guest::web::{check_condition, conditional, dates, malformed, sized, unheld, unquoted};

use crate::checksum::Checksum;
use crate::errors::{document, succeed};
use crate::url::decoded;
use crate::{BODY_MAX, PART_MIN, PARTS_MAX, S3Driver};

/// How many uploads, and how many parts, S3 lists at most.
const PAGE_MAX: u32 = 1000;

/// What is between the etag and the checksum in the id of a part: no etag has it.
const SEPARATOR: char = ' ';

impl Uploads for S3Driver {
    fn create(&mut self, path: &StorePath) -> Result<String> {
        self.begin(path, self.checksum).map(|token| token.text())
    }

    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String> {
        let token = Token::of_caller(token)?;
        if !(1..=PARTS_MAX).contains(&part.number) {
            return Err(Error::invalid_argument(format!("the number of a part is from 1 to {PARTS_MAX}, not {}", part.number)));
        }
        sized(&content, BODY_MAX)?;
        let (request, checksum) = self.checksum.of_body(Request::put(self.part_url(&token, part.number)), &content)?;
        let response = succeed(request.send_with(&content)?, "a part").map_err(|error| self.of_upload(error, &token))?;
        let etag = response.header("etag").map(unquoted).ok_or_else(malformed)?;
        Ok(match checksum.filter(|_| self.checksum.of_part().is_some()) {
            Some(checksum) => format!("{etag}{SEPARATOR}{checksum}"),
            None => etag.to_owned(),
        })
    }

    fn complete(&mut self, token: &str, mut parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let token = Token::of_caller(token)?;
        if token.path != *destination {
            return Err(Error::unsupported(format!("an upload to {} completes there, not at {destination}", token.path)));
        }
        if matches!(condition, Condition::IfMatch(_)) {
            return Err(Error::unsupported("an upload completes unconditionally or with `if-absent`"));
        }
        check_condition(&condition, destination, self.conditional_put)?;
        parts.sort_by_key(|part| part.number);
        check_joined(&parts, PART_MIN)?;
        if parts.is_empty() {
            // S3 joins nothing from nothing: an empty part makes an empty object.
            let part = Part { number: 1, offset: 0, writer: 1 };
            let id = self.write_part(&token.text(), part, Content::from_bytes(b""))?;
            parts.push(WrittenPart { number: 1, offset: 0, length: 0, writer: 1, id });
        }
        self.join(&token, &parts, self.checksum.of_part(), &condition)
    }

    fn abort(&mut self, token: &str) -> Result<()> {
        self.give_up(&Token::of_caller(token)?)
    }
}

impl S3Driver {
    /// Begins an upload whose parts have checksums of this kind.
    pub(crate) fn begin(&self, path: &StorePath, checksum: Checksum) -> Result<Token> {
        let url = self.bucket.object(&self.bucket.root().key(path), &[("uploads", "")]);
        let request = checksum.of_upload(self.writing(Request::post(url)));
        let answer = document(request.send()?, path.as_str()).map_err(|error| unheld(error, &Condition::Unconditional, path))?;
        let upload = answer.text("UploadId").to_owned();
        // A token that its own reader refuses would lose the upload.
        Token::parse(&Token { path: path.clone(), upload }.text()).ok_or_else(malformed)
    }

    /// Where the part `number` of an upload goes.
    pub(crate) fn part_url(&self, token: &Token, number: u32) -> String {
        let number = number.to_string();
        self.bucket.object(&self.bucket.root().key(&token.path), &[("partNumber", &number), ("uploadId", &token.upload)])
    }

    fn upload_url(&self, token: &Token) -> String {
        self.bucket.object(&self.bucket.root().key(&token.path), &[("uploadId", &token.upload)])
    }

    /// Joins `parts`, which have their checksums in elements of the name `checksum`.
    pub(crate) fn join(&mut self, token: &Token, parts: &[WrittenPart], checksum: Option<&str>, condition: &Condition) -> Result<ObjectInfo> {
        let listed: String = parts.iter().map(|part| listed(part, checksum)).collect();
        let body = format!("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{listed}</CompleteMultipartUpload>");
        let request = Request::post(self.upload_url(token)).header("content-type", "application/xml");
        let response = conditional(request, condition).send_with(&Content::from_bytes(body.as_bytes()))?;
        let modified = dates::modified(&response);
        let answer = document(response, token.path.as_str()).map_err(|error| unheld(self.of_upload(error, token), condition, &token.path))?;
        let (size, etag) = (parts.iter().map(|part| part.length).sum(), unquoted(answer.text("ETag")));
        match modified {
            Ok(modified) if !etag.is_empty() => Ok(ObjectInfo::object(token.path.as_str(), size, modified, etag)),
            _ => self.stat(&token.path),
        }
    }

    /// The error of an upload. Servers that are not S3 have a 500 for one that is gone, and would have it for ever: the list of its parts tells.
    fn of_upload(&self, error: Error, token: &Token) -> Error {
        let failed = error.kind == ErrorKind::Unavailable && matches!(error.code.as_deref(), Some("500" | "InternalError"));
        let list = || self.bucket.object(&self.bucket.root().key(&token.path), &[("uploadId", &token.upload), ("max-parts", "1")]);
        let listed = || Request::get(list()).send().and_then(|answer| succeed(answer, "a list of parts")).map_err(gone);
        if failed && listed().is_err_and(|error| error.kind == ErrorKind::UploadExpired) {
            return Error { code: error.code, ..Error::upload_expired() };
        }
        gone(error)
    }

    /// Aborts an upload; one that is not known is a success.
    pub(crate) fn give_up(&self, token: &Token) -> Result<()> {
        match succeed(Request::delete(self.upload_url(token)).send()?, "an upload").map_err(gone) {
            Err(error) if error.kind != ErrorKind::UploadExpired => Err(error),
            _ => Ok(()),
        }
    }
}

/// A part in the list that completes an upload.
fn listed(part: &WrittenPart, checksum: Option<&str>) -> String {
    let (etag, value) = part.id.split_once(SEPARATOR).unwrap_or((&part.id, ""));
    let checksum = checksum.filter(|_| !value.is_empty()).map(|name| format!("<{name}>{}</{name}>", escape(value)));
    let (number, etag) = (part.number, escape(etag));
    format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag>{}</Part>", checksum.unwrap_or_default())
}

/// The error of an upload: a proxy's 404 without a name is one of the upload, since nothing else is looked for.
fn gone(error: Error) -> Error {
    if error.kind == ErrorKind::NotFound { Error { code: error.code, ..Error::upload_expired() } } else { error }
}

impl UploadListing for S3Driver {
    fn find(&mut self, cursor: Option<&str>, limit: u32) -> Result<(Vec<Found>, Option<String>)> {
        let unknown = || Error::invalid_argument("the cursor is of no page of uploads");
        let last = cursor.map(|cursor| Token::parse(cursor).ok_or_else(unknown)).transpose()?;
        let limit = limit.min(PAGE_MAX) as usize;
        let mut marker = last.as_ref().map(|last| (self.bucket.root().key(&last.path), last.upload.clone()));
        loop {
            let most = limit.to_string();
            let mut query = vec![("uploads", ""), ("encoding-type", "url"), ("max-uploads", &most), ("prefix", self.bucket.root().as_str())];
            if let Some((key, upload)) = &marker {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", upload.as_str())]);
            }
            let answer = document(Request::get(self.bucket.all(&query)).send()?, "a list of uploads")?;
            let mut found: Vec<_> = answer
                .all("Upload")
                .filter_map(|upload| {
                    let path = self.bucket.root().path(&decoded(upload.text("Key")))?;
                    let token = Token { path, upload: upload.text("UploadId").to_owned() };
                    Some((token, dates::iso(upload.text("Initiated"))))
                })
                .collect();
            // Some servers answer all there are, whatever was asked: go on after the one that was last.
            if let Some(at) = found.iter().position(|(token, _)| last.as_ref() == Some(token)) {
                found.drain(..=at);
            }
            let more = answer.is_true("IsTruncated") || found.len() > limit;
            found.truncate(limit);
            if let Some((last, _)) = found.last() {
                let next = more.then(|| last.text());
                return Ok((found.into_iter().map(|(token, created)| Found { token: token.text(), created }).collect(), next));
            }
            // A page of others' uploads only.
            let next = (decoded(answer.text("NextKeyMarker")), answer.text("NextUploadIdMarker").to_owned());
            if !more {
                return Ok((Vec::new(), None));
            }
            if next.0.is_empty() || marker.as_ref() == Some(&next) {
                return Err(malformed());
            }
            marker = Some(next);
        }
    }

    fn written(&mut self, token: &str) -> Result<Vec<FoundPart>> {
        let token = Token::of_caller(token)?;
        let (mut parts, mut after) = (Vec::new(), String::new());
        loop {
            let mut query = vec![("uploadId", token.upload.as_str())];
            query.extend((!after.is_empty()).then_some(("part-number-marker", after.as_str())));
            let url = self.bucket.object(&self.bucket.root().key(&token.path), &query);
            let answer = document(Request::get(url).send()?, "a list of parts").map_err(gone)?;
            for part in answer.all("Part") {
                let number = part.text("PartNumber").parse().map_err(|_| malformed())?;
                let length = part.text("Size").parse().map_err(|_| malformed())?;
                let checksum = self.checksum.of_part().map(|name| part.text(name)).filter(|checksum| !checksum.is_empty());
                // An id that `complete` could not use is no answer.
                let etag = Some(unquoted(part.text("ETag"))).filter(|etag| !etag.is_empty()).ok_or_else(malformed)?;
                let id = checksum.map_or_else(|| etag.to_owned(), |checksum| format!("{etag}{SEPARATOR}{checksum}"));
                parts.push(FoundPart { number, length, id });
            }
            let next = answer.text("NextPartNumberMarker").to_owned();
            if !answer.is_true("IsTruncated") {
                return Ok(parts);
            }
            if next.is_empty() || next == after {
                return Err(malformed());
            }
            after = next;
        }
    }
}
