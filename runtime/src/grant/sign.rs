//! What a rule says of signing: the scheme, and where its secret is. Never the secret itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::GrantError;
use super::fields::{Field, Fields};
use super::{Origin, SecretSource};

/// Every scheme.
const SCHEMES: &[&str] = &["aws-sigv4", "bearer", "basic", "azure-shared-key", "azure-sas", "google-service-account"];

/// Reading and writing objects, and no more.
const GOOGLE_SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// Every key of every scheme; each scheme refuses the others'.
const KEYS: &[&str] = &[
    "scheme",
    "region",
    "service",
    "credentials",
    "credentials-file",
    "profile",
    "metadata-endpoint",
    "token-file",
    "token-env",
    "user",
    "password-file",
    "password-env",
    "account",
    "key-file",
    "key-env",
    "scope",
];

/// How the host signs the requests of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Signing {
    /// AWS Signature Version 4.
    AwsSigV4 {
        /// The region, `us-east-1`.
        region: String,
        /// The service, `s3`.
        service: String,
        /// Where the keys are.
        credentials: AwsCredentials,
    },
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// Where the token is.
        token: SecretSource,
    },
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// The user's name.
        user: String,
        /// Where the password is.
        password: SecretSource,
    },
    /// `Authorization: SharedKey …` of Azure's Blob service.
    AzureSharedKey {
        /// The storage account's name.
        account: String,
        /// Where its key is, in base64 as Azure shows it.
        key: SecretSource,
    },
    /// Azure's shared access signature: parameters of the query.
    AzureSas {
        /// Where the token is: `sv=…&sig=…`.
        token: SecretSource,
    },
    /// `Authorization: Bearer …` with an access token that the host fetches for a service account of Google's.
    GoogleServiceAccount {
        /// Where the account's key file is, JSON as Google writes it.
        key: SecretSource,
        /// What the token is good for.
        scope: String,
    },
}

/// Where AWS keys are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AwsCredentials {
    /// In `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and perhaps `AWS_SESSION_TOKEN` of the host's environment.
    Environment,
    /// In a profile of a shared credentials file, as the AWS tools write it. Read again when it changes.
    Profile {
        /// The file.
        file: PathBuf,
        /// The profile's name.
        name: String,
    },
    /// Those of the role of the instance that the host runs on, by the metadata service (version 2).
    InstanceMetadata {
        /// Where the service is, instead of where `AWS_EC2_METADATA_SERVICE_ENDPOINT` says, or AWS has it.
        endpoint: Option<Origin>,
    },
    /// Those of the role of the container that the host runs in, as `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI` says.
    Container,
}

pub(super) fn signing(field: &Field<'_, '_>) -> Result<Signing, GrantError> {
    let fields = field.table("in sign = { … }", KEYS)?;
    let scheme = fields.require("scheme", "scheme = \"aws-sigv4\"")?;
    let only = |known: &[&str]| match KEYS.iter().find(|key| **key != "scheme" && !known.contains(*key) && fields.get(key).is_some()) {
        Some(key) => Err(fields.bad(key, "does not belong to this scheme")),
        None => Ok(()),
    };
    match scheme.text()? {
        "aws-sigv4" => {
            only(&["region", "service", "credentials", "credentials-file", "profile", "metadata-endpoint"])?;
            let region = fields.require("region", "region = \"us-east-1\"")?.text()?.to_owned();
            let service = fields.get("service").map_or(Ok("s3"), |field| field.text())?.to_owned();
            Ok(Signing::AwsSigV4 { region, service, credentials: aws(&fields)? })
        }
        "bearer" => {
            only(&["token-file", "token-env"])?;
            Ok(Signing::Bearer { token: secret(&fields, "token-file", "token-env")? })
        }
        "basic" => {
            only(&["user", "password-file", "password-env"])?;
            let user = fields.require("user", "user = \"cofferdam\"")?;
            let name = user.text()?;
            if name.contains(':') || name.chars().any(char::is_control) {
                return Err(user.bad("has a `:` or a control character, which no user's name can have"));
            }
            Ok(Signing::Basic { user: name.to_owned(), password: secret(&fields, "password-file", "password-env")? })
        }
        "azure-shared-key" => {
            only(&["account", "key-file", "key-env"])?;
            let account = fields.require("account", "account = \"mystorage\"")?;
            Ok(Signing::AzureSharedKey { account: azure_account(&account)?, key: secret(&fields, "key-file", "key-env")? })
        }
        "azure-sas" => {
            only(&["token-file", "token-env"])?;
            Ok(Signing::AzureSas { token: secret(&fields, "token-file", "token-env")? })
        }
        "google-service-account" => {
            only(&["key-file", "key-env", "scope"])?;
            let scope = fields.get("scope").map_or(Ok(GOOGLE_SCOPE), |field| field.text())?.to_owned();
            Ok(Signing::GoogleServiceAccount { key: secret(&fields, "key-file", "key-env")?, scope })
        }
        other => Err(scheme.bad(format!("is {other:?} but must be one of {}", SCHEMES.join(", ")))),
    }
}

