//! The tables `[[connection]]` of a grant file, typed.

use std::collections::HashMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::address_range::{self, AddressRange};
use super::error::GrantError;
use super::fields::{Field, Fields};

const TITLE: &str = "in [[connection]]";
const KEYS: &[&str] = &["name", "address", "addresses", "tls", "auth", "connect-timeout", "timeout", "max-connections", "idle"];
const AUTH_TITLE: &str = "in `auth` of [[connection]]";
const AUTH_KEYS: &[&str] = &["protocol", "user", "password-env", "password-file"];

/// Below it no server far away can answer.
const TIME_MIN: Duration = Duration::from_millis(10);
/// The longest time that is a limit at all.
const TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// A byte stream to one server, which the host opens for a driver. It can be serialized, to be handed to another process of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionGrant {
    /// The name by which the driver knows it.
    pub name: String,
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Ranges that may be reached although they are no public addresses.
    pub addresses: Vec<AddressRange>,
    /// Whom to trust for TLS; `None` speaks without it.
    pub tls: Option<Trust>,
    /// How the host makes itself known to the server before the driver has the connection.
    pub auth: Option<ConnectionAuth>,
    /// How long opening may take, with name lookup, TLS and authentication. 5 s: three lost packets.
    pub connect_timeout: Duration,
    /// How long a read or a write may wait for a byte to move; never longer than the call may. 30 s.
    pub timeout: Duration,
    /// Connections at once, for the whole mount. 32: one for each call in flight.
    pub max_connections: u32,
    /// A connection that nobody used for so long is closed. 60 s: less than servers and firewalls wait.
    pub idle: Duration,
}

/// Which certificates a TLS server may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Those that lead to one of Mozilla's roots.
    WebRoots,
    /// Those that lead to a certificate in this PEM file.
    CaFile(PathBuf),
}

/// How a connection is authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionAuth {
    /// By which protocol.
    pub protocol: AuthProtocol,
    /// As whom; `None` for the server's default user.
    pub user: Option<String>,
    /// Where the password is.
    pub password: SecretSource,
}

/// A protocol in which the host can authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AuthProtocol {
    /// `AUTH` of Redis.
    Redis,
}

/// Where a secret is. The grant never has the secret itself, so that it can be kept with other files and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretSource {
    /// A variable of the host's environment.
    Environment(String),
    /// A file; a line feed at its end is not part of the secret. Read whenever the secret is needed.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => write!(f, "the environment variable `{variable}`"),
            Self::File(file) => write!(f, "the file {}", file.display()),
        }
    }
}

impl ConnectionGrant {
    /// A connection to `host` with the default limits, without TLS and authentication.
    pub fn new(name: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            host: host.into(),
            port,
            addresses: Vec::new(),
            tls: None,
            auth: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_connections: 32,
            idle: Duration::from_secs(60),
        }
    }
}

/// All tables `[[connection]]`.
pub(super) fn connections(field: Option<Field<'_, '_>>) -> Result<Vec<ConnectionGrant>, GrantError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let mut lines = HashMap::new();
    let mut connections = Vec::new();
    for fields in field.tables(TITLE, KEYS)? {
        let name = fields.require("name", "name = \"backend\"")?;
        let connection = connection(&fields, &name)?;
        if let Some(first) = lines.insert(connection.name.clone(), name.place().line) {
            return Err(name.bad(format!("is {:?}, which the table at line {first} has too; give one of them another name", connection.name)));
        }
        connections.push(connection);
    }
    Ok(connections)
}

fn connection(fields: &Fields<'_, '_>, name: &Field<'_, '_>) -> Result<ConnectionGrant, GrantError> {
    let called = name.text()?;
    if called.is_empty() || called.chars().any(char::is_control) {
        return Err(name.bad("must be a name, such as \"backend\""));
    }
    let address = fields.require("address", "address = \"redis.example.com:6379\"")?;
    let text = address.text()?;
    let (host, port) =
        endpoint(text).ok_or_else(|| address.bad(format!("is {text:?} but must be a host and a port, such as \"redis.example.com:6379\"")))?;
    let mut connection = ConnectionGrant::new(called, host, port);
    if let Some(ranges) = fields.get("addresses") {
        connection.addresses = address_range::ranges(&ranges, "ranges of addresses, such as [\"127.0.0.0/8\"]")?;
    }
    connection.tls = fields.get("tls").map_or(Ok(None), |field| tls(&field))?;
    connection.auth = fields.get("auth").map(|field| auth(&field)).transpose()?;
    for (key, target) in [("connect-timeout", &mut connection.connect_timeout), ("timeout", &mut connection.timeout), ("idle", &mut connection.idle)]
    {
        if let Some(field) = fields.get(key) {
            *target = field.duration(TIME_MIN..=TIME_MAX)?;
        }
    }
    if let Some(field) = fields.get("max-connections") {
        connection.max_connections = field.small_count(1..=1000)?;
    }
    Ok(connection)
}

/// Host and port: `redis.example.com:6379`, `10.0.0.7:6379`, `[fd00::7]:6379`.
pub(super) fn endpoint(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.parse::<Ipv6Addr>().is_ok())?,
        None => Some(host).filter(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))?,
    };
    Some((host, port))
}

fn tls(field: &Field<'_, '_>) -> Result<Option<Trust>, GrantError> {
    match field.value() {
        DeValue::Boolean(on) => Ok(on.then_some(Trust::WebRoots)),
        DeValue::String(_) => Ok(Some(Trust::CaFile(field.path()?))),
        _ => Err(field.wrong_type("true, false or the path of a PEM file with the CA's certificate")),
    }
}

fn auth(field: &Field<'_, '_>) -> Result<ConnectionAuth, GrantError> {
    let fields = field.table(AUTH_TITLE, AUTH_KEYS)?;
    let protocol = fields.require("protocol", "protocol = \"redis\"")?.one_of(&[("redis", AuthProtocol::Redis)])?;
    let user = fields.get("user").map(|field| field.text().map(str::to_owned)).transpose()?;
    let password = match (fields.get("password-env"), fields.get("password-file")) {
        (Some(variable), None) => SecretSource::Environment(variable_name(&variable)?),
        (None, Some(file)) => SecretSource::File(file.path()?),
        (Some(_), Some(file)) => return Err(file.bad("is given beside `password-env`: the password is in one place")),
        (None, None) => return Err(fields.bad("password-env", "is missing, and so is `password-file`: one of them says where the password is")),
    };
    Ok(ConnectionAuth { protocol, user, password })
}

fn variable_name(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let name = field.text()?;
    if name.is_empty() || name.contains(['=', '\0']) {
        // Who confuses the two has written the password here: it is not shown.
        return Err(field.bad("must be the name of an environment variable, such as \"REDIS_PASSWORD\""));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
