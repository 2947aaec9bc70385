//! Access tokens: an assertion that the account's key signs, exchanged at the account's token endpoint (RFC 7523).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;

use super::Account;
use crate::grant::SecretSource;
use crate::host::http::sign::fetch::{Failure, Fetcher, shown};
use crate::host::http::sign::refreshed::{Fetched, Refreshed};
use crate::host::http::sign::watched::Watched;
use crate::host::network::secret::Secret;

/// The longest that an assertion may be good for, and then a token is, too (Google, "Using OAuth 2.0 for Server to Server Applications").
const LIFETIME: Duration = Duration::from_secs(3600);

/// What is asserted.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

/// Tokens of the account, for `scope`.
///
/// # Errors
/// What is wrong with the host's own client.
pub(super) fn refreshed(account: Arc<Watched<Account>>, key: &SecretSource, scope: &str) -> Result<Refreshed<Secret>, String> {
    let (fetcher, place, scope) = (Fetcher::new()?, key.to_string(), scope.to_owned());
    Ok(Refreshed::new(Box::new(move || {
        let (fetcher, account, place, scope) = (fetcher.clone(), account.get(), place.clone(), scope.clone());
        Box::pin(async move {
            let fetched = fetch(&fetcher, &account, &scope).await;
            fetched.map_err(|failure| Failure::new(format!("the service account in {place} gets no token: {failure}")))
        })
    })))
}

async fn fetch(fetcher: &Fetcher, account: &Account, scope: &str) -> Result<Fetched<Secret>, Failure> {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = Claims { iss: &account.email, scope, aud: account.token_uri.as_str(), iat: seconds, exp: seconds + LIFETIME.as_secs() };
    let header = Header { kid: account.key_id.clone(), ..Header::new(Algorithm::RS256) };
    let assertion = jsonwebtoken::encode(&header, &claims, &account.key).map_err(|error| Failure::new(format!("the key cannot sign: {error}")))?;
    let body = Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let mut request = Request::new(Method::POST, account.token_uri.clone());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    *request.body_mut() = Some(body.into());
    let answer = fetcher.ask(request).await?;
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|_| Failure::new(format!("{} answers no `access_token`", shown(&account.token_uri))))?;
    let lifetime = answer.expires_in.map_or(LIFETIME, Duration::from_secs).min(LIFETIME);
    Ok(Fetched { value: Secret::received(answer.access_token), until: Some(now + lifetime) })
}
