//! What happens in the registry, for whoever wants to be told: pushes, pulls and deletions.
//!
//! ```text
//! handler ──► record: a bounded channel, never waited for ──► queue: batches in the atomic store ──► deliver: one process a webhook, in order, retried
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | `envelope` | events as docker-registry's notifications write them |
//! | `queue` | batches of events, durable and bounded |
//! | `lease` | which process delivers |
//! | `post` | one batch to its receiver, signed |
//! | `deliver` | a queue, emptied |
//! | `webhooks` | from the handlers to the queues |

mod deliver;
mod envelope;
mod lease;
mod post;
mod queue;
mod webhooks;

use std::net::SocketAddr;

use cofferdam::upload::BlobDigest;

pub use webhooks::{Webhook, WebhookError, Webhooks};

use crate::name::{RepositoryName, Tag};

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventAction {
    /// A blob or manifest was stored.
    Push,
    /// A blob or manifest was read.
    Pull,
    /// A blob, manifest or tag was removed.
    Delete,
    /// A blob of another repository was made one of this.
    Mount,
}

impl EventAction {
    /// The action as docker-registry's notifications write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Delete => "delete",
            Self::Mount => "mount",
        }
    }
}

/// What it has happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventTarget {
    /// A blob.
    Blob {
        /// Its digest.
        digest: BlobDigest,
        /// Its size, where the request told it.
        size: Option<u64>,
    },
    /// A manifest, asked for by tag or digest.
    Manifest {
        /// Its digest; a tag that is deleted has none left.
        digest: Option<BlobDigest>,
        /// Its media type, where the request told it.
        media_type: Option<String>,
        /// Its size, where the request told it.
        size: Option<u64>,
        /// The tag, if that was what the client named.
        tag: Option<Tag>,
    },
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What has happened.
    pub action: EventAction,
    /// Where.
    pub repository: RepositoryName,
    /// To what.
    pub target: EventTarget,
    /// Where a mounted blob came from.
    pub from_repository: Option<RepositoryName>,
    /// Whose request it was.
    pub origin: EventOrigin,
}

/// The request that caused an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventOrigin {
    /// The request's id, as in the access log and `X-Request-Id`.
    pub request_id: String,
    /// Its method.
    pub method: String,
    /// The `Host` that it was sent to.
    pub host: Option<String>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// Where it came from.
    pub peer: SocketAddr,
    /// Who sent it, where that is known.
    pub actor: Option<String>,
}

/// Takes events.
pub trait Events: Send + Sync {
    /// Takes one event. Called when the answer is known and before it is sent: it must not wait for anything.
    fn record(&self, event: Event);
}

#[cfg(test)]
mod tests;
