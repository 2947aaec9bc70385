//! AWS Signature Version 4, by AWS's own crate.
//!
//! | module | its one job |
//! |---|---|
//! | `fetched` | keys that AWS hands to what runs on it |
//! | here | the signature, and keys that are there from the start |

mod fetched;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningInstructions, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use configparser::ini::Ini;
use http::header::{HeaderName, HeaderValue};

use super::Payload;
use super::refreshed::Refreshed;
use super::watched::Watched;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{AwsCredentials, SecretSource};
use crate::host::http::request::Checked;
use crate::host::network::secret::{Secret, SecretError};

/// The longest that a presigned URL may be good for: seven days (AWS, "Authenticating Requests: Using Query Parameters").
const PRESIGNED_MAX: u32 = 7 * 24 * 3600;

/// What AWS credentials say of themselves in logs.
const PROVIDER: &str = "cofferdam";

/// Signs for one service in one region.
pub(in crate::host::http) struct Aws {
    region: String,
    service: String,
    keys: Keys,
}

enum Keys {
    /// In a file or the environment.
    Held(Watched<Credentials>),
    /// Fetched, for a time.
    Fetched(Refreshed<Credentials>),
}

impl Keys {
    async fn get(&self) -> Result<Arc<Credentials>> {
        match self {
            Self::Held(keys) => Ok(keys.get()),
            Self::Fetched(keys) => keys.get().await,
        }
    }
}

impl Aws {
    pub(super) fn open(region: &str, service: &str, credentials: &AwsCredentials) -> Result<Self, SecretError> {
        let variable = |name: &str| Secret::read(&SecretSource::Environment(name.to_owned())).map(|secret| secret.reveal().to_owned());
        let keys = match credentials {
            AwsCredentials::Environment => {
                let token = variable("AWS_SESSION_TOKEN").ok();
                let keys = Credentials::new(variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?, token, None, PROVIDER);
                Keys::Held(Watched::open(None, Box::new(move || Ok(keys.clone())))?)
            }
            AwsCredentials::Profile { file, name } => {
                let (path, name) = (file.clone(), name.clone());
                let read = move || profile(&path, &name, Secret::read(&SecretSource::File(path.clone()))?.reveal());
                Keys::Held(Watched::open(Some(file.clone()), Box::new(read))?)
            }
            AwsCredentials::InstanceMetadata { endpoint } => Keys::Fetched(fetched::instance(endpoint.as_ref())?),
            AwsCredentials::Container => Keys::Fetched(fetched::container()?),
        };
        Ok(Self { region: region.to_owned(), service: service.to_owned(), keys })
    }

    /// Whether the service takes requests whose payload is not signed.
    pub(super) fn takes_unsigned(&self) -> bool {
        self.service == "s3"
    }

    pub(super) async fn sign(&self, checked: &mut Checked, payload: Payload) -> Result<()> {
        let body = match payload {
            Payload::Sha256(digest) => SignableBody::Precomputed(digest),
            Payload::Unsigned | Payload::NotAsked => SignableBody::UnsignedPayload,
        };
        let keys = self.keys.get().await?;
        let (headers, _) = self.instructions(&keys, checked, body, self.settings(SignatureLocation::Headers))?.into_parts();
        for header in headers {
            let failed = |_| Error::new(ErrorKind::Internal, "the signature fits into no header");
            let mut value = HeaderValue::from_str(header.value()).map_err(failed)?;
            value.set_sensitive(header.sensitive());
            checked.headers.insert(HeaderName::from_static(header.name()), value);
        }
        Ok(())
    }

    pub(super) async fn presign(&self, checked: &Checked, seconds: u32) -> Result<String> {
        if !(1..=PRESIGNED_MAX).contains(&seconds) {
            return Err(Error::invalid_argument(format!("a URL can be good for 1 to {PRESIGNED_MAX} seconds, not for {seconds}")));
        }
        let mut settings = self.settings(SignatureLocation::QueryParams);
        settings.expires_in = Some(Duration::from_secs(seconds.into()));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        let keys = self.keys.get().await?;
        let (_, parameters) = self.instructions(&keys, checked, SignableBody::UnsignedPayload, settings)?.into_parts();
        let mut url = checked.url.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(url.into())
    }

