//! Docker's bearer tokens: a JSON Web Token of an authorization service, checked against keys from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{AlgorithmFamily, DecodingKey, Validation};
use serde::Deserialize;

use super::{AccessError, Action, quoted};

/// The longest token that is looked at: a header of a request has little more.
const TOKEN_MAX: usize = 48 << 10;

/// Which tokens hold.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// Where clients get tokens: the URL of the authorization service.
    pub realm: String,
    /// What this registry is called there: the audience of its tokens.
    pub service: String,
    /// Who must have issued them.
    pub issuer: String,
    /// Public keys or certificates (PEM), or JSON Web Key Sets.
    pub keys: Vec<PathBuf>,
    /// How far the clocks may be apart.
    pub leeway: Duration,
}

/// Checks tokens.
pub(super) struct Tokens {
    realm: String,
    service: String,
    keys: Vec<Key>,
}

struct Key {
    /// The key's id, in a key set.
    id: Option<String>,
    key: DecodingKey,
    validation: Validation,
}

/// A token that holds.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) subject: Option<Arc<str>>,
    pub(super) grants: Arc<[TokenGrant]>,
}

/// What a token gives on one resource (Docker's "access" claim).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TokenGrant {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    #[serde(default)]
    access: Option<Vec<TokenGrant>>,
}

/// A token that does not hold. Why is nobody's business but the log's.
#[derive(Debug)]
pub(super) struct Invalid;

impl TokenGrant {
    pub(super) fn gives(&self, repository: &str, action: Action) -> bool {
        self.kind == "repository" && self.name == repository && self.actions.iter().any(|given| given == "*" || given == action.as_str())
    }

    pub(super) fn is_catalog(&self) -> bool {
        self.kind == "registry" && self.name == "catalog" && self.actions.iter().any(|action| action == "*")
    }
}

impl Tokens {
    pub(super) fn open(options: &TokenOptions) -> Result<Self, AccessError> {
        let mut keys = Vec::new();
        for file in &options.keys {
            let bad = |problem: String| AccessError::Keys { path: file.clone(), problem };
            for (id, key) in read(file)? {
                // One secret that both sides have would let whoever reads this file issue tokens.
                if key.family() == AlgorithmFamily::Hmac {
                    return Err(bad("it has a symmetric key".to_owned()));
                }
                keys.push(Key { id, validation: validation(options, key.family()), key });
            }
        }
        Ok(Self { realm: options.realm.clone(), service: options.service.clone(), keys })
    }

    /// How clients are told where to get a token (distribution, "Token authentication").
    pub(super) fn challenge(&self, scope: Option<&str>, error: Option<&str>) -> String {
        let mut challenge = format!("Bearer realm={},service={}", quoted(&self.realm), quoted(&self.service));
        for (name, value) in [("scope", scope), ("error", error)] {
            if let Some(value) = value {
                challenge.push_str(&format!(",{name}={}", quoted(value)));
            }
        }
        challenge
    }

    /// Checks signature, issuer, audience and times.
    pub(super) fn verify(&self, text: &str) -> Result<Token, Invalid> {
        if text.len() > TOKEN_MAX {
            return Err(Invalid);
        }
        let header = jsonwebtoken::decode_header(text).map_err(|_| Invalid)?;
        // Any header may name its own key (`jwk`, `x5c`): that is never believed, only the files' keys are.
        let named = self.keys.iter().filter(|key| key.id.is_some() && key.id == header.kid);
        let nameless = self.keys.iter().filter(|key| key.id.is_none() || header.kid.is_none());
        for key in named.chain(nameless).filter(|key| key.validation.algorithms.contains(&header.alg)) {
            match jsonwebtoken::decode::<Claims>(text, &key.key, &key.validation) {
                Ok(token) => {
                    let subject = (!token.claims.sub.is_empty()).then(|| token.claims.sub.into());
                    return Ok(Token { subject, grants: token.claims.access.unwrap_or_default().into() });
                }
                Err(error) => tracing::debug!(%error, "a token does not hold"),
            }
        }
        Err(Invalid)
    }
}

fn validation(options: &TokenOptions, family: AlgorithmFamily) -> Validation {
    let mut validation = Validation::new_for_family(family);
    validation.leeway = options.leeway.as_secs();
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_audience(&[&options.service]);
    validation.set_issuer(&[&options.issuer]);
    validation
}

/// The keys in `file`, each with its id.
fn read(file: &Path) -> Result<Vec<(Option<String>, DecodingKey)>, AccessError> {
    let bad = |problem: String| AccessError::Keys { path: file.to_owned(), problem };
    let unreadable = |source| AccessError::Unreadable { what: "keys", path: file.to_owned(), source };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let keys = if text.trim_start().starts_with('{') {
        let set: JwkSet = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        let key = |jwk: &Jwk| DecodingKey::from_jwk(jwk).map(|key| (jwk.common.key_id.clone(), key)).map_err(|error| bad(error.to_string()));
        set.keys.iter().map(key).collect::<Result<Vec<_>, _>>()?
    } else {
        pem_blocks(&text)
            .map(|block| public_key(block).map(|key| (None, key)).ok_or_else(|| bad("a PEM block is no public key".to_owned())))
            .collect::<Result<Vec<_>, _>>()?
    };
    if keys.is_empty() { Err(bad("it is empty".to_owned())) } else { Ok(keys) }
}

/// A public key or certificate of any family that tokens are signed with.
fn public_key(pem: &str) -> Option<DecodingKey> {
    // A private key has no place on a registry: it could issue tokens.
    if pem.contains("PRIVATE KEY") {
        return None;
    }
    let pem = pem.as_bytes();
    DecodingKey::from_rsa_pem(pem).or_else(|_| DecodingKey::from_ec_pem(pem)).or_else(|_| DecodingKey::from_ed_pem(pem)).ok()
}

/// Each `-----BEGIN …-----` to its end: a bundle has several.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    let begins: Vec<_> = text.match_indices("-----BEGIN ").map(|(at, _)| at).collect();
    let ends: Vec<_> = begins.iter().skip(1).copied().chain([text.len()]).collect();
    begins.into_iter().zip(ends).map(move |(begin, end)| &text[begin..end])
}