/// An account's name: it is part of URLs and of what is signed.
fn azure_account(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let name = field.text()?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(field.bad(format!("is {name:?} but must be a storage account's name: small letters and digits")));
    }
    Ok(name.to_owned())
}

fn aws(fields: &Fields<'_, '_>) -> Result<AwsCredentials, GrantError> {
    let profile = |file: Field<'_, '_>| {
        let name = fields.get("profile").map_or(Ok("default"), |field| field.text())?.to_owned();
        Ok(AwsCredentials::Profile { file: file.path()?, name })
    };
    let kind = match (fields.get("credentials"), fields.get("credentials-file")) {
        (Some(kind), None) if fields.get("profile").is_none() => kind,
        (None, Some(file)) => return profile(file),
        (Some(kind), _) => return Err(kind.bad("is given beside `credentials-file` or `profile`: keep one")),
        (None, None) => return Err(fields.bad("credentials", "is missing: credentials = \"environment\", or credentials-file = \"…\"")),
    };
    let endpoint = fields.get("metadata-endpoint");
    match (kind.text()?, endpoint) {
        ("instance-metadata", endpoint) => Ok(AwsCredentials::InstanceMetadata { endpoint: endpoint.map(|field| origin(&field)).transpose()? }),
        (_, Some(endpoint)) => Err(endpoint.bad("goes with `credentials = \"instance-metadata\"` only")),
        ("environment", None) => Ok(AwsCredentials::Environment),
        ("container", None) => Ok(AwsCredentials::Container),
        _ => {
            Err(kind
                .bad("must be \"environment\", \"instance-metadata\" or \"container\"; keys in a file are named by `credentials-file` and `profile`"))
        }
    }
}

/// Where one server is.
fn origin(field: &Field<'_, '_>) -> Result<Origin, GrantError> {
    let text = field.text()?;
    if text.contains('*') {
        return Err(field.bad("has a `*`, but must name one server"));
    }
    Origin::parse(text).map_err(|problem| field.bad(format!("is {text:?} but {problem}")))
}