    fn settings(&self, location: SignatureLocation) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        if self.service == "s3" {
            // S3 signs paths as they are, and wants the payload's hash told.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }

    fn instructions(&self, keys: &Credentials, checked: &Checked, body: SignableBody<'_>, settings: SigningSettings) -> Result<SigningInstructions> {
        let identity = keys.clone().into();
        let failed = |error: &dyn std::error::Error| Error::new(ErrorKind::Internal, format!("the request cannot be signed: {error}"));
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name(&self.service);
        let parameters = parameters.time(SystemTime::now()).settings(settings).build().map_err(|error| failed(&error))?.into();
        let mut headers = Vec::with_capacity(checked.headers.len());
        for (name, value) in &checked.headers {
            headers.push((name.as_str(), value.to_str().map_err(|_| Error::invalid_argument(format!("the value of `{name}` cannot be signed")))?));
        }
        let request =
            SignableRequest::new(checked.method.as_str(), checked.url.as_str(), headers.into_iter(), body).map_err(|error| failed(&error))?;
        Ok(sign(request, &parameters).map_err(|error| failed(&error))?.into_parts().0)
    }
}

/// The keys of the profile `name` in a shared credentials file.
fn profile(path: &Path, name: &str, text: &str) -> Result<Credentials, SecretError> {
    let unusable = |problem: &str| SecretError::Unreadable { file: path.to_owned(), reason: format!("its profile {name:?} {problem}") };
    let mut file = Ini::new_cs();
    file.read(text.to_owned()).map_err(|_| unusable("cannot be found: the file is no shared credentials file"))?;
    // A `config` file writes `[profile NAME]`.
    let key = |key: &str| file.get(name, key).or_else(|| file.get(&format!("profile {name}"), key)).filter(|value| !value.is_empty());
    let access = key("aws_access_key_id").ok_or_else(|| unusable("has no `aws_access_key_id`"))?;
    let secret = key("aws_secret_access_key").ok_or_else(|| unusable("has no `aws_secret_access_key`"))?;
    Ok(Credentials::new(access, secret, key("aws_session_token"), None, PROVIDER))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::host::http::Asked;

    fn aws(scratch: &Path) -> Aws {
        let file = scratch.join("credentials");
        std::fs::write(&file, "[other]\naws_access_key_id = x\n\n[p]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = hidden/+key=\n")
            .unwrap();
        Aws::open("us-east-1", "s3", &AwsCredentials::Profile { file, name: "p".to_owned() }).unwrap()
    }

    fn checked(url: &str) -> Checked {
        Asked { method: "GET".to_owned(), url: url.to_owned(), headers: vec![("range".to_owned(), "bytes=0-9".to_owned())], first_byte: None }
            .check()
            .unwrap()
    }

    #[tokio::test]
    async fn a_signed_request_has_its_signature_in_headers_and_no_secret() {
        let scratch = tempfile::tempdir().unwrap();
        let mut request = checked("https://b.s3.amazonaws.com/a%20b?x-id=GetObject");
        aws(scratch.path()).sign(&mut request, Payload::Sha256("00".repeat(32))).await.unwrap();
        let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
        let authorization = header("authorization");
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature="));
        assert_eq!(header("x-amz-content-sha256"), "00".repeat(32));
        assert!(!format!("{:?}", request.headers).contains("hidden"));
    }

    #[tokio::test]
    async fn a_presigned_url_says_how_long_it_is_good() {
        let scratch = tempfile::tempdir().unwrap();
        let aws = aws(scratch.path());
        let url = aws.presign(&checked("https://b.s3.amazonaws.com/a?versionId=1"), 60).await.unwrap();
        for part in ["https://b.s3.amazonaws.com/a?versionId=1&", "X-Amz-Expires=60", "X-Amz-Credential=AKIDEXAMPLE%2F", "X-Amz-Signature="] {
            assert!(url.contains(part), "{url}");
        }
        for seconds in [0, PRESIGNED_MAX + 1] {
            assert_eq!(aws.presign(&checked("https://b.s3.amazonaws.com/a"), seconds).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn a_profile_without_keys_is_refused() {
        let said = |text: &str, name: &str| profile(Path::new("/f"), name, text).unwrap_err().to_string();
        assert!(said("", "p").contains("has no `aws_access_key_id`"));
        assert!(said("[p]\naws_access_key_id = a\n", "p").contains("has no `aws_secret_access_key`"));
        assert!(said("[p]\naws_access_key_id = a\naws_secret_access_key = hidden\n", "q").contains("profile \"q\""));
        let keys = profile(Path::new("/f"), "p", "[profile p]\naws_access_key_id = a\naws_secret_access_key = b\naws_session_token = c\n").unwrap();
        assert_eq!((keys.access_key_id(), keys.secret_access_key(), keys.session_token()), ("a", "b", Some("c")));
    }
}
