//! The endpoints of uploads: begin, mount, append, ask, finish, cancel.
//!
//! Locations are paths without a host, which the specification allows: behind a proxy any host or scheme that this process sees would be a guess.

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, DigestAlgorithm, UploadId};
use http_body::Body;
use hyper::header::{CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE};
use hyper::{Response, StatusCode};

use super::arriving::Arriving;
use super::body::ResponseBody;
use super::exchange::{self, Answer, CONTENT_DIGEST, Exchange, value};
use super::problem::Problem;
use super::range::ChunkRange;
use crate::error::RegistryError;
use crate::events::{EventAction, EventTarget};
use crate::name::{RepositoryName, parse_digest};
use crate::repository::BlobInfo;

/// The upload's id, under the name that docker-registry gave it.
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// From which size on chunks are worth their costs.
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// What a request brings for an upload.
struct Chunk<B> {
    /// Where the client says that it begins.
    offset: Option<u64>,
    length: Option<u64>,
    bytes: Arriving<B>,
}

impl Exchange<'_> {
    /// POST: begins an upload; with `digest` also ends it; with `mount` it may not be needed.
    pub(super) async fn start_upload<B>(&self, name: &RepositoryName, body: Option<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        if let Some(mounted) = self.mount(name).await? {
            return Ok(mounted);
        }
        let repository = self.repository(name);
        if let (Some(digest), Some(body)) = (self.query("digest"), body) {
            let digest = parse_digest(&digest)?;
            let id = repository.start_upload(digest.algorithm())?;
            let length = body.size_hint().exact();
            let bytes = Arriving::new(body, self.api.options.body_timeout);
            let stored = repository.finish_upload(&id, Some(0), length, bytes, &digest).await.map_err(|error| at(name, &id, error))?;
            return Ok(self.pushed(name, stored));
        }
        let id = repository.start_upload(self.algorithm()?)?;
        let mut response = progress(StatusCode::ACCEPTED, name, &id, 0);
        if let Some(min) = self.api.options.chunk_min {
            response.headers_mut().insert(CHUNK_MIN_LENGTH, HeaderValue::from(min));
        }
        Ok(response)
    }

    /// The algorithm that the bytes are hashed by as they come: the client may say that it is not going to name them by sha256.
    fn algorithm(&self) -> Result<DigestAlgorithm, Problem> {
        let Some(algorithm) = self.query("digest-algorithm") else { return Ok(DigestAlgorithm::default()) };
        algorithm.parse().map_err(|_| RegistryError::DigestInvalid { digest: algorithm.chars().take(80).collect() }.into())
    }

    /// A blob that is here already under another name; `None` if an upload has to be begun, which is no error.
    async fn mount(&self, name: &RepositoryName) -> Result<Option<Response<ResponseBody>>, Problem> {
        let Some(digest) = self.query("mount").and_then(|digest| parse_digest(&digest).ok()) else { return Ok(None) };
        let from = self.query("from").map(RepositoryName::new).transpose();
        let Ok(from) = from else { return Ok(None) };
        if let Some(from) = &from
            && !self.may_pull(from).await
        {
            return Ok(None);
        }
        let repository = self.repository(name);
        if !repository.mount_blob(from.as_ref(), &digest).await? {
            return Ok(None);
        }
        let target = || EventTarget::Blob { digest: digest.clone(), size: None };
        self.tell_mounted(EventAction::Mount, name, from.as_ref(), target);
        Ok(Some(created(name, &digest)))
    }

    /// PATCH: appends.
    pub(super) async fn append_upload<B>(&self, name: &RepositoryName, id: &str, body: Option<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let repository = self.repository(name);
        let id = repository.upload(id)?;
        let Some(body) = body else { return Ok(progress(StatusCode::ACCEPTED, name, &id, repository.upload_status(&id).await?)) };
        let Chunk { offset, length, bytes } = self.chunk(body)?;
        let offset = repository.append_upload(&id, offset, length, bytes).await.map_err(|error| at(name, &id, error))?;
        Ok(progress(StatusCode::ACCEPTED, name, &id, offset))
    }

    /// PUT: appends what is left, and makes a blob of it.
    pub(super) async fn finish_upload<B>(&self, name: &RepositoryName, id: &str, body: Option<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let repository = self.repository(name);
        let id = repository.upload(id)?;
        let digest = parse_digest(&self.query("digest").unwrap_or_default())?;
        let Some(body) = body else { return Err(RegistryError::UploadUnknown.into()) };
        let Chunk { offset, length, bytes } = self.chunk(body)?;
        let stored = repository.finish_upload(&id, offset, length, bytes, &digest).await.map_err(|error| at(name, &id, error))?;
        Ok(self.pushed(name, stored))
    }

    /// GET: how far it is.
    pub(super) async fn upload_status(&self, name: &RepositoryName, id: &str) -> Answer {
        let repository = self.repository(name);
        let id = repository.upload(id)?;
        Ok(progress(StatusCode::NO_CONTENT, name, &id, repository.upload_status(&id).await?))
    }

    /// DELETE: gives it up.
    pub(super) async fn cancel_upload(&self, name: &RepositoryName, id: &str) -> Answer {
        let repository = self.repository(name);
        repository.cancel_upload(&repository.upload(id)?).await?;
        Ok(exchange::empty(StatusCode::NO_CONTENT))
    }

    /// The bytes of a request, where they say that they begin, and how many they are.
    fn chunk<B>(&self, body: B) -> Result<Chunk<B>, Problem>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let announced = body.size_hint().exact();
        let bytes = Arriving::new(body, self.api.options.body_timeout);
        let Some(header) = self.head.headers.get(CONTENT_RANGE) else { return Ok(Chunk { offset: None, length: announced, bytes }) };
        let Some(range) = header.to_str().ok().and_then(ChunkRange::parse) else {
            let message = "Content-Range is to be `<first byte>-<last byte>`, both counted from the beginning of the blob".to_owned();
            return Err(RegistryError::UploadInvalid { message }.into());
        };
        match announced {
            Some(length) if length != range.length => {
                let message = format!("Content-Range has {} bytes and the body {length}", range.length);
                Err(RegistryError::SizeInvalid { message }.into())
            }
            _ => Ok(Chunk { offset: Some(range.first), length: Some(range.length), bytes }),
        }
    }

    fn pushed(&self, name: &RepositoryName, stored: BlobInfo) -> Response<ResponseBody> {
        self.tell(EventAction::Push, name, || EventTarget::Blob { digest: stored.digest.clone(), size: Some(stored.size) });
        created(name, &stored.digest)
    }
}

