//! Credentials: what the host adds to a request once it has left the driver. No secret enters a sandbox.

mod aws;
mod azure;
mod fetch;
mod google;
mod refreshed;
mod watched;

use http::header::{AUTHORIZATION, HeaderValue};

use aws::Aws;
use azure::{SasToken, SharedKey};
use google::Google;
use watched::Watched;

use super::request::Checked;
use crate::call::CallContext;
use crate::content::{Algorithm, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Signing;
use crate::host::network::secret::{Secret, SecretError};

/// The header in which a request says what its payload hashes to; a driver that knows saves the host the hashing.
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Signs the requests of one rule.
pub(super) enum Authenticator {
    Aws(Aws),
    Bearer(Watched<Secret>),
    Basic { user: String, password: Watched<Secret> },
    AzureSharedKey(SharedKey),
    AzureSas(SasToken),
    Google(Google),
}

/// What is signed of a body.
pub(super) enum Payload {
    /// Nothing is.
    NotAsked,
    /// Its SHA-256, in hexadecimal.
    Sha256(String),
    /// Nothing, and the signature says so; TLS protects it.
    Unsigned,
}

impl Authenticator {
    /// # Errors
    /// [`SecretError`] if the secret is not where the grant says.
    pub(super) fn open(signing: &Signing) -> Result<Self, SecretError> {
        Ok(match signing {
            Signing::AwsSigV4 { region, service, credentials } => Self::Aws(Aws::open(region, service, credentials)?),
            Signing::Bearer { token } => Self::Bearer(Watched::secret(token)?),
            Signing::Basic { user, password } => Self::Basic { user: user.clone(), password: Watched::secret(password)? },
            Signing::AzureSharedKey { account, key } => Self::AzureSharedKey(SharedKey::open(account, key)?),
            Signing::AzureSas { token } => Self::AzureSas(SasToken::open(token)?),
            Signing::GoogleServiceAccount { key, scope } => Self::Google(Google::open(key, scope)?),
        })
    }

    /// The headers that it sets, beside `Authorization`.
    pub(super) fn headers(&self) -> &'static [&'static str] {
        match self {
            Self::Aws(_) => &["x-amz-date", "x-amz-security-token"],
            Self::AzureSharedKey(_) => &["x-ms-date"],
            Self::Bearer(_) | Self::Basic { .. } | Self::AzureSas(_) | Self::Google(_) => &[],
        }
    }

    /// What it needs to know of the request's body.
    ///
    /// # Errors
    /// What reading the content answers.
    pub(super) async fn payload(&self, checked: &Checked, body: Option<&Content>, call: &CallContext) -> Result<Payload> {
        let Self::Aws(aws) = self else { return Ok(Payload::NotAsked) };
        if let Some(said) = checked.headers.get(CONTENT_SHA256).and_then(|value| value.to_str().ok()) {
            return Ok(Payload::Sha256(said.to_owned()));
        }
        if let Some(body) = body
            && aws.takes_unsigned()
            && (checked.url.scheme() == "https" || !body.is_held())
        {
            return Ok(Payload::Unsigned);
        }
        let nothing = Content::from_bytes("");
        let digest = body.unwrap_or(&nothing).digest_reporting(Algorithm::Sha256, |bytes| call.moved(bytes)).await?;
        Ok(Payload::Sha256(base16ct::lower::encode_string(&digest)))
    }

    /// `length` is that of the body.
    ///
    /// # Errors
    /// `internal` if the request cannot be signed; `invalid-argument` if the driver says what the authenticator is to say; `unavailable`
    /// with the code `credentials` if they must be fetched and cannot be.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the request half signed: it is to be dropped too.
    pub(super) async fn sign(&self, checked: &mut Checked, payload: Payload, length: u64) -> Result<()> {
        let value = match self {
            Self::Aws(aws) => return aws.sign(checked, payload).await,
            Self::AzureSharedKey(key) => return key.sign(checked, length),
            Self::AzureSas(token) => return token.sign(checked),
            Self::Google(google) => format!("Bearer {}", google.token().await?.reveal()),
            Self::Bearer(token) => format!("Bearer {}", token.get().reveal()),
            Self::Basic { user, password } => {
                use base64::Engine as _;
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.get().reveal())))
            }
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| Error::new(ErrorKind::Internal, "the credentials fit into no header"))?;
        value.set_sensitive(true);
        checked.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// # Errors
    /// `unsupported` for a scheme without presigned URLs; `invalid-argument` for a time over its maximum; `unavailable` with the code
    /// `credentials` if they must be fetched and cannot be.
    ///
    /// # Cancel safety
    /// Nothing is done but that credentials are fetched.
    pub(super) async fn presign(&self, checked: &Checked, seconds: u32) -> Result<String> {
        match self {
            Self::Aws(aws) => aws.presign(checked, seconds).await,
            Self::AzureSharedKey(key) => key.presign(checked, seconds),
            Self::Google(google) => google.presign(checked, seconds),
            Self::Bearer(_) | Self::Basic { .. } | Self::AzureSas(_) => {
                Err(Error::unsupported("the scheme of the rule's `sign` has no presigned URLs"))
            }
        }
    }
}
