//! One request on its way to its answer: what it says, whether it may, whom it tells.

use std::borrow::Cow;

use bytes::Bytes;
use cofferdam::upload::BlobDigest;
use futures::FutureExt;
use http_body::Body;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::body::ResponseBody;
use super::id::RequestId;
use super::problem::Problem;
use super::route::{Kind, Route};
use super::{Api, Peer};
use crate::access::{Action, Decision, Question, Resource};
use crate::error::RegistryError;
use crate::events::{Event, EventAction, EventOrigin, EventTarget};
use crate::name::RepositoryName;
use crate::repository::Repository;

/// What an endpoint answers.
pub(super) type Answer = Result<Response<ResponseBody>, Problem>;

const PULL: &[Action] = &[Action::Pull];
/// As the Docker token scheme has it: who pushes also asks what is there.
const PUSH: &[Action] = &[Action::Pull, Action::Push];
const DELETE: &[Action] = &[Action::Delete];

/// A request and what is known of it.
pub(super) struct Exchange<'a> {
    pub(super) api: &'a Api,
    pub(super) head: &'a Parts,
    id: &'a RequestId,
    peer: Peer,
    /// In whose name it is, where that is known.
    actor: Option<String>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(api: &'a Api, head: &'a Parts, id: &'a RequestId, peer: Peer) -> Self {
        Self { api, head, id, peer, actor: None }
    }

    /// In whose name it is, where that is known.
    pub(super) fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// A header's value, if it is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first value of a parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<Cow<'a, str>> {
        let query = self.head.uri.query()?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn repository(&self, name: &RepositoryName) -> Repository {
        self.api.registry.repository(name)
    }

    /// Asks whether the request may go on.
    pub(super) async fn authorize(&mut self, route: &Route) -> Result<(), Problem> {
        let Some(access) = &self.api.access else { return Ok(()) };
        let resource = match route {
            Route::Base => Resource::Registry,
            Route::Catalog => Resource::Catalog,
            Route::Tags(name)
            | Route::Referrers(name, _)
            | Route::Manifest(name, _)
            | Route::Blob(name, _)
            | Route::Uploads(name)
            | Route::Upload(name, _) => Resource::Repository(name, actions(route.kind(), &self.head.method)),
        };
        match access.decide(self.question(resource)).await {
            Decision::Allow { actor } => {
                self.actor = actor;
                Ok(())
            }
            Decision::Challenge { challenge } => Err(RegistryError::Unauthorized { challenge }.into()),
            Decision::Deny { actor } => {
                let (action, repository) = match resource {
                    Resource::Registry => ("use", "this registry".to_owned()),
                    Resource::Catalog => ("list", "all repositories".to_owned()),
                    Resource::Repository(name, actions) => (in_words(actions), name.to_string()),
                };
                self.actor = Some(actor.clone());
                Err(RegistryError::Denied { who: actor, action: action.to_owned(), repository }.into())
            }
        }
    }

    /// Whether blobs of `from` may be mounted: whoever cannot pull there must not get them this way.
    pub(super) async fn may_pull(&self, from: &RepositoryName) -> bool {
        match &self.api.access {
            None => true,
            Some(access) => matches!(access.decide(self.question(Resource::Repository(from, PULL))).await, Decision::Allow { .. }),
        }
    }

    fn question<'q>(&self, resource: Resource<'q>) -> Question<'q>
    where
        'a: 'q,
    {
        Question { resource, authorization: self.head.headers.get(AUTHORIZATION), peer: self.peer.address }
    }

    /// What is said of a path with a bad name or digest. Who is not known learns that first; a reference that no manifest can have is the name of none.
    pub(super) async fn invalid(&mut self, kind: Kind, error: RegistryError) -> Problem {
        let method = &self.head.method;
        if !kind.allowed().contains(method) {
            return Problem::method(kind);
        }
        if let Err(problem) = self.authorize(&Route::Base).await {
            return problem;
        }
        match (kind, &error) {
            (Kind::Manifest, RegistryError::TagInvalid { .. }) if *method != Method::PUT => {
                let mut problem = Problem::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", error.to_string());
                if let Some(detail) = error.detail() {
                    problem = problem.with_detail(detail);
                }
                problem
            }
            _ => error.into(),
        }
    }

    /// The endpoints beside the reading of blobs and manifests.
    pub(super) async fn seldom<B>(&self, route: &Route, body: &mut Option<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        match (route, &self.head.method) {
            (Route::Base, _) => Ok(self.base()),
            (Route::Catalog, _) => self.catalog().boxed().await,
            (Route::Tags(name), _) => self.tags(name).boxed().await,
            (Route::Referrers(name, subject), _) => self.referrers(name, subject).boxed().await,
            (Route::Manifest(name, reference), &Method::PUT) => self.put_manifest(name, reference, body.take()).boxed().await,
            (Route::Manifest(name, reference), _) => self.delete_manifest(name, reference).boxed().await,
            (Route::Blob(name, digest), _) => self.delete_blob(name, digest).boxed().await,
            (Route::Uploads(name), _) => self.start_upload(name, body.take()).boxed().await,
            (Route::Upload(name, id), &Method::PATCH) => self.append_upload(name, id, body.take()).boxed().await,
            (Route::Upload(name, id), &Method::PUT) => self.finish_upload(name, id, body.take()).boxed().await,
            (Route::Upload(name, id), &Method::DELETE) => self.cancel_upload(name, id).boxed().await,
            (Route::Upload(name, id), _) => self.upload_status(name, id).boxed().await,
        }
    }

    /// Tells of an event, if anybody listens.
    pub(super) fn tell(&self, action: EventAction, repository: &RepositoryName, target: impl FnOnce() -> EventTarget) {
        self.tell_mounted(action, repository, None, target);
    }

    /// As [`Exchange::tell`], of a blob that came from another repository.
    pub(super) fn tell_mounted(
        &self,
        action: EventAction,
        repository: &RepositoryName,
        from: Option<&RepositoryName>,
        target: impl FnOnce() -> EventTarget,
    ) {
        let Some(events) = &self.api.events else { return };
        let origin = EventOrigin {
            request_id: self.id.as_str().to_owned(),
            method: self.head.method.to_string(),
            host: self.header(HOST).or_else(|| self.head.uri.authority().map(|authority| authority.as_str())).map(str::to_owned),
            user_agent: self.header(USER_AGENT).map(str::to_owned),
            peer: self.peer.address,
            actor: self.actor().map(str::to_owned),
        };
        events.record(Event { action, repository: repository.clone(), target: target(), from_repository: from.cloned(), origin });
    }
}

