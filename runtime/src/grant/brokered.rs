//! Secrets among a driver's settings: refused where the host authenticates for it.
//!
//! A setting enters the sandbox. Where a rule has an authenticator, the secret has a better place, and this names it.

use std::fmt::Write;

use super::error::GrantError;
use super::settings::Schema;
use super::{AuthProtocol, AwsCredentials, ConnectionGrant, Grant, HttpRule, SecretSource, Signing};

/// Refuses the first setting of `grant` that `schema` marks as a secret, if the host authenticates for the driver at all.
///
/// # Errors
/// [`GrantError::BrokeredSecret`] with the lines that are there instead of it. No error shows a value.
pub(super) fn refuse(schema: &Schema, grant: &Grant) -> Result<(), GrantError> {
    let is_secret = |name: &&String| schema.settings.get(*name).is_some_and(|setting| setting.secret);
    let Some(name) = grant.settings.keys().find(is_secret) else { return Ok(()) };
    let http = grant.http.iter().filter_map(rule);
    let lines: Vec<String> = http.chain(grant.connections.iter().filter_map(connection)).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(GrantError::BrokeredSecret { name: name.clone(), instead: lines.join("\n") })
}

fn rule(rule: &HttpRule) -> Option<String> {
    let signing = rule.signing.as_ref()?;
    Some(format!("[[http]]\nallow = {}\nsign = {{ {} }}\n", quoted(&rule.origin.to_string()), signing_line(signing)))
}

fn connection(grant: &ConnectionGrant) -> Option<String> {
    let auth = grant.auth.as_ref()?;
    let AuthProtocol::Redis = auth.protocol;
    let user = auth.user.as_ref().map(|user| format!("user = {}, ", quoted(user))).unwrap_or_default();
    let password = source("password", &auth.password);
    Some(format!("[[connection]]\nname = {}\nauth = {{ protocol = \"redis\", {user}{password} }}\n", quoted(&grant.name)))
}

fn signing_line(signing: &Signing) -> String {
    match signing {
        Signing::AwsSigV4 { region, service, credentials } => {
            let mut line = format!("scheme = \"aws-sigv4\", region = {}, ", quoted(region));
            if service != "s3" {
                let _ = write!(line, "service = {}, ", quoted(service));
            }
            line + &aws(credentials)
        }
        Signing::Bearer { token } => format!("scheme = \"bearer\", {}", source("token", token)),
        Signing::Basic { user, password } => format!("scheme = \"basic\", user = {}, {}", quoted(user), source("password", password)),
        Signing::AzureSharedKey { account, key } => format!("scheme = \"azure-shared-key\", account = {}, {}", quoted(account), source("key", key)),
        Signing::AzureSas { token } => format!("scheme = \"azure-sas\", {}", source("token", token)),
        Signing::GoogleServiceAccount { key, scope: _ } => format!("scheme = \"google-service-account\", {}", source("key", key)),
    }
}

fn aws(credentials: &AwsCredentials) -> String {
    match credentials {
        AwsCredentials::Environment => "credentials = \"environment\"".to_owned(),
        AwsCredentials::InstanceMetadata { .. } => "credentials = \"instance-metadata\"".to_owned(),
        AwsCredentials::Container => "credentials = \"container\"".to_owned(),
        AwsCredentials::Profile { file, name } => {
            format!("credentials-file = {}, profile = {}", quoted(&file.to_string_lossy()), quoted(name))
        }
    }
}

fn source(key: &str, source: &SecretSource) -> String {
    match source {
        SecretSource::Environment(variable) => format!("{key}-env = {}", quoted(variable)),
        SecretSource::File(file) => format!("{key}-file = {}", quoted(&file.to_string_lossy())),
    }
}

/// `text` as TOML: its strings in double quotes are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::grant::settings;

    const SCHEMA: &str = r#"{ "type": "object", "properties": { "bucket": { "type": "string" }, "key": { "type": "string", "writeOnly": true } } }"#;

    fn said(grant: &str) -> Result<Vec<(String, String)>, String> {
        let grant = Grant::parse(grant, Path::new("/etc/grant.toml")).unwrap();
        settings::check_grant(SCHEMA, &grant).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_refused_where_the_host_has_it() {
        let settings = "[settings]\nbucket = 'b'\nkey = 'hidden'\n";
        let sign = "sign = { scheme = \"basic\", user = \"u\", password-file = \"/etc/p\" }\n";
        let auth = "auth = { protocol = \"redis\", password-env = \"P\" }\n";
        let http = format!("[[http]]\nallow = \"https://a.example\"\n{sign}");
        let connection = format!("[[connection]]\nname = \"r\"\naddress = \"r.example:6379\"\n{auth}");
        let error = said(&format!("{settings}{http}{connection}")).unwrap_err();
        let expected = format!("{http}\n[[connection]]\nname = \"r\"\n{auth}");
        assert!(
            error.starts_with("the setting `key` is a secret, and the host authenticates for this driver:") && error.ends_with(&expected),
            "{error}"
        );
        assert!(!error.contains("hidden"));
        // Without an authenticator there is no better place; and what is no secret is none of this.
        assert_eq!(said(&format!("{settings}[[http]]\nallow = 'https://a.example'")).unwrap().len(), 2);
        assert_eq!(said(&format!("[settings]\nbucket = 'b'\n{http}")).unwrap(), [("bucket".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn the_lines_are_those_of_a_grant() {
        for sign in [
            "scheme = \"aws-sigv4\", region = \"r\", credentials = \"environment\"",
            "scheme = \"aws-sigv4\", region = \"r\", service = \"s\", credentials-file = \"/etc/k\", profile = \"p\"",
            "scheme = \"aws-sigv4\", region = \"r\", credentials = \"instance-metadata\"",
            "scheme = \"aws-sigv4\", region = \"r\", credentials = \"container\"",
            "scheme = \"bearer\", token-env = \"T\"",
            "scheme = \"basic\", user = \"a \\\"b\\\"\", password-env = \"T\"",
            "scheme = \"azure-shared-key\", account = \"a\", key-file = \"/etc/k\"",
            "scheme = \"azure-sas\", token-file = \"/etc/t\"",
            "scheme = \"google-service-account\", key-file = \"/etc/k.json\"",
        ] {
            let text = format!("[[http]]\nallow = \"https://a.example\"\nsign = {{ {sign} }}\n");
            let grant = Grant::parse(&text, Path::new("/etc/grant.toml")).unwrap();
            assert_eq!(rule(&grant.http[0]), Some(text));
        }
    }
}
