//! Google's service accounts: who signs, and with what.
//!
//! | module | its one job |
//! |---|---|
//! | `token` | access tokens, for requests |
//! | `signed_url` | URLs that are good for some time |
//! | here | the account's key file |

mod signed_url;
mod token;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::Deserialize;
use url::Url;

use super::refreshed::Refreshed;
use super::watched::Watched;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::SecretSource;
use crate::host::http::request::Checked;
use crate::host::network::secret::{Secret, SecretError};

/// Where a key file that does not say sends its account for tokens.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Speaks for one service account.
pub(in crate::host::http) struct Google {
    account: Arc<Watched<Account>>,
    token: Refreshed<Secret>,
}

/// What a key file says.
struct Account {
    email: String,
    key: EncodingKey,
    key_id: Option<String>,
    token_uri: Url,
}

/// A key file as Google writes it, as far as it matters here.
#[derive(Deserialize)]
struct KeyFile {
    r#type: String,
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl Google {
    /// # Errors
    /// [`SecretError`] if the key file is not there, or is none.
    pub(super) fn open(key: &SecretSource, scope: &str) -> Result<Self, SecretError> {
        let account = Arc::new(Watched::parsed(key, Account::parse)?);
        let token = token::refreshed(account.clone(), key, scope).map_err(|reason| SecretError::unfit(key, reason))?;
        Ok(Self { account, token })
    }

    /// A token for requests.
    ///
    /// # Errors
    /// `unavailable` if none can be had.
    ///
    /// # Cancel safety
    /// Dropping the future gives up what it fetches; the next call fetches it.
    pub(super) async fn token(&self) -> Result<Arc<Secret>> {
        self.token.get().await
    }

    /// # Errors
    /// `invalid-argument` for a time over the scheme's maximum, or a query that is a signature's.
    pub(super) fn presign(&self, checked: &Checked, seconds: u32) -> Result<String> {
        signed_url::presign(&self.account.get(), checked, seconds, Timestamp::now())
    }
}

impl Account {
    /// Reads a key file.
    ///
    /// # Errors
    /// What is wrong with it, without showing it: not even what a JSON parser says, which quotes.
    fn parse(text: &str) -> Result<Self, String> {
        let file: KeyFile = serde_json::from_str(text)
            .map_err(|_| "it is no key file of a service account: JSON with `type`, `client_email` and `private_key`".to_owned())?;
        if file.r#type != "service_account" {
            return Err("its `type` is not \"service_account\"".to_owned());
        }
        let key = EncodingKey::from_rsa_pem(file.private_key.as_bytes()).map_err(|_| "its `private_key` is no RSA key in PEM".to_owned())?;
        let token_uri = Url::parse(file.token_uri.as_deref().unwrap_or(TOKEN_URI)).ok().filter(is_private);
        let token_uri = token_uri.ok_or("its `token_uri` must be `https://…`: what is sent there is as good as the key for a while")?;
        Ok(Self { email: file.client_email, key, key_id: file.private_key_id, token_uri })
    }

    /// The RSA-SHA256 signature of `text`.
    fn sign(&self, text: &str) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("the service account's key cannot sign: {error}"));
        let signature = crypto::sign(text.as_bytes(), &self.key, Algorithm::RS256).map_err(|error| failed(&error))?;
        BASE64_URL.decode(signature).map_err(|error| failed(&error))
    }
}

/// Whether what is sent to `url` is seen by nobody on the way: TLS, or this machine.
fn is_private(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
