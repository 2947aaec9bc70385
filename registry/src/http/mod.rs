//! The distribution specification (1.1) over HTTP: from a request to its answer.
//!
//! It is a plain hyper service. A router that matches a path's segments cannot express names with slashes, so that axum's would be
//! one fallback around a parser of our own; without it an answer of a small blob needs no boxed body, no boxed future and no
//! extensions. What is not the specification's (health, metrics) may be an axum router: [`Api::with_other_routes`].
//!
//! | module | its job |
//! |---|---|
//! | `route` | a path to a typed endpoint |
//! | `exchange` | one request: its headers and query, who may do it, what is told of it |
//! | `blobs`, `uploads`, `manifests`, `lists` | the endpoints |
//! | `range`, `conditional` | the parts of RFC 9110 that blobs need |
//! | `arriving`, `body` | bytes in, bytes out |
//! | `problem` | errors as the specification writes them |
//! | `id`, `log`, `counts` | what an operator sees of a request |

mod arriving;
mod blobs;
mod body;
mod conditional;
mod counts;
mod exchange;
mod id;
mod lists;
mod log;
mod manifests;
mod problem;
mod range;
mod route;
mod uploads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use http_body::Body;
use hyper::header::{CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use tower::ServiceExt;

pub use body::ResponseBody;
pub use counts::{REQUESTS, SECONDS};
pub use log::ACCESS_TARGET;

use crate::access::Access;
use crate::events::Events;
use crate::repository::MANIFEST_MAX;
use crate::service::Registry;
use exchange::Exchange;
use id::{RequestId, RequestIds};
use log::Record;
use problem::Problem;
use route::{Kind, NoRoute, Route};

/// How clients know that this is a registry.
const API_VERSION: (HeaderName, HeaderValue) = (HeaderName::from_static("docker-distribution-api-version"), HeaderValue::from_static("registry/2.0"));

/// What the HTTP surface demands of clients. What they may do is up to [`Access`] and the registry's rules.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiOptions {
    /// The longest manifest that is read.
    pub manifest_max: u64,
    /// How long a client may send nothing of a body that it has announced.
    pub body_timeout: Duration,
    /// The value of `OCI-Chunk-Min-Length`: smaller chunks are taken too, and each costs a write to the journal.
    pub chunk_min: Option<u64>,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self { manifest_max: MANIFEST_MAX, body_timeout: Duration::from_secs(60), chunk_min: Some(1 << 20) }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// The registry as an HTTP service.
pub struct Api {
    registry: Registry,
    options: ApiOptions,
    access: Option<Arc<dyn Access>>,
    events: Option<Arc<dyn Events>>,
    other: Option<axum::Router>,
    ids: RequestIds,
    counts: counts::RequestCounts,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Api {
    /// `registry` for anybody, until [`Api::with_access`] says otherwise. Metrics go to the recorder that is installed when the first request comes.
    pub fn new(registry: Registry, options: ApiOptions) -> Self {
        let counts = counts::RequestCounts::new();
        Self { registry, options, access: None, events: None, other: None, ids: RequestIds::new(), counts }
    }

    /// Asks `access` before every request of the specification's.
    #[must_use]
    pub fn with_access(mut self, access: Arc<dyn Access>) -> Self {
        self.access = Some(access);
        self
    }

    /// Tells `events` what happens.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn Events>) -> Self {
        self.events = Some(events);
        self
    }

    /// Gives paths that are not the specification's to `router`.
    #[must_use]
    pub fn with_other_routes(mut self, router: axum::Router) -> Self {
        self.other = Some(router);
        self
    }

    /// The answer to a request.
    ///
    /// # Cancel safety
    /// Dropped when the client goes away: what was acknowledged is durable, an upload keeps what arrived, anything else has happened wholly or not at all.
    pub async fn answer<B>(&self, request: Request<B>, peer: Peer) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let id = self.ids.of(&head.headers);
        let mut body = Some(body);
        let mut exchange = Exchange::new(self, &head, &id, peer);
        let (kind, answered) = self.dispatch(&mut exchange, &mut body).await;
        let mut response = answered.unwrap_or_else(|problem| self.explain(&head, &id, problem));
        if let Some(unread) = body.filter(|body| !body.is_end_stream() && !head.headers.contains_key(EXPECT)) {
            arriving::drain(unread).boxed().await;
        }
        let length = response.body().size_hint().exact();
        if head.method == Method::HEAD {
            without_body(&mut response, length);
        }
        let headers = response.headers_mut();
        if kind != Kind::Other {
            headers.insert(API_VERSION.0, API_VERSION.1);
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        headers.insert(id::HEADER, id.header());
        self.counts.count(kind, &head.method, response.status(), began);
        let record = log::is_read().then(|| {
            let record = Record::new(&id, peer, &head, kind.as_str(), began);
            record.answered(exchange.actor(), response.status(), length)
        });
        response.map(|body| body.recorded(record))
    }

    /// Finds the endpoint, and asks it if the client may.
    async fn dispatch<B>(&self, exchange: &mut Exchange<'_>, body: &mut Option<B>) -> (Kind, Result<Response<ResponseBody>, Problem>)
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let head = exchange.head;
        match Route::parse(head.uri.path()) {
            Ok(route) => (route.kind(), self.specified(exchange, &route, body).await),
            Err(NoRoute::Invalid(kind, error)) => (kind, Err(exchange.invalid(kind, error).await)),
            Err(NoRoute::Unknown) => (Kind::Other, self.unspecified(head, body).boxed().await),
        }
    }

    /// An endpoint of the specification's.
    async fn specified<B>(&self, exchange: &mut Exchange<'_>, route: &Route, body: &mut Option<B>) -> Result<Response<ResponseBody>, Problem>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let method = &exchange.head.method;
        let kind = route.kind();
        if !kind.allowed().contains(method) {
            return Err(Problem::method(kind));
        }
        exchange.authorize(route).await?;
        match (route, method) {
            // What is asked for most goes without a box of its own.
            (Route::Blob(name, digest), &Method::GET) => exchange.get_blob(name, digest).await,
            (Route::Blob(name, digest), &Method::HEAD) => exchange.head_blob(name, digest).await,
            (Route::Manifest(name, reference), &Method::GET) => exchange.get_manifest(name, reference).await,
            (Route::Manifest(name, reference), &Method::HEAD) => exchange.head_manifest(name, reference).await,
            _ => exchange.seldom(route, body).boxed().await,
        }
    }

    /// A path that is not the specification's.
    async fn unspecified<B>(&self, head: &Parts, body: &mut Option<B>) -> Result<Response<ResponseBody>, Problem>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (Some(router), false) = (&self.other, head.uri.path().starts_with("/v2")) else { return Err(Problem::no_such_path()) };
        let Some(body) = body.take() else { return Err(Problem::no_such_path()) };
        let request = Request::from_parts(head.clone(), axum::body::Body::new(body));
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        Ok(response.map(ResponseBody::other))
    }

    fn explain(&self, head: &Parts, id: &RequestId, problem: Problem) -> Response<ResponseBody> {
        if let Some(fault) = problem.fault() {
            tracing::error!(id = id.as_str(), method = %head.method, path = head.uri.path(), error = %fault, "a request failed");
        }
        problem.into_response()
    }
}

/// What is left of an answer to HEAD. HTTP/1 would leave the body out by itself, HTTP/2 would not.
fn without_body(response: &mut Response<ResponseBody>, length: Option<u64>) {
    if let Some(length) = length.filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    *response.body_mut() = ResponseBody::default();
}
