//! Keys that AWS hands to what runs on it: an instance's by its metadata service (version 2 only), a container's by the endpoint that its
//! environment names. The host asks, never the driver.

use std::net::IpAddr;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use jiff::Timestamp;
use reqwest::{Method, Request};
use serde::Deserialize;
use url::{Host, Url};

use super::PROVIDER;
use crate::grant::{Origin, SecretSource};
use crate::host::http::sign::fetch::{Failure, Fetcher, shown};
use crate::host::http::sign::refreshed::{Fetched, Refreshed};
use crate::host::network::secret::{Secret, SecretError};

/// Where an instance finds its metadata, unless [`ENDPOINT`] says otherwise.
const INSTANCE: &str = "http://169.254.169.254";

/// The variable by which AWS's own tools are told of another metadata service.
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// What a container's environment has: a path below [`CONTAINER`], or a whole URL.
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER: &str = "http://169.254.170.2";

/// What the container's endpoint wants to be shown: in a file, which is replaced now and then, or itself.
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/// Where AWS's agents listen that hand out keys over plain HTTP: ECS and EKS (AWS, "Container credential provider").
const AGENTS: &[&str] = &["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// A session with an instance's metadata service: how long it is asked for, and how it is shown.
const SESSION_SECONDS: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const SESSION: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");

/// Keys, as every one of these endpoints writes them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// The keys of the instance's role. `endpoint` is the grant's.
///
/// # Errors
/// [`SecretError`] if the endpoint that the environment names is no URL.
pub(super) fn instance(endpoint: Option<&Origin>) -> Result<Refreshed<Credentials>, SecretError> {
    let variable = || std::env::var(ENDPOINT).ok().filter(|text| !text.is_empty());
    let endpoint = endpoint.map(ToString::to_string).or_else(variable).unwrap_or_else(|| INSTANCE.to_owned());
    let endpoint = Url::parse(&endpoint).map_err(|_| unfit(ENDPOINT, "it is no URL"))?;
    let fetcher = fetcher(ENDPOINT)?;
    Ok(Refreshed::new(Box::new(move || {
        let (fetcher, endpoint) = (fetcher.clone(), endpoint.clone());
        Box::pin(async move { of_role(&fetcher, &endpoint).await })
    })))
}

async fn of_role(fetcher: &Fetcher, endpoint: &Url) -> Result<Fetched<Credentials>, Failure> {
    let url = |path: &str| {
        let mut url = endpoint.clone();
        url.set_path(path);
        url
    };
    let mut request = Request::new(Method::PUT, url("/latest/api/token"));
    // A minute is enough: it is asked anew whenever the keys are.
    request.headers_mut().insert(SESSION_SECONDS, HeaderValue::from_static("60"));
    let session = fetcher.ask(request).await?;
    let mut session = HeaderValue::from_bytes(session.trim_ascii()).map_err(|_| Failure::new(format!("{} answers no token", shown(endpoint))))?;
    session.set_sensitive(true);
    let ask = async |path: &str| {
        let mut request = Request::new(Method::GET, url(path));
        request.headers_mut().insert(SESSION, session.clone());
        fetcher.ask(request).await
    };
    let roles = ask("/latest/meta-data/iam/security-credentials/").await?;
    let role = String::from_utf8_lossy(&roles);
    let Some(role) = role.lines().next().map(str::trim).filter(|role| !role.is_empty()) else {
        return Err(Failure::new(format!("{} names no role: the instance has none", shown(endpoint))));
    };
    let path = format!("/latest/meta-data/iam/security-credentials/{role}");
    keys(&ask(&path).await?, &shown(&url(&path)))
}

/// The keys of the container's role, as the environment says.
///
/// # Errors
/// [`SecretError`] if the environment names no endpoint, or one that keys are not to be asked of.
pub(super) fn container() -> Result<Refreshed<Credentials>, SecretError> {
    let (url, token) = endpoint(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    of_container(url, token)
}

fn of_container(url: Url, token: Option<SecretSource>) -> Result<Refreshed<Credentials>, SecretError> {
    let fetcher = fetcher(FULL)?;
    Ok(Refreshed::new(Box::new(move || {
        let (fetcher, url, token) = (fetcher.clone(), url.clone(), token.clone());
        Box::pin(async move {
            let mut request = Request::new(Method::GET, url.clone());
            if let Some(source) = token {
                let secret = Secret::read(&source).map_err(|error| Failure::new(error.to_string()))?;
                let value = HeaderValue::from_str(secret.reveal().trim());
                let mut value = value.map_err(|_| Failure::new(format!("the token in {source} fits into no header")))?;
                value.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            keys(&fetcher.ask(request).await?, &shown(&url))
        })
    })))
}

/// The container's endpoint and the token that it wants, by the variables of the environment.
fn endpoint(variable: impl Fn(&str) -> Option<String>) -> Result<(Url, Option<SecretSource>), SecretError> {
    let url = match (variable(RELATIVE), variable(FULL)) {
        (Some(path), _) if path.starts_with('/') => Url::parse(&format!("{CONTAINER}{path}")).map_err(|_| unfit(RELATIVE, "it is no path"))?,
        (Some(_), _) => return Err(unfit(RELATIVE, "it is no path: it must begin with `/`")),
        (None, Some(url)) => {
            let url = Url::parse(&url).map_err(|_| unfit(FULL, "it is no URL"))?;
            let agent = |ip: IpAddr| ip.is_loopback() || AGENTS.iter().any(|agent| agent.parse() == Ok(ip));
            let known = match url.host() {
                Some(Host::Ipv4(ip)) => agent(ip.into()),
                Some(Host::Ipv6(ip)) => agent(ip.into()),
                _ => false,
            };
            if url.scheme() != "https" && !(url.scheme() == "http" && known) {
                return Err(unfit(FULL, "it must be `https://…`, or an address of this machine, of ECS or of EKS"));
            }
            url
        }
        (None, None) => return Err(SecretError::NotSet { variable: format!("{RELATIVE}` or `{FULL}") }),
    };
    let token = match variable(TOKEN_FILE) {
        Some(file) => Some(SecretSource::File(file.into())),
        None => variable(TOKEN).map(|_| SecretSource::Environment(TOKEN.to_owned())),
    };
    Ok((url, token))
}

/// What an endpoint answers, which `asked` names.
fn keys(answer: &[u8], asked: &str) -> Result<Fetched<Credentials>, Failure> {
    let none = || Failure::new(format!("{asked} answers no keys"));
    // What the parser says could quote them.
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| none())?;
    if answer.code.is_some_and(|code| code != "Success") {
        return Err(none());
    }
    let (access, secret) = answer.access_key_id.zip(answer.secret_access_key).ok_or_else(none)?;
    let until = answer.expiration.map(|text| time(&text).ok_or_else(none)).transpose()?;
    if until.is_some_and(|until| until <= SystemTime::now()) {
        return Err(Failure::new(format!("{asked} answers keys that have ended")));
    }
    Ok(Fetched { value: Credentials::new(access, secret, answer.token, until, PROVIDER), until })
}

/// A time as these endpoints write it: RFC 3339.
fn time(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok()?.try_into().ok()
}

fn fetcher(variable: &str) -> Result<Fetcher, SecretError> {
    Fetcher::new().map_err(|reason| unfit(variable, &reason))
}

fn unfit(variable: &str, reason: &str) -> SecretError {
    SecretError::unfit(&SecretSource::Environment(variable.to_owned()), reason.to_owned())
}

#[cfg(test)]
#[path = "fetched_tests.rs"]
mod tests;