fn secret(fields: &Fields<'_, '_>, file: &str, variable: &str) -> Result<SecretSource, GrantError> {
    match (fields.get(file), fields.get(variable)) {
        (Some(file), None) => Ok(SecretSource::File(file.path()?)),
        (None, Some(variable)) => {
            let name = variable.text()?;
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(variable.bad("is no name of an environment variable"));
            }
            Ok(SecretSource::Environment(name.to_owned()))
        }
        (Some(field), Some(_)) => Err(field.bad(format!("is given beside `{variable}`: keep one"))),
        (None, None) => Err(fields.bad(file, format!("is missing: {file} = \"…\", or {variable} = \"…\""))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::super::Grant;
    use super::*;

    fn read(sign: &str) -> Result<Signing, String> {
        let text = format!("[[http]]\nallow = 'https://a.example'\nsign = {{ {sign} }}");
        let grant = Grant::parse(&text, Path::new("/etc/grant.toml")).map_err(|error| error.to_string())?;
        Ok(grant.http[0].signing.clone().unwrap())
    }

    #[test]
    fn every_scheme_is_read() {
        let aws = |credentials| Signing::AwsSigV4 { region: "r".to_owned(), service: "s3".to_owned(), credentials };
        assert_eq!(read("scheme = 'aws-sigv4', region = 'r', credentials = 'environment'").unwrap(), aws(AwsCredentials::Environment));
        let profile = |name: &str| aws(AwsCredentials::Profile { file: "/etc/keys".into(), name: name.to_owned() });
        assert_eq!(read("scheme = 'aws-sigv4', region = 'r', credentials-file = 'keys'").unwrap(), profile("default"));
        assert_eq!(read("scheme = 'aws-sigv4', region = 'r', credentials-file = '/etc/keys', profile = 'p'").unwrap(), profile("p"));
        let metadata = |endpoint: Option<&str>| aws(AwsCredentials::InstanceMetadata { endpoint: endpoint.map(|url| Origin::parse(url).unwrap()) });
        assert_eq!(read("scheme = 'aws-sigv4', region = 'r', credentials = 'instance-metadata'").unwrap(), metadata(None));
        let text = "scheme = 'aws-sigv4', region = 'r', credentials = 'instance-metadata', metadata-endpoint = 'http://127.0.0.1:1338'";
        assert_eq!(read(text).unwrap(), metadata(Some("http://127.0.0.1:1338")));
        assert_eq!(read("scheme = 'aws-sigv4', region = 'r', credentials = 'container'").unwrap(), aws(AwsCredentials::Container));
        let token = SecretSource::Environment("T".to_owned());
        assert_eq!(read("scheme = 'bearer', token-env = 'T'").unwrap(), Signing::Bearer { token: token.clone() });
        assert_eq!(
            read("scheme = 'basic', user = 'u', password-env = 'T'").unwrap(),
            Signing::Basic { user: "u".to_owned(), password: token.clone() }
        );
        let key = |key| Signing::AzureSharedKey { account: "store1".to_owned(), key };
        assert_eq!(read("scheme = 'azure-shared-key', account = 'store1', key-env = 'T'").unwrap(), key(token.clone()));
        assert_eq!(read("scheme = 'azure-shared-key', account = 'store1', key-file = 'k'").unwrap(), key(SecretSource::File("/etc/k".into())));
        assert_eq!(read("scheme = 'azure-sas', token-env = 'T'").unwrap(), Signing::AzureSas { token: token.clone() });
        let google = |scope: &str| Signing::GoogleServiceAccount { key: token.clone(), scope: scope.to_owned() };
        assert_eq!(read("scheme = 'google-service-account', key-env = 'T'").unwrap(), google(GOOGLE_SCOPE));
        assert_eq!(read("scheme = 'google-service-account', key-env = 'T', scope = 's'").unwrap(), google("s"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (sign, problem) in [
            ("region = 'r'", "`scheme` is missing"),
            ("scheme = 'x'", "must be one of aws-sigv4, bearer"),
            ("scheme = 'aws-sigv4', credentials = 'environment'", "`region` is missing"),
            ("scheme = 'aws-sigv4', region = 'r'", "`credentials` in sign"),
            ("scheme = 'aws-sigv4', region = 'r', credentials = 'AKIA'", "must be \"environment\""),
            ("scheme = 'aws-sigv4', region = 'r', credentials = 'container', metadata-endpoint = 'http://a'", "\"instance-metadata\"` only"),
            ("scheme = 'aws-sigv4', region = 'r', credentials = 'instance-metadata', metadata-endpoint = 'http://*.a.b'", "one server"),
            ("scheme = 'aws-sigv4', region = 'r', credentials = 'environment', credentials-file = 'k'", "keep one"),
            ("scheme = 'bearer'", "`token-file` in sign"),
            ("scheme = 'bearer', token = 'abc'", "unknown key `token`"),
            ("scheme = 'bearer', token-file = 't', region = 'r'", "does not belong"),
            ("scheme = 'bearer', token-file = 't', token-env = 'T'", "keep one"),
            ("scheme = 'basic', user = 'a:b', password-file = 't'", "no user's name"),
            ("scheme = 'azure-shared-key', key-env = 'K'", "`account` is missing"),
            ("scheme = 'azure-shared-key', account = 'My.Store', key-env = 'K'", "small letters and digits"),
            ("scheme = 'azure-shared-key', account = 'store1'", "`key-file` in sign"),
            ("scheme = 'azure-sas', account = 'store1', token-env = 'T'", "does not belong"),
            ("scheme = 'azure-sas'", "`token-file` in sign"),
            ("scheme = 'google-service-account', token-file = 't'", "does not belong"),
            ("scheme = 'google-service-account'", "`key-file` in sign"),
        ] {
            let said = read(sign).unwrap_err();
            assert!(said.contains(problem), "{sign}: {said}");
        }
    }
}
