//! HTTP rules of a grant: which servers a driver may ask, for what, and who signs.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address_range::{AddressRange, ranges};
use super::error::GrantError;
use super::fields::{Field, Fields};
use super::sign::{self, Signing};

const KEYS: &[&str] =
    &["allow", "methods", "path", "addresses", "ca", "sign", "connections", "connect-timeout", "first-byte-timeout", "idle-timeout"];

/// One `[[http]]` table. Of several that allow a request, the first counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpRule {
    /// Which servers.
    pub origin: Origin,
    /// Which methods; all but `CONNECT` and `TRACE` where none are named.
    pub methods: Option<Vec<String>>,
    /// Below which path: absolute, without a `/` at its end. It covers itself and what is below it.
    pub path: Option<String>,
    /// Addresses that may be reached although they are special: loopback, private and so on.
    pub addresses: Vec<AddressRange>,
    /// PEM: the certificates that the servers' must lead to, instead of those that browsers trust.
    pub ca: Option<PathBuf>,
    /// What the host adds to each request once it has left the driver.
    pub signing: Option<Signing>,
    /// How many requests may be under way at once, until their answers are read.
    pub connections: u32,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a server may take to begin its answer, counted from the last byte that it took.
    pub first_byte_timeout: Duration,
    /// How long it may then say nothing.
    pub idle_timeout: Duration,
}

impl HttpRule {
    /// A rule that allows every request to `origin`, with the defaults of all else.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            methods: None,
            path: None,
            addresses: Vec::new(),
            ca: None,
            signing: None,
            connections: 64,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(20),
        }
    }
}

/// `https://s3.example.com`, `http://127.0.0.1:9000`, `https://*.example.com`: a scheme, a host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// What is wrong with it, in words that go on after "it".
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = "must be `https://HOST` or `http://HOST`, perhaps with a port, such as \"https://*.example.com\"";
        let Some((scheme, rest)) = text.split_once("://") else { return Err(shape.to_owned()) };
        if !matches!(scheme, "https" | "http") {
            return Err(shape.to_owned());
        }
        if rest.contains(['/', '?', '#']) {
            return Err("has a path: write it as `path = \"/…\"`".to_owned());
        }
        if rest.contains('@') {
            return Err("has a user: credentials go into `sign`".to_owned());
        }
        // One label may be anything: a name that takes its place must be as long in labels.
        let (wildcard, host) = rest.strip_prefix("*.").map_or((false, rest), |host| (true, host));
        let url = url::Url::parse(&format!("{scheme}://{host}")).map_err(|error| format!("has no usable host: {error}"))?;
        let host = url.host_str().filter(|host| !host.contains('*')).ok_or("may have a `*` only as its whole first label")?;
        if wildcard && (!host.contains('.') || !matches!(url.host(), Some(url::Host::Domain(_)))) {
            return Err("must have two labels at least after `*.`".to_owned());
        }
        let port = url.port_or_known_default().ok_or(shape)?;
        Ok(Self { scheme: scheme.to_owned(), host: if wildcard { format!("*.{host}") } else { host.to_owned() }, port })
    }

    /// Whether `url` is at it.
    pub fn covers(&self, url: &url::Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let same = match self.host.strip_prefix('*') {
            // The dot stays: `.example.com`.
            Some(suffix) => host.strip_suffix(suffix).is_some_and(|label| !label.is_empty() && !label.contains('.')),
            None => host == self.host,
        };
        same && url.scheme() == self.scheme && url.port_or_known_default() == Some(self.port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

pub(super) fn rules(field: Option<Field<'_, '_>>) -> Result<Vec<HttpRule>, GrantError> {
    field.map_or(Ok(Vec::new()), |field| field.tables("in [[http]]", KEYS)?.iter().map(rule).collect())
}

fn rule(fields: &Fields<'_, '_>) -> Result<HttpRule, GrantError> {
    let allow = fields.require("allow", "allow = \"https://s3.example.com\"")?;
    let mut rule = HttpRule::new(Origin::parse(allow.text()?).map_err(|problem| allow.bad(problem))?);
    if let Some(field) = fields.get("methods") {
        rule.methods = Some(field.items("methods, such as [\"GET\", \"HEAD\"]")?.map(|item| method(&item)).collect::<Result<_, _>>()?);
    }
    if let Some(field) = fields.get("path") {
        rule.path = Some(path(&field)?);
    }
    if let Some(field) = fields.get("addresses") {
        rule.addresses = ranges(&field, "ranges, such as [\"127.0.0.0/8\"]")?;
    }
    if let Some(field) = fields.get("ca") {
        rule.ca = Some(field.path()?);
        if rule.origin.scheme == "http" {
            return Err(field.bad("is of no use without `https`"));
        }
    }
    if let Some(field) = fields.get("connections") {
        rule.connections = field.small_count(1..=10_000)?;
    }
    let range = Duration::from_millis(10)..=Duration::from_secs(3600);
    for (key, target) in [
        ("connect-timeout", &mut rule.connect_timeout),
        ("first-byte-timeout", &mut rule.first_byte_timeout),
        ("idle-timeout", &mut rule.idle_timeout),
    ] {
        if let Some(field) = fields.get(key) {
            *target = field.duration(range.clone())?;
        }
    }
    rule.signing = fields.get("sign").map(|field| sign::signing(&field)).transpose()?;
    Ok(rule)
}

fn method(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let name = field.text()?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        return Err(field.bad(format!("has {name:?}, but a method is written in capitals, such as \"GET\"")));
    }
    if matches!(name, "CONNECT" | "TRACE") {
        return Err(field.bad(format!("has {name:?}, which is granted to no driver")));
    }
    Ok(name.to_owned())
}

fn path(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let path = field.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
    let parts = path.strip_prefix('/').filter(|rest| rest.split('/').rev().skip(1).all(|part| !matches!(part, "" | "." | "..")));
    match parts {
        Some(rest) if path.bytes().all(plain) && !rest.ends_with("/..") && !matches!(rest, "." | "..") => Ok(path.trim_end_matches('/').to_owned()),
        _ => Err(field.bad(format!("is {path:?} but must be an absolute path without `.`, `..`, `//` or `%`, such as \"/bucket\""))),
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
