//! What a grant gives, in words: for whoever starts a driver and wants to see what it may touch.

use super::{AddressRange, ConnectionGrant, DirectoryGrant, Grant, HttpRule, SocketRule};

impl Grant {
    /// Everything outside of the sandbox that it gives, a line each; empty if that is nothing. No line has a secret.
    pub fn lines(&self) -> Vec<String> {
        let directories = self.directories.iter().map(directory);
        let servers = self.connections.iter().map(connection).chain(self.sockets.iter().map(socket));
        directories.chain(self.http.iter().map(http)).chain(servers).collect()
    }
}

fn directory(directory: &DirectoryGrant) -> String {
    let wasi = if directory.wasi { ", also by WASI" } else { "" };
    format!("{} is {} ({}{wasi})", directory.name, directory.host.display(), directory.access)
}

fn http(rule: &HttpRule) -> String {
    let methods = rule.methods.as_ref().map_or_else(|| "every method".to_owned(), |methods| methods.join(", "));
    let path = rule.path.as_deref().filter(|path| !path.is_empty()).map(|path| format!(" below {path}")).unwrap_or_default();
    let signed = if rule.signing.is_some() { ", signed by the host" } else { "" };
    format!("{} by {methods}{path}{}{signed}", rule.origin, special(&rule.addresses))
}

fn connection(grant: &ConnectionGrant) -> String {
    let host = if grant.host.contains(':') { format!("[{}]", grant.host) } else { grant.host.clone() };
    let tls = if grant.tls.is_some() { ", with TLS" } else { ", without TLS" };
    let auth = if grant.auth.is_some() { ", authenticated by the host" } else { "" };
    format!("connection {} to {host}:{}{}{tls}{auth}", grant.name, grant.port, special(&grant.addresses))
}

fn socket(rule: &SocketRule) -> String {
    format!("sockets to {rule}{}", special(&rule.addresses))
}

/// The addresses that are no public ones.
fn special(ranges: &[AddressRange]) -> String {
    if ranges.is_empty() {
        return String::new();
    }
    let ranges: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    format!(", also at {}", ranges.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn everything_that_a_grant_gives_has_its_line() {
        let text = r#"
            [[http]]
            allow = "http://127.0.0.1:9000"
            methods = ["GET", "PUT"]
            path = "/bucket"
            addresses = ["127.0.0.1"]
            sign = { scheme = "bearer", token-env = "A_SECRET_NAME" }
            [[http]]
            allow = "https://example.com"
            [[connection]]
            name = "redis"
            address = "[::1]:6379"
            addresses = ["::1"]
            [[socket]]
            allow = "tcp://db.example.com:5432"
            [[directory]]
            name = "/data"
            host = "/tmp"
            access = "read-write"
        "#;
        let lines = Grant::parse(text, Path::new("grant.toml")).unwrap().lines();
        let expected = [
            "/data is /tmp (read-write)",
            "http://127.0.0.1:9000 by GET, PUT below /bucket, also at 127.0.0.1, signed by the host",
            "https://example.com by every method",
            "connection redis to [::1]:6379, also at ::1, without TLS",
            "sockets to tcp://db.example.com:5432",
        ];
        assert_eq!(lines, expected);
        assert!(Grant::default().lines().is_empty());
    }
}
