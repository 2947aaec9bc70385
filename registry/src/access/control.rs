//! The answer, by scheme and rules: who a request comes from, and what that caller may do.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::htpasswd::{Htpasswd, HtpasswdOptions};
use super::rules::{Rule, Rules, Who};
use super::token::{TokenGrant, TokenOptions, Tokens};
use super::{Access, AccessError, Decision, Question, Resource};

/// How callers say who they are.
#[derive(Clone, Debug, Default)]
pub enum Scheme {
    /// They do not: everybody may do everything, unless rules say otherwise.
    #[default]
    Anonymous,
    /// By name and password, from a file.
    Htpasswd(HtpasswdOptions),
    /// By a token of an authorization service.
    Token(TokenOptions),
}

/// What access is made of.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    /// How callers say who they are.
    pub scheme: Scheme,
    /// The first that fits decides. Without any, whoever is identified may do everything.
    pub rules: Vec<Rule>,
    /// Who may list all repositories. None: whoever is identified, unless there are rules: then nobody.
    pub catalog: Option<Vec<Who>>,
}

impl AccessOptions {
    /// Whether callers are asked who they are.
    pub fn is_guarded(&self) -> bool {
        !matches!(self.scheme, Scheme::Anonymous)
    }
}

/// Decides by scheme and rules. Clones share it.
#[derive(Clone)]
pub struct AccessControl(Arc<Inner>);

struct Inner {
    guard: Guard,
    rules: Rules,
}

enum Guard {
    Open,
    Htpasswd(Htpasswd),
    Token(Tokens),
}

/// Whom a request comes from; without name and grants, nobody in particular.
#[derive(Default)]
struct Caller {
    name: Option<Arc<str>>,
    grants: Option<Arc<[TokenGrant]>>,
}

impl Caller {
    fn is_nobody(&self) -> bool {
        self.name.is_none() && self.grants.is_none()
    }

    /// Whether one of its token's grants does.
    fn has_grant(&self, gives: impl Fn(&TokenGrant) -> bool) -> bool {
        self.grants.iter().flat_map(|grants| grants.iter()).any(gives)
    }
}

/// A header that does not hold.
struct Refused;

impl AccessControl {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    /// [`AccessError`]: a file that cannot be read, or has something else in it.
    pub fn open(options: AccessOptions) -> Result<Self, AccessError> {
        let guard = match options.scheme {
            Scheme::Anonymous => Guard::Open,
            Scheme::Htpasswd(options) => Guard::Htpasswd(Htpasswd::open(options)?),
            Scheme::Token(options) => Guard::Token(Tokens::open(&options)?),
        };
        // A token says by itself what it gives: without rules that is enough.
        let open = !matches!(guard, Guard::Htpasswd(_));
        Ok(Self(Arc::new(Inner { guard, rules: Rules::new(options.rules, options.catalog, open) })))
    }

    async fn identify(&self, authorization: Option<&HeaderValue>) -> Result<Caller, Refused> {
        let Some(header) = authorization else { return Ok(Caller::default()) };
        let text = header.to_str().map_err(|_| Refused)?;
        let (scheme, credentials) = text.split_once(' ').ok_or(Refused)?;
        match &self.0.guard {
            // Some clients send what they have to every registry.
            Guard::Open => Ok(Caller::default()),
            Guard::Htpasswd(users) if scheme.eq_ignore_ascii_case("basic") => {
                let (name, password) = basic(credentials.trim()).ok_or(Refused)?;
                // What skopeo and podman send if they are asked for a name and have none.
                if name.is_empty() && password.is_empty() {
                    return Ok(Caller::default());
                }
                if users.verify(&name, password.as_bytes()).await { Ok(Caller { name: Some(name.into()), grants: None }) } else { Err(Refused) }
            }
            Guard::Token(tokens) if scheme.eq_ignore_ascii_case("bearer") => {
                let token = tokens.verify(credentials.trim()).map_err(|_| Refused)?;
                Ok(Caller { name: token.subject, grants: Some(token.grants) })
            }
            Guard::Htpasswd(_) | Guard::Token(_) => Err(Refused),
        }
    }

    /// Whether the caller's token gives what is asked. Where there are no tokens that is nobody's question.
    fn is_granted(&self, caller: &Caller, resource: Resource<'_>) -> bool {
        match (&self.0.guard, resource) {
            (Guard::Open | Guard::Htpasswd(_), _) | (_, Resource::Registry) => true,
            (Guard::Token(_), Resource::Catalog) => caller.has_grant(TokenGrant::is_catalog),
            (Guard::Token(_), Resource::Repository(name, actions)) => {
                actions.iter().all(|action| caller.has_grant(|grant| grant.gives(name.as_str(), *action)))
            }
        }
    }

    fn is_allowed(&self, caller: &Caller, resource: Resource<'_>) -> bool {
        let name = caller.name.as_deref();
        match resource {
            // Whoever is asked for a name must give one: clients learn from the challenge how.
            Resource::Registry => matches!(self.0.guard, Guard::Open) || !caller.is_nobody(),
            Resource::Catalog => self.0.rules.allow_catalog(name),
            Resource::Repository(repository, actions) => actions.iter().all(|action| self.0.rules.allow(name, repository.as_str(), *action)),
        }
    }

    fn challenge(&self, resource: Resource<'_>, error: Option<&str>) -> Decision {
        let scope = match resource {
            Resource::Registry => None,
            Resource::Catalog => Some("registry:catalog:*".to_owned()),
            Resource::Repository(name, actions) => {
                let actions: Vec<_> = actions.iter().map(|action| action.as_str()).collect();
                Some(format!("repository:{name}:{}", actions.join(",")))
            }
        };
        let challenge = match &self.0.guard {
            Guard::Token(tokens) => tokens.challenge(scope.as_deref(), error),
            Guard::Htpasswd(users) => users.challenge(),
            Guard::Open => return Decision::Deny { actor: NOBODY.to_owned() },
        };
        Decision::Challenge { challenge }
    }
}

/// Who is denied where nobody is asked for a name.
const NOBODY: &str = "an anonymous client";

#[async_trait]
impl Access for AccessControl {
    async fn decide(&self, question: Question<'_>) -> Decision {
        let resource = question.resource;
        let Ok(caller) = self.identify(question.authorization).await else { return self.challenge(resource, Some("invalid_token")) };
        let granted = self.is_granted(&caller, resource);
        if granted && self.is_allowed(&caller, resource) {
            return Decision::Allow { actor: caller.name.as_deref().map(str::to_owned) };
        }
        // Another name or a better token may help; without either there is nothing to ask for.
        if caller.is_nobody() {
            return self.challenge(resource, None);
        }
        if !granted {
            return self.challenge(resource, Some("insufficient_scope"));
        }
        Decision::Deny { actor: caller.name.as_deref().unwrap_or(NOBODY).to_owned() }
    }
}

impl std::fmt::Debug for AccessControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match &self.0.guard {
            Guard::Open => "anonymous",
            Guard::Htpasswd(_) => "htpasswd",
            Guard::Token(_) => "token",
        };
        f.debug_struct("AccessControl").field("scheme", &scheme).finish_non_exhaustive()
    }
}

/// Name and password (RFC 7617).
fn basic(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