/// 201: the blob is there.
fn created(name: &RepositoryName, digest: &BlobDigest) -> Response<ResponseBody> {
    let mut response = exchange::empty(StatusCode::CREATED);
    response.headers_mut().insert(LOCATION, value(format!("/v2/{name}/blobs/{digest}")));
    response.headers_mut().insert(CONTENT_DIGEST, value(digest.to_string()));
    response
}

/// Where an upload is.
fn progress(status: StatusCode, name: &RepositoryName, id: &UploadId, offset: u64) -> Response<ResponseBody> {
    let mut response = exchange::empty(status);
    for (header, value) in headers_of(name, id, offset) {
        response.headers_mut().extend(header.map(|header| (header, value)));
    }
    response
}

fn headers_of(name: &RepositoryName, id: &UploadId, offset: u64) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(LOCATION, value(format!("/v2/{name}/blobs/uploads/{id}")));
    headers.insert(UPLOAD_UUID, value(id.to_string()));
    // The specification has no range for nothing; like docker-registry, whose clients read it, this says `0-0` then too.
    headers.insert(RANGE, value(format!("0-{}", offset.saturating_sub(1))));
    headers
}

/// An error of an upload; who is out of step learns where it is.
fn at(name: &RepositoryName, id: &UploadId, error: RegistryError) -> Problem {
    match error {
        RegistryError::UploadOffset { offset } => {
            let headers = headers_of(name, id, offset);
            headers.into_iter().fold(error.into(), |problem: Problem, (header, value)| match header {
                Some(header) => problem.with_header(header, value),
                None => problem,
            })
        }
        error => error.into(),
    }
}
