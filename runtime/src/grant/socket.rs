//! The tables `[[socket]]` of a grant file, typed: which servers a component may connect to by `wasi:sockets`.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Host;

use super::address_range::{AddressRange, ranges};
use super::connection::endpoint;
use super::error::GrantError;
use super::fields::{Field, Fields};

const TITLE: &str = "in [[socket]]";
const KEYS: &[&str] = &["allow", "addresses", "connections"];

/// One server, to which a component may open TCP connections of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SocketRule {
    host: String,
    port: u16,
    /// Addresses that may be reached although they are special: loopback, private and so on.
    pub addresses: Vec<AddressRange>,
    /// How many sockets an instance may have at once; what several rules say is added up.
    pub connections: u32,
}

impl SocketRule {
    /// A rule for the server at `text`, `tcp://db.example.com:5432`, with the defaults of all else.
    ///
    /// # Errors
    /// What is wrong with it, in words that go on after "it".
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || format!("is {text:?} but must be `tcp://`, a host and a port, such as \"tcp://db.example.com:5432\"");
        let (host, port) = text.strip_prefix("tcp://").and_then(endpoint).ok_or_else(shape)?;
        Ok(Self { host: normal(host).ok_or_else(shape)?, port, addresses: Vec::new(), connections: 32 })
    }

    /// Whether it is for the server of that name, or of that address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        normal(host).is_some_and(|host| host == self.host)
    }

    /// The server's address, if the rule names it by that.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    }

    /// The server's name, or its address without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// `host` as everybody writes it: names in small letters and ASCII, addresses in one form and without brackets.
fn normal(host: &str) -> Option<String> {
    // Without brackets an IPv6 address is no host of a URL.
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Some(ip.to_string());
    }
    Some(match Host::parse(host).ok()? {
        Host::Domain(name) => name,
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    })
}

impl fmt::Display for SocketRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "tcp://[{}]:{}", self.host, self.port) } else { write!(f, "tcp://{}:{}", self.host, self.port) }
    }
}

/// All tables `[[socket]]`.
pub(super) fn rules(field: Option<Field<'_, '_>>) -> Result<Vec<SocketRule>, GrantError> {
    field.map_or(Ok(Vec::new()), |field| field.tables(TITLE, KEYS)?.iter().map(rule).collect())
}

fn rule(fields: &Fields<'_, '_>) -> Result<SocketRule, GrantError> {
    let allow = fields.require("allow", "allow = \"tcp://db.example.com:5432\"")?;
    let mut rule = SocketRule::parse(allow.text()?).map_err(|problem| allow.bad(problem))?;
    if let Some(field) = fields.get("addresses") {
        rule.addresses = ranges(&field, "ranges, such as [\"127.0.0.0/8\"]")?;
    }
    if let Some(field) = fields.get("connections") {
        rule.connections = field.small_count(1..=1000)?;
    }
    Ok(rule)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::super::Grant;
    use super::*;

    fn parsed(text: &str) -> Result<Vec<SocketRule>, String> {
        Grant::parse(text, Path::new("/etc/grant.toml")).map(|grant| grant.sockets).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_has_all_its_keys() {
        let rules = parsed("[[socket]]\nallow = 'tcp://DB.example.com:5432'\naddresses = ['10.0.0.0/8']\nconnections = 3\n").unwrap();
        assert_eq!(rules.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tcp://db.example.com:5432"]);
        assert_eq!((rules[0].addresses.len(), rules[0].connections, rules[0].address()), (1, 3, None));
        let rules = parsed("[[socket]]\nallow = 'tcp://[fd00::7]:1'\n[[socket]]\nallow = 'tcp://127.0.0.1:1'\n").unwrap();
        assert_eq!(rules.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tcp://[fd00::7]:1", "tcp://127.0.0.1:1"]);
        assert_eq!(rules[0].address().unwrap().to_string(), "fd00::7");
    }

    #[test]
    fn a_rule_is_for_its_server_however_that_is_written() {
        let is_for = |rule: &str, host: &str| SocketRule::parse(rule).unwrap().is_for(host);
        assert!(is_for("tcp://db.example.com:1", "DB.Example.com"));
        assert!(is_for("tcp://[::1]:1", "::1") && is_for("tcp://[::1]:1", "[::1]") && is_for("tcp://127.0.0.1:1", "2130706433"));
        for host in ["x.db.example.com", "db.example.com.", "db.example.com.evil.org", "db.example.com:1", "", "::1"] {
            assert!(!is_for("tcp://db.example.com:1", host), "{host}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for allow in ["", "db.example.com:1", "udp://a:1", "tcp://a", "tcp://a:0", "tcp://*.a.com:1", "tcp://a:1/b", "tcp://u@a:1", "tcp://::1:1"] {
            let error = parsed(&format!("[[socket]]\nallow = '{allow}'")).unwrap_err();
            assert!(error.contains("`allow` in [[socket]] is") && error.contains("tcp://db.example.com:5432"), "{allow}: {error}");
        }
        assert!(parsed("[[socket]]\n").unwrap_err().contains("allow = \"tcp://db.example.com:5432\""));
        assert!(parsed("[[socket]]\nallow = 'tcp://a:1'\nconnections = 0").unwrap_err().contains("`connections`"));
        assert!(parsed("[[socket]]\nallow = 'tcp://a:1'\naddresses = ['x']").unwrap_err().contains("`addresses`"));
        assert!(parsed("[[socket]]\nallow = 'tcp://a:1'\ntls = true").unwrap_err().contains("unknown key `tls`"));
    }
}
