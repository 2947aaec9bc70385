//! A registry's answers, asked for one request at a time: nothing is retried, followed or decoded.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
pub use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::{Body, RequestBuilder};
use sha2::{Digest, Sha256, Sha512};

/// Every media type that a manifest may have.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// One repository there.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The server's client.
    pub client: Client,
    /// Its name.
    pub name: String,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The digest of `bytes` as the specification writes it.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", base16ct::lower::encode_string(&Sha256::digest(bytes)))
}

/// [`sha256`] with the other algorithm.
pub fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", base16ct::lower::encode_string(&Sha512::digest(bytes)))
}

/// Bytes that look like noise, the same for the same `seed`.
pub fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// A body that is sent in these pieces, its length not said beforehand.
pub fn streamed(pieces: impl Stream<Item = Bytes> + Send + Sync + 'static) -> Body {
    Body::wrap(StreamBody::new(pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)))))
}

impl Client {
    /// A client of the server at `host:port`.
    pub fn new(address: &str) -> Self {
        Self::with(address, reqwest::Client::builder())
    }

    /// One that speaks HTTP/2 from the first byte.
    pub fn http2(address: &str) -> Self {
        Self::with(address, reqwest::Client::builder().http2_prior_knowledge())
    }

    fn with(address: &str, builder: reqwest::ClientBuilder) -> Self {
        let http = builder.no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(120)).build().unwrap();
        Self { http, base: format!("http://{address}") }
    }

    /// A request for `target`: a path, or a location that a server answered, of which the path and query count.
    pub fn request(&self, method: Method, target: &str) -> RequestBuilder {
        let path = target.split_once("://").map_or(target, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// The repository `name`.
    pub fn repository(&self, name: &str) -> Repository {
        Repository { client: self.clone(), name: name.to_owned() }
    }
}

impl Answer {
    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// None comes.
    pub async fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// [`Answer::of`], for a server that may have gone.
    ///
    /// # Errors
    /// No whole answer comes.
    pub async fn try_of(request: RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await? })
    }

    /// This, which must have the status `expected`.
    ///
    /// # Panics
    /// It has not.
    #[track_caller]
    pub fn expect(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{:?} {}", self.headers, String::from_utf8_lossy(&self.body[..self.body.len().min(1000)]));
        self
    }

    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Where an upload goes on.
    ///
    /// # Panics
    /// It does not say.
    #[track_caller]
    pub fn location(&self) -> String {
        self.header("location").expect("an answer with a location").to_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The first error's code in the specification's error body.
    ///
    /// # Panics
    /// The body is another.
    #[track_caller]
    pub fn code(&self) -> String {
        let body = self.json();
        assert!(self.header("content-type").is_some_and(|media| media.starts_with("application/json")), "{:?}", self.headers);
        let error = &body["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "an error says what is wrong: {body}");
        error["code"].as_str().expect("an error with a code").to_owned()
    }

    /// Sees that it is the error `code` with `status`.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.code(), code);
        answer
    }
}

impl Answer {
    /// Sees that a manifest was refused because something that it names is not there: the specification leaves 400 and 404 open.
    ///
    /// # Panics
    /// It was not.
    #[track_caller]
    pub fn lacks_blobs(self) {
        assert!(matches!(self.status, 400 | 404), "{}", self.status);
        assert_eq!(self.code(), "MANIFEST_BLOB_UNKNOWN");
    }
}

impl Repository {
    /// The path of something in it.
    pub fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.name)
    }

    /// A request for something in it.
    pub fn request(&self, method: Method, rest: &str) -> RequestBuilder {
        let request = self.client.request(method, &self.path(rest));
        // Older registries take a client that does not say so for one that knows nothing of OCI.
        if rest.starts_with("manifests/") { request.header("accept", ACCEPTED) } else { request }
    }

    /// `GET`.
    pub async fn get(&self, rest: &str) -> Answer {
        Answer::of(self.request(Method::GET, rest)).await
    }

    /// `HEAD`.
    pub async fn head(&self, rest: &str) -> Answer {
        Answer::of(self.request(Method::HEAD, rest)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, rest: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, rest)).await
    }

    /// Begins an upload; answers where it goes on.
    pub async fn start(&self) -> String {
        Answer::of(self.request(Method::POST, "blobs/uploads/").header("content-length", 0)).await.expect(202).location()
    }

    /// A chunk, with its range if `from` is given.
    pub async fn patch(&self, location: &str, from: Option<usize>, chunk: impl Into<Bytes>) -> Answer {
        Answer::of(self.patching(location, from, chunk.into())).await
    }

    /// The request of [`Repository::patch`].
    pub fn patching(&self, location: &str, from: Option<usize>, chunk: Bytes) -> RequestBuilder {
        let mut request = self.client.request(Method::PATCH, location).header("content-type", "application/octet-stream");
        if let Some(from) = from {
            request = request.header("content-range", format!("{from}-{}", (from + chunk.len()).saturating_sub(1)));
        }
        request.body(chunk)
    }

    /// Closes an upload with its last bytes.
    pub async fn finish(&self, location: &str, digest: &str, rest: impl Into<Bytes>) -> Answer {
        Answer::of(self.finishing(location, digest, rest.into())).await
    }

    /// The request of [`Repository::finish`].
    pub fn finishing(&self, location: &str, digest: &str, rest: Bytes) -> RequestBuilder {
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={digest}");
        self.client.request(Method::PUT, &target).header("content-type", "application/octet-stream").body(rest)
    }

    /// What the session at `location` has, by its `Range`.
    pub async fn offset(&self, location: &str) -> usize {
        offset_of(&Answer::of(self.client.request(Method::GET, location)).await.expect(204))
    }

    /// Pushes a blob as POST and PUT; answers its digest.
    pub async fn push(&self, bytes: impl Into<Bytes>) -> String {
        let bytes = bytes.into();
        let digest = sha256(&bytes);
        let location = self.start().await;
        self.finish(&location, &digest, bytes).await.expect(201);
        digest
    }

    /// `GET` of a blob that must be there.
    pub async fn blob(&self, digest: &str) -> Bytes {
        self.get(&format!("blobs/{digest}")).await.expect(200).body
    }

    /// Whether a blob is there.
    pub async fn has(&self, digest: &str) -> bool {
        match self.head(&format!("blobs/{digest}")).await.status {
            200 => true,
            404 => false,
            other => panic!("HEAD of a blob answered {other}"),
        }
    }

    /// Puts a manifest.
    pub async fn put_manifest(&self, reference: &str, media_type: &str, manifest: impl Into<Bytes>) -> Answer {
        let request = self.request(Method::PUT, &format!("manifests/{reference}")).header("content-type", media_type);
        Answer::of(request.body(manifest.into())).await
    }
}

/// How many bytes a session has, by the `Range` of an answer. The specification has one range, `0-0`, for none and for one: here it is none.
///
/// # Panics
/// The header is not what the specification says.
#[track_caller]
pub fn offset_of(answer: &Answer) -> usize {
    let range = answer.header("range").expect("an answer with the range that is there");
    let last: usize = range.strip_prefix("0-").and_then(|last| last.parse().ok()).unwrap_or_else(|| panic!("the range {range:?}"));
    if last == 0 { 0 } else { last + 1 }
}
