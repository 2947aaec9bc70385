//! The interface `http`: requests that the grant allows, sent by the host, signed once they have left the driver.
//!
//! | module | its one job |
//! |---|---|
//! | `request` | what a driver asks, checked |
//! | `policy` | which rule allows it |
//! | `resolve` | names into addresses that the rule may reach |
//! | `sign` | credentials, added after the request has left the driver |
//! | `body` | content as a request's body |
//! | `answer` | what came back, its body live |
//! | `failure` | what went wrong, in the contract's words |
//! | `glue` | the interfaces as a guest calls them |
//! | `wasi` | `wasi:http`, for components that speak it |
//! | here | the rules of one mount, each with its pool of connections |

mod answer;
mod body;
mod failure;
mod glue;
mod policy;
mod request;
mod resolve;
mod sign;
mod wasi;

#[cfg(test)]
mod several_tests;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use answer::Answered;
use failure::{Cause, Failure};
pub(crate) use request::Asked;
use request::Checked;
use resolve::Resolver;
use sign::Authenticator;
pub(crate) use wasi::WasiHttp;

use crate::call::CallContext;
use crate::content::Content;
use crate::convert::misbehaved;
use crate::error::{Error, Result};
use crate::grant::{HttpRule, Trust};
use crate::host::network::address;
use crate::host::network::lookup::{Lookup, System};
use crate::host::network::secret::SecretError;
use crate::host::network::tls::{self, TrustError};

/// How long a connection that nobody uses is kept: less than servers keep theirs, so that a request seldom meets one that just closed.
const IDLE: Duration = Duration::from_secs(30);

/// How many of a driver's requests are under way at once when it sends several: servers take that from one client without complaint.
const AT_ONCE: usize = 16;

/// How many requests a driver may send at once (contract: `http.send-all`).
const ALL_MAX: usize = 256;

/// How many bytes of each of their answers' bodies are taken (contract: `http.send-all`).
const ALL_BODY_MAX: u64 = 64 << 10;

/// How many headers an answer may have.
const HEADERS_MAX: usize = 128;

/// How many bytes they may have together, over HTTP/2. HTTP/1.1 has its client's own bound, some 400 KiB.
const HEADER_BYTES_MAX: u32 = 64 << 10;

/// Why an HTTP rule cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpOpenError {
    /// The certificates that a rule trusts cannot be had.
    #[error("the HTTP rule for {origin}: {source}")]
    Trust {
        /// The rule's `allow`.
        origin: String,
        /// Why.
        source: TrustError,
    },
    /// The credentials of a rule cannot be had.
    #[error("the HTTP rule for {origin}: {source}")]
    Credentials {
        /// The rule's `allow`.
        origin: String,
        /// Why.
        source: SecretError,
    },
    /// The client of a rule cannot be made.
    #[error("the HTTP rule for {origin} cannot be used: {problem}")]
    Client {
        /// The rule's `allow`.
        origin: String,
        /// Why.
        problem: String,
    },
}

/// What one mount may ask, and the connections that it has. Clones share them.
#[derive(Clone)]
pub(crate) struct Http(Arc<Inner>);

struct Inner {
    /// For the audit.
    mount: Arc<str>,
    rules: Vec<Rule>,
    /// The longest that anything may take without progress: a little less than the call has.
    patience: Duration,
}

/// A rule, ready for use.
struct Rule {
    grant: HttpRule,
    client: Client,
    permits: Arc<Semaphore>,
    authenticator: Option<Authenticator>,
}

impl Http {
    /// What `rules` allow the mount of that name.
    ///
    /// # Errors
    /// [`HttpOpenError`] for the first rule whose certificates or credentials cannot be had.
    pub(crate) fn open(rules: &[HttpRule], mount: Arc<str>, patience: Duration) -> Result<Self, HttpOpenError> {
        Self::open_with(rules, mount, patience, &(Arc::new(System) as Arc<dyn Lookup>))
    }

