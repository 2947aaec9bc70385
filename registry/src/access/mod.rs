//! Who may pull, push, delete and list: who a request comes from, and what that caller may do.
//!
//! ```text
//! Authorization ──► identify: htpasswd, or a token's signature ──► Caller ──► require: rules, and what the token grants
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | `rules` | which caller may do what to which repository: the first rule that fits |
//! | `pattern` | names of repositories with `*` and `**` |
//! | `htpasswd` | users and bcrypt hashes from a file |
//! | `token` | Docker's bearer tokens: signature, issuer, audience, scopes |

mod error;
mod htpasswd;
mod pattern;
mod rules;
mod token;

use std::sync::Arc;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use error::AccessError;
use htpasswd::Htpasswd;
pub use htpasswd::HtpasswdOptions;
pub use pattern::{Pattern, PatternError};
use rules::Rules;
pub use rules::{Rights, Rule, Who};
pub use token::TokenOptions;
use token::{TokenGrant, Tokens};

use crate::error::{RegistryError, Result};
use crate::name::RepositoryName;

/// What may be done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read blobs, manifests, tags and referrers.
    Pull,
    /// Write them, and see its own uploads.
    Push,
    /// Delete them.
    Delete,
}

impl Right {
    /// As scopes and rules write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Pull => "pull from",
            Self::Push => "push to",
            Self::Delete => "delete from",
        }
    }
}

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

/// Decides for every request. Clones share it.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    guard: Guard,
    rules: Rules,
}

enum Guard {
    Open,
    Htpasswd(Htpasswd),
    Token(Tokens),
}

/// Whom a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    name: Option<Arc<str>>,
    grants: Option<Arc<[TokenGrant]>>,
}

impl Caller {
    /// Somebody who did not say who they are.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The name, if it is known: for logs and events.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Access {
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

    /// Everybody may do everything.
    pub fn anonymous() -> Self {
        Self(Arc::new(Inner { guard: Guard::Open, rules: Rules::new(Vec::new(), None, true) }))
    }

    /// Whether callers are asked who they are.
    pub fn is_guarded(&self) -> bool {
        !matches!(self.0.guard, Guard::Open)
    }

    /// Finds out who sent `authorization`. Without the header that is nobody in particular.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`] for a header that does not hold: an unknown user, a wrong password, an expired token.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn identify(&self, authorization: Option<&HeaderValue>) -> Result<Caller> {
        let Some(header) = authorization else { return Ok(Caller::anonymous()) };
        let refused = || self.unauthorized(None, Some("invalid_token"));
        let text = header.to_str().map_err(|_| refused())?;
        let (scheme, credentials) = text.split_once(' ').ok_or_else(refused)?;
        match &self.0.guard {
            // Some clients send what they have to every registry.
            Guard::Open => Ok(Caller::anonymous()),
            Guard::Htpasswd(users) if scheme.eq_ignore_ascii_case("basic") => {
                let (name, password) = basic(credentials.trim()).ok_or_else(refused)?;
                if users.verify(&name, password.as_bytes()).await { Ok(Caller { name: Some(name.into()), grants: None }) } else { Err(refused()) }
            }
            Guard::Token(tokens) if scheme.eq_ignore_ascii_case("bearer") => {
                let token = tokens.verify(credentials.trim()).map_err(|_| refused())?;
                Ok(Caller { name: token.subject, grants: Some(token.grants) })
            }
            Guard::Htpasswd(_) | Guard::Token(_) => Err(refused()),
        }
    }

    /// Checks that `caller` may ask this registry anything at all (`GET /v2/`): whoever is asked for a name must give one.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`].
    pub fn require_identity(&self, caller: &Caller) -> Result<()> {
        if self.is_guarded() && caller.name.is_none() && caller.grants.is_none() { Err(self.unauthorized(None, None)) } else { Ok(()) }
    }

    /// Whether `caller` has `right` on `repository`.
    pub fn allows(&self, caller: &Caller, repository: &RepositoryName, right: Right) -> bool {
        self.granted(caller, repository, right) && self.0.rules.allow(caller.name(), repository.as_str(), right)
    }

    /// Checks that `caller` has all of `rights` on `repository`.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`] where another identity or token could have them, otherwise [`RegistryError::Denied`].
    pub fn require(&self, caller: &Caller, repository: &RepositoryName, rights: &[Right]) -> Result<()> {
        let Some(missing) = rights.iter().find(|right| !self.allows(caller, repository, **right)) else { return Ok(()) };
        let insufficient = rights.iter().any(|right| !self.granted(caller, repository, *right));
        let nobody = caller.name.is_none() && caller.grants.is_none();
        if self.is_guarded() && (nobody || insufficient) {
            let actions: Vec<_> = rights.iter().map(|right| right.as_str()).collect();
            let scope = format!("repository:{repository}:{}", actions.join(","));
            return Err(self.unauthorized(Some(&scope), (!nobody).then_some("insufficient_scope")));
        }
        Err(denied(caller, missing.in_words(), repository.as_str()))
    }

    /// Checks that `caller` may list all repositories.
    ///
    /// # Errors
    /// As [`Access::require`].
    pub fn require_catalog(&self, caller: &Caller) -> Result<()> {
        let granted = match (&self.0.guard, &caller.grants) {
            (Guard::Token(_), grants) => grants.iter().flat_map(|grants| grants.iter()).any(TokenGrant::is_catalog),
            _ => true,
        };
        if granted && self.0.rules.allow_catalog(caller.name()) {
            return Ok(());
        }
        let nobody = caller.name.is_none() && caller.grants.is_none();
        if self.is_guarded() && (nobody || !granted) {
            return Err(self.unauthorized(Some("registry:catalog:*"), (!nobody).then_some("insufficient_scope")));
        }
        Err(denied(caller, "list", "all repositories"))
    }

    /// Whether the caller's token, if that is how callers are known, has `right` on `repository`.
    fn granted(&self, caller: &Caller, repository: &RepositoryName, right: Right) -> bool {
        match (&self.0.guard, &caller.grants) {
            (Guard::Token(_), grants) => grants.iter().flat_map(|grants| grants.iter()).any(|grant| grant.gives(repository.as_str(), right)),
            _ => true,
        }
    }

    fn unauthorized(&self, scope: Option<&str>, error: Option<&str>) -> RegistryError {
        let challenge = match &self.0.guard {
            Guard::Token(tokens) => tokens.challenge(scope, error),
            Guard::Htpasswd(users) => users.challenge(),
            Guard::Open => "Basic realm=\"cofferdam\"".to_owned(),
        };
        RegistryError::Unauthorized { challenge }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match &self.0.guard {
            Guard::Open => "anonymous",
            Guard::Htpasswd(_) => "htpasswd",
            Guard::Token(_) => "token",
        };
        f.debug_struct("Access").field("scheme", &scheme).finish_non_exhaustive()
    }
}

fn denied(caller: &Caller, action: &str, repository: &str) -> RegistryError {
    let who = caller.name().unwrap_or("an anonymous client").to_owned();
    RegistryError::Denied { who, action: action.to_owned(), repository: repository.to_owned() }
}

/// `text` within a quoted string of a header (RFC 9110, 5.6.4).
fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().filter(|c| !c.is_control()).flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}

/// Name and password (RFC 7617).
fn basic(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests;
