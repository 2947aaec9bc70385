//! The endpoint of a blob: GET with ranges, HEAD, DELETE.

use cofferdam::upload::BlobDigest;
use cofferdam::{ByteRange, PresignedUrl};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use hyper::{Response, StatusCode};

use super::body::ResponseBody;
use super::exchange::{Answer, CONTENT_DIGEST, Exchange, Tagged, value};
use super::range::{Resolved, requested, resolve};
use super::{conditional, exchange};
use crate::error::RegistryError;
use crate::events::{EventAction, EventTarget};
use crate::name::RepositoryName;

/// What is named by its digest never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");

/// As many headers as an answer of a blob has, so that the map is made once.
const HEADERS: usize = 14;

impl Exchange<'_> {
    pub(super) async fn get_blob(&self, name: &RepositoryName, digest: &BlobDigest) -> Answer {
        let tagged = Tagged::new(digest);
        let repository = self.repository(name);
        if self.has_already(&tagged) {
            repository.stat_blob(digest).await?;
            return Ok(not_modified(tagged));
        }
        if let Some(located) = repository.locate_blob(digest).await? {
            self.tell(EventAction::Pull, name, || EventTarget::Blob { digest: digest.clone(), size: Some(located.size) });
            return Ok(redirect(tagged, &located.url));
        }
        let range = self.range(&tagged);
        let opened = repository.open_blob(digest, range).await?;
        let mut headers = headers_of(tagged);
        let (status, length) = match resolve(range, opened.size) {
            Resolved::Whole => (StatusCode::OK, opened.size),
            Resolved::Part { first, last } => {
                headers.insert(CONTENT_RANGE, value(format!("bytes {first}-{last}/{}", opened.size)));
                (StatusCode::PARTIAL_CONTENT, last - first + 1)
            }
            Resolved::Unsatisfiable => return Err(RegistryError::RangeUnsatisfiable { size: opened.size }.into()),
        };
        let body = ResponseBody::content(opened.content, length).await?;
        self.tell(EventAction::Pull, name, || EventTarget::Blob { digest: digest.clone(), size: Some(opened.size) });
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    pub(super) async fn head_blob(&self, name: &RepositoryName, digest: &BlobDigest) -> Answer {
        let tagged = Tagged::new(digest);
        let info = self.repository(name).stat_blob(digest).await?;
        if self.has_already(&tagged) {
            return Ok(not_modified(tagged));
        }
        let mut response = Response::new(ResponseBody::default());
        *response.headers_mut() = headers_of(tagged);
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(info.size));
        Ok(response)
    }

    pub(super) async fn delete_blob(&self, name: &RepositoryName, digest: &BlobDigest) -> Answer {
        self.repository(name).delete_blob(digest).await?;
        self.tell(EventAction::Delete, name, || EventTarget::Blob { digest: digest.clone(), size: None });
        Ok(exchange::empty(StatusCode::ACCEPTED))
    }

    /// Whether the client says that it has what it asks for.
    pub(super) fn has_already(&self, tagged: &Tagged) -> bool {
        self.header(IF_NONE_MATCH).is_some_and(|header| conditional::none_match_names(header, tagged.digest_text()))
    }

    /// The range that is to be answered.
    fn range(&self, tagged: &Tagged) -> ByteRange {
        let Some(range) = self.header(RANGE) else { return ByteRange::Whole };
        match self.header(IF_RANGE) {
            Some(condition) if !conditional::if_range_fits(condition, tagged.digest_text()) => ByteRange::Whole,
            _ => requested(Some(range)),
        }
    }
}

fn headers_of(tagged: Tagged) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DIGEST, tagged.digest);
    headers.insert(ETAG, tagged.etag);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, FOR_EVER);
    headers
}

/// 307: the client fetches it from the store. It repeats its `Range` there.
fn redirect(tagged: Tagged, url: &PresignedUrl) -> Response<ResponseBody> {
    let mut response = exchange::empty(StatusCode::TEMPORARY_REDIRECT);
    let headers = response.headers_mut();
    headers.insert(LOCATION, exchange::value(url.as_str().to_owned()));
    headers.insert(CONTENT_DIGEST, tagged.digest);
    // The URL is good for a while, and for whoever was let in.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 304: the client has it.
pub(super) fn not_modified(tagged: Tagged) -> Response<ResponseBody> {
    let mut response = exchange::empty(StatusCode::NOT_MODIFIED);
    response.headers_mut().insert(CONTENT_DIGEST, tagged.digest);
    response.headers_mut().insert(ETAG, tagged.etag);
    response
}
