//! The endpoint of a manifest: GET, HEAD, PUT, DELETE, by tag or digest.
//!
//! `Accept` is not looked at: a manifest is answered as it was pushed, as other registries do. Converting it would change its digest, and clients that name what
//! they understand leave out what they could use often enough.

use bytes::Bytes;
use cofferdam::upload::BlobDigest;
use http_body::Body;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION};
use hyper::{Response, StatusCode};

use super::arriving;
use super::blobs::not_modified;
use super::body::ResponseBody;
use super::exchange::{self, Answer, CONTENT_DIGEST, Exchange, Tagged, value};
use crate::events::{EventAction, EventTarget};
use crate::name::{Reference, RepositoryName, Tag};
use crate::repository::ManifestInfo;

/// Tells a client that the registry knows whom the manifest refers to, so that it need not keep a tag for that.
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl Exchange<'_> {
    pub(super) async fn get_manifest(&self, name: &RepositoryName, reference: &Reference) -> Answer {
        let repository = self.repository(name);
        // Whoever may have it already is asked about the small answer first.
        if self.head.headers.contains_key(IF_NONE_MATCH) {
            let tagged = Tagged::new(&repository.stat_manifest(reference).await?.digest);
            if self.has_already(&tagged) {
                return Ok(not_modified(tagged));
            }
        }
        let manifest = repository.get_manifest(reference).await?;
        let info = &manifest.info;
        self.tell(EventAction::Pull, name, || target(reference, Some(&info.digest), Some(info)));
        let mut response = Response::new(ResponseBody::bytes(manifest.bytes));
        *response.headers_mut() = headers_of(&manifest.info, Tagged::new(&manifest.info.digest));
        Ok(response)
    }

    pub(super) async fn head_manifest(&self, name: &RepositoryName, reference: &Reference) -> Answer {
        let info = self.repository(name).stat_manifest(reference).await?;
        let tagged = Tagged::new(&info.digest);
        if self.has_already(&tagged) {
            return Ok(not_modified(tagged));
        }
        let mut response = Response::new(ResponseBody::default());
        *response.headers_mut() = headers_of(&info, tagged);
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(info.size));
        Ok(response)
    }

    pub(super) async fn put_manifest<B>(&self, name: &RepositoryName, reference: &Reference, body: Option<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let bytes = match body {
            Some(body) => arriving::collect(body, self.api.options.body_timeout, self.api.options.manifest_max).await?,
            None => Bytes::new(),
        };
        let size = bytes.len() as u64;
        let media_type = self.header(CONTENT_TYPE);
        let stored = self.repository(name).put_manifest(reference, media_type, bytes).await?;
        self.tell(EventAction::Push, name, || EventTarget::Manifest {
            digest: Some(stored.digest.clone()),
            media_type: media_type.map(str::to_owned),
            size: Some(size),
            tag: tag(reference).cloned(),
        });
        let mut response = exchange::empty(StatusCode::CREATED);
        let headers = response.headers_mut();
        headers.insert(LOCATION, value(format!("/v2/{name}/manifests/{}", stored.digest)));
        headers.insert(CONTENT_DIGEST, value(stored.digest.to_string()));
        if let Some(subject) = stored.subject {
            headers.insert(OCI_SUBJECT, value(subject.to_string()));
        }
        Ok(response)
    }

    pub(super) async fn delete_manifest(&self, name: &RepositoryName, reference: &Reference) -> Answer {
        self.repository(name).delete_manifest(reference).await?;
        let digest = match reference {
            Reference::Digest(digest) => Some(digest),
            Reference::Tag(_) => None,
        };
        self.tell(EventAction::Delete, name, || target(reference, digest, None));
        Ok(exchange::empty(StatusCode::ACCEPTED))
    }
}

fn tag(reference: &Reference) -> Option<&Tag> {
    match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(_) => None,
    }
}

fn target(reference: &Reference, digest: Option<&BlobDigest>, info: Option<&ManifestInfo>) -> EventTarget {
    EventTarget::Manifest {
        digest: digest.cloned(),
        media_type: info.map(|info| info.media_type.to_string()),
        size: info.map(|info| info.size),
        tag: tag(reference).cloned(),
    }
}

fn headers_of(info: &ManifestInfo, tagged: Tagged) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(CONTENT_TYPE, value(info.media_type.to_string()));
    headers.insert(CONTENT_DIGEST, tagged.digest);
    headers.insert(ETAG, tagged.etag);
    headers
}