    fn open_with(rules: &[HttpRule], mount: Arc<str>, patience: Duration, lookup: &Arc<dyn Lookup>) -> Result<Self, HttpOpenError> {
        let rules = rules.iter().map(|rule| Rule::open(rule, lookup.clone())).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner { mount, rules, patience })))
    }

    /// Sends a request; answers at the end of the response's head.
    ///
    /// # Errors
    /// As the contract says of `http.send`.
    ///
    /// # Cancel safety
    /// Dropping the future gives the request up, wherever it is.
    pub(crate) async fn send(&self, call: &CallContext, asked: Asked, body: Option<Content>) -> Result<Answered> {
        if body.as_ref().is_some_and(|body| body.size().is_none()) {
            return Err(Error::invalid_argument("a body of unknown size cannot be sent: hold it first"));
        }
        Ok(self.exchange(call, &asked, body).await?)
    }

    /// Sends requests without bodies, [`AT_ONCE`] at a time; answers each, in their order, with a body that is held.
    ///
    /// # Errors
    /// Each by itself, as the contract says of `http.send-all`.
    ///
    /// # Cancel safety
    /// As of [`Http::send`]; those that are not begun are never sent.
    pub(crate) async fn send_all(&self, call: &CallContext, asked: Vec<Result<Asked>>) -> Vec<Result<Answered>> {
        if asked.len() > ALL_MAX {
            let error = Error::invalid_argument(format!("{} requests are too many for `send-all`, which takes {ALL_MAX}", asked.len()));
            return asked.iter().map(|_| Err(error.clone())).collect();
        }
        let send = async |asked: Result<Asked>| {
            let answered = self.send(call, asked?, None).await?.held(ALL_BODY_MAX).await;
            call.moved(1);
            answered
        };
        stream::iter(asked).map(send).buffered(AT_ONCE).collect().await
    }

    /// [`Http::send`], which sends a body of unknown size in pieces, and says what a request failed at.
    async fn exchange(&self, call: &CallContext, asked: &Asked, body: Option<Content>) -> Result<Answered, Failure> {
        let (mut checked, rule) = self.allowed(asked)?;
        let permit = self.permit(rule).await?;
        if let Some(authenticator) = &rule.authenticator {
            let length = length_of(body.as_ref(), authenticator)?;
            let payload = authenticator.payload(&checked, body.as_ref(), call).await?;
            authenticator.sign(&mut checked, payload, length).await.map_err(Failure::of_signing)?;
        }
        let target = checked.target();
        let moved = Arc::new(AtomicU64::new(0));
        let request = checked.into_request(body, call, &moved);
        let limit = rule.grant.first_byte_timeout.min(self.0.patience).min(asked.first_byte.unwrap_or(Duration::MAX));
        match progressing(limit, &moved, rule.client.execute(request)).await {
            Some(Ok(response)) => Ok(Answered::new(response, rule.grant.idle_timeout, permit)),
            Some(Err(error)) => Err(self.failed(error, rule, &target)),
            None => Err(Failure::unavailable(Cause::Timeout, format!("the server did not answer within {limit:?}"))),
        }
    }

    /// A URL with which anybody may send the request for so many `seconds`.
    ///
    /// # Errors
    /// As the contract says of `signing.presign`.
    ///
    /// # Cancel safety
    /// Nothing is sent but what fetches the rule's credentials.
    pub(crate) async fn presign(&self, asked: Asked, seconds: u32) -> Result<String> {
        let (checked, rule) = self.allowed(&asked)?;
        let Some(authenticator) = &rule.authenticator else {
            return Err(Error::unsupported("the rule that allows the request has no `sign`: nobody could sign a URL"));
        };
        authenticator.presign(&checked, seconds).await
    }

    /// `url`, as it is handed to others, if a rule allows the driver itself to send `method` there: it sends nobody where it may not go.
    ///
    /// # Errors
    /// `permission-denied` if none does, `misbehaved` if it is no URL that could be asked.
    pub(crate) fn may_lead_to(&self, method: &str, url: &str) -> Result<String> {
        let asked = Asked { method: method.to_owned(), url: url.to_owned(), headers: Vec::new(), first_byte: None };
        let checked =
            asked.check().map_err(|failure| misbehaved(format!("the driver answered a URL that nobody can use: {}", failure.error.message())))?;
        self.rule(&checked)?;
        // As it was read here, so that nobody reads it in another way.
        Ok(checked.url.into())
    }

    /// The request, if it is well-formed and says nothing that is the host's to say, and the rule that allows it. What is refused is audited.
    fn allowed(&self, asked: &Asked) -> Result<(Checked, &Rule), Failure> {
        let audited = |failure: &Failure| policy::audit(&self.0.mount, &asked.shown(), failure.error.message());
        let checked = asked.check().inspect_err(audited)?;
        let rule = self.rule(&checked)?;
        checked.refuse_brokered(rule.authenticator.as_ref()).inspect_err(audited)?;
        Ok((checked, rule))
    }

    /// The rule that allows a request.
    fn rule(&self, checked: &Checked) -> Result<&Rule, Failure> {
        let rule = self.0.rules.iter().find(|rule| policy::allows(&rule.grant, checked));
        let rule = rule.ok_or_else(|| self.deny(Cause::Denied, checked, "no rule allows it", &policy::remedy(checked)))?;
        // A name is checked once it is resolved; an address says all at once.
        if let Some(ip) = checked.address()
            && let Err(what) = address::check(ip, &rule.grant.addresses)
        {
            return Err(self.deny(Cause::Address, checked, &format!("it is {what}"), &policy::address_remedy(&rule.grant, ip)));
        }
        Ok(rule)
    }

    fn deny(&self, cause: Cause, checked: &Checked, why: &str, remedy: &str) -> Failure {
        policy::audit(&self.0.mount, &checked.target(), why);
        Failure::denied(cause, &format!("{} is not granted: {why}", checked.target()), remedy)
    }

    /// What the client's error is to the driver. A name that led where the rule does not is an attempt that is audited.
    fn failed(&self, error: reqwest::Error, rule: &Rule, target: &str) -> Failure {
        match failure::refused(&error) {
            Some(refused) => {
                policy::audit(&self.0.mount, target, &refused.to_string());
                let remedy = policy::address_remedy(&rule.grant, refused.address);
                Failure::denied(Cause::Address, &format!("{target} is not granted: {refused}"), &remedy)
            }
            None => error.into(),
        }
    }

    /// A place among the requests that the rule lets be under way at once.
    async fn permit(&self, rule: &Rule) -> Result<OwnedSemaphorePermit, Failure> {
        let waited = tokio::time::timeout(self.0.patience, rule.permits.clone().acquire_owned()).await;
        match waited {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                let message = format!("all {} connections that the rule for {} allows are in use", rule.grant.connections, rule.grant.origin);
                Err(Failure::unavailable(Cause::Places, message))
            }
        }
    }
}

