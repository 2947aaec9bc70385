//! Who may pull, push, delete and list: the question that the HTTP surface asks before each request, and who answers it.
//!
//! ```text
//! Authorization ──► identify: htpasswd, or a token's signature ──► Caller ──► decide: rules, and what the token grants
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | `control` | the answer, by scheme and rules |
//! | `rules` | which caller may do what to which repository: the first rule that fits |
//! | `pattern` | names of repositories with `*` and `**` |
//! | `htpasswd` | users and bcrypt hashes from a file |
//! | `token` | Docker's bearer tokens: signature, issuer, audience, scopes |

mod control;
mod error;
mod htpasswd;
mod pattern;
mod rules;
mod token;

use std::net::SocketAddr;

use async_trait::async_trait;
use hyper::header::HeaderValue;

pub use control::{AccessControl, AccessOptions, Scheme};
pub use error::AccessError;
pub use htpasswd::HtpasswdOptions;
pub use pattern::{Pattern, PatternError};
pub use rules::{Rights, Rule, Who};
pub use token::TokenOptions;

use crate::name::RepositoryName;

/// What somebody wants to do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read blobs, manifests and lists.
    Pull,
    /// Write blobs and manifests.
    Push,
    /// Remove blobs, manifests and tags.
    Delete,
}

impl Action {
    /// The action as the Docker token scheme and the configuration write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// `/v2/`: whether the client is known at all. Clients ask it to learn how to authenticate.
    Registry,
    /// The list of all repositories.
    Catalog,
    /// One repository, and everything that is to be allowed there.
    Repository(&'a RepositoryName, &'a [Action]),
}

/// A request, as far as access is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What it is about.
    pub resource: Resource<'a>,
    /// Its `Authorization` header.
    pub authorization: Option<&'a HeaderValue>,
    /// Where it comes from.
    pub peer: SocketAddr,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may go on, in the name of this actor; `None` is anybody.
    Allow {
        /// Who it is, for the log and events.
        actor: Option<String>,
    },
    /// 401: the client has to say who it is, or to say it better.
    Challenge {
        /// The value of `WWW-Authenticate`.
        challenge: String,
    },
    /// 403: the client is known and may not.
    Deny {
        /// Who it is.
        actor: String,
    },
}

/// Decides about requests.
#[async_trait]
pub trait Access: Send + Sync {
    /// Whether the request may go on. Called on the thread that serves the connection: what computes for long belongs on the blocking pool.
    ///
    /// # Cancel safety
    /// The future is dropped when the client goes away.
    async fn decide(&self, question: Question<'_>) -> Decision;
}

/// `text` within a quoted string of a header (RFC 9110, 5.6.4).
fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().filter(|c| !c.is_control()).flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests;