/// What a request wants to do in its repository.
fn actions(kind: Kind, method: &Method) -> &'static [Action] {
    match (kind, method) {
        (Kind::Uploads | Kind::Upload, _) | (_, &Method::PUT) => PUSH,
        (_, &Method::DELETE) => DELETE,
        _ => PULL,
    }
}

fn in_words(actions: &[Action]) -> &'static str {
    match actions.last() {
        Some(Action::Push) => "push to",
        Some(Action::Delete) => "delete from",
        _ => "pull from",
    }
}

/// An answer that is a status and headers.
pub(super) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::default());
    *response.status_mut() = status;
    response
}

/// Text of our own making as a header's value: digests, ids and paths of names, which are visible ASCII.
pub(super) fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The header that names what was answered or stored.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A digest and the entity tag that is made of it, as header values that share their bytes.
pub(super) struct Tagged {
    pub(super) digest: HeaderValue,
    pub(super) etag: HeaderValue,
}

impl Tagged {
    pub(super) fn new(digest: &BlobDigest) -> Self {
        let quoted = Bytes::from(super::conditional::etag(digest));
        let bare = quoted.slice(1..quoted.len() - 1);
        let header = |bytes| HeaderValue::from_maybe_shared(bytes).unwrap_or(HeaderValue::from_static(""));
        Self { digest: header(bare), etag: header(quoted) }
    }

    pub(super) fn digest_text(&self) -> &str {
        self.digest.to_str().unwrap_or_default()
    }
}
