//! The access log: one tracing event a request (level `info`, target `access`), written when its answer is through or given up.

use std::time::Instant;

use hyper::StatusCode;
use hyper::http::request::Parts;
use tracing::Level;

use super::Peer;
use super::id::RequestId;

/// The target of the access log's events: what a filter names to have or not to have them.
pub const ACCESS_TARGET: &str = "access";

/// What is known of a request when its answer begins.
#[derive(Debug)]
pub(super) struct Record {
    id: RequestId,
    peer: Peer,
    actor: Option<String>,
    method: String,
    target: String,
    route: &'static str,
    user_agent: Option<String>,
    status: StatusCode,
    /// What the answer's body has; a client that goes away, or that asked by HEAD, gets less.
    length: Option<u64>,
    began: Instant,
}

/// Whether somebody reads the access log: if not, it costs nothing.
pub(super) fn is_read() -> bool {
    tracing::enabled!(target: ACCESS_TARGET, Level::INFO)
}

impl Record {
    pub(super) fn new(id: &RequestId, peer: Peer, head: &Parts, route: &'static str, began: Instant) -> Box<Self> {
        let user_agent = head.headers.get(hyper::header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        Box::new(Self {
            id: id.clone(),
            peer,
            actor: None,
            method: head.method.as_str().to_owned(),
            // Path and query: neither has anything secret in this API.
            target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            route,
            user_agent,
            status: StatusCode::OK,
            length: None,
            began,
        })
    }

    /// Adds what the answer is.
    pub(super) fn answered(mut self: Box<Self>, actor: Option<&str>, status: StatusCode, length: Option<u64>) -> Box<Self> {
        self.actor = actor.map(str::to_owned);
        self.status = status;
        self.length = length;
        self
    }

    /// Writes it: `sent` bytes of the body were handed to the connection.
    pub(super) fn write(&self, sent: u64) {
        tracing::info!(
            target: ACCESS_TARGET,
            id = self.id.as_str(),
            peer = %self.peer.address,
            actor = self.actor.as_deref(),
            method = self.method,
            target = self.target,
            route = self.route,
            status = self.status.as_u16(),
            sent,
            length = self.length,
            micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            agent = self.user_agent.as_deref(),
        );
    }
}