impl Rule {
    fn open(rule: &HttpRule, lookup: Arc<dyn Lookup>) -> Result<Self, HttpOpenError> {
        let origin = || rule.origin.to_string();
        let trust = rule.ca.clone().map_or(Trust::WebRoots, Trust::CaFile);
        let mut tls = tls::client(&trust).map_err(|source| HttpOpenError::Trust { origin: origin(), source })?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = Client::builder()
            .redirect(Policy::none())
            .referer(false)
            // The environment's proxies are none of the grant's.
            .no_proxy()
            .user_agent(concat!("cofferdam/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver::new(lookup, rule.addresses.clone()))
            .tls_backend_preconfigured(tls)
            // No `read_timeout`: it counts from the beginning of a request, and ends an upload that takes longer.
            .connect_timeout(rule.connect_timeout)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .http1_max_headers(HEADERS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .build()
            .map_err(|error| HttpOpenError::Client { origin: origin(), problem: failure::chain(&error) })?;
        let authenticator = rule.signing.as_ref().map(Authenticator::open).transpose();
        let authenticator = authenticator.map_err(|source| HttpOpenError::Credentials { origin: origin(), source })?;
        let permits = Arc::new(Semaphore::new(rule.connections as usize));
        Ok(Self { grant: rule.clone(), client, permits, authenticator })
    }
}

/// What is signed as the body's length.
fn length_of(body: Option<&Content>, authenticator: &Authenticator) -> Result<u64, Failure> {
    match body.map(Content::size) {
        Some(None) if matches!(authenticator, Authenticator::AzureSharedKey(_)) => {
            Err(Failure::bad(Cause::Length, "does not say how long its body is, which its rule's authenticator signs"))
        }
        size => Ok(size.flatten().unwrap_or_default()),
    }
}

/// What `future` answers, as long as bytes move at least once in every `limit`.
async fn progressing<T>(limit: Duration, moved: &AtomicU64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut seen = moved.load(Ordering::Relaxed);
    loop {
        if let Ok(answer) = tokio::time::timeout(limit, &mut future).await {
            return Some(answer);
        }
        let now = moved.load(Ordering::Relaxed);
        if now == seen {
            return None;
        }
        seen = now;
    }
}
