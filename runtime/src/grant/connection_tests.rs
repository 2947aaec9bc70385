//! The tables `[[connection]]`: what is read, and the exact words of every refusal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use super::super::Grant;
use super::*;

fn parse(lines: &str) -> Result<Vec<ConnectionGrant>, GrantError> {
    Grant::parse(lines, Path::new("/etc/grant.toml")).map(|grant| grant.connections)
}

/// The refusal of a table that is right but for `lines`.
fn refusal(lines: &str) -> String {
    let message = parse(&format!("[[connection]]\nname = \"redis\"\naddress = \"redis:6379\"\n{lines}")).unwrap_err().to_string();
    message.strip_prefix("/etc/grant.toml:").unwrap_or_else(|| panic!("{message:?} does not name the file")).to_owned()
}

#[test]
fn every_key_is_read() {
    let all = r#"
[[connection]]
name = "redis"
address = "[fd00::7]:6380"
addresses = ["fd00::/8", "127.0.0.1"]
tls = "ca.pem"
auth = { protocol = "redis", user = "cofferdam", password-file = "./redis.password" }
connect-timeout = "1s"
timeout = "2s"
max-connections = 3
idle = "4s"
"#;
    let expected = ConnectionGrant {
        name: "redis".to_owned(),
        host: "fd00::7".to_owned(),
        port: 6380,
        addresses: vec!["fd00::/8".parse().unwrap(), "127.0.0.1".parse().unwrap()],
        tls: Some(Trust::CaFile("/etc/ca.pem".into())),
        auth: Some(ConnectionAuth {
            protocol: AuthProtocol::Redis,
            user: Some("cofferdam".to_owned()),
            password: SecretSource::File("/etc/redis.password".into()),
        }),
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
        max_connections: 3,
        idle: Duration::from_secs(4),
    };
    assert_eq!(parse(all).unwrap(), [expected]);
}

#[test]
fn what_is_not_said_has_its_default() {
    let least = "[[connection]]\nname = \"a\"\naddress = \"redis.example.com:6379\"\n[[connection]]\nname = \"b\"\naddress = \"10.0.0.7:1\"\ntls = true\nauth = { protocol = \"redis\", password-env = \"PASSWORD\" }";
    let connections = parse(least).unwrap();
    assert_eq!(connections[0], ConnectionGrant::new("a", "redis.example.com", 6379));
    let password = SecretSource::Environment("PASSWORD".to_owned());
    let auth = ConnectionAuth { protocol: AuthProtocol::Redis, user: None, password };
    assert_eq!(connections[1], ConnectionGrant { tls: Some(Trust::WebRoots), auth: Some(auth), ..ConnectionGrant::new("b", "10.0.0.7", 1) });
    assert_eq!(parse("[[connection]]\nname = \"a\"\naddress = \"a:1\"\ntls = false").unwrap()[0].tls, None);
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for text in
        ["", "redis", "redis:", ":6379", "redis:0", "redis:65536", "fd00::7:6379", "[fd00::7]", "[redis]:1", "redis:6379/0", "redis://a:1", "a b:1"]
    {
        let message = parse(&format!("[[connection]]\nname = \"redis\"\naddress = {text:?}")).unwrap_err().to_string();
        let expected = format!(
            "/etc/grant.toml:3:11: `address` in [[connection]] is {text:?} but must be a host and a port, such as \"redis.example.com:6379\""
        );
        assert_eq!(message, expected);
    }
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    assert_eq!(
        parse("[[connection]]\naddress = \"a:1\"").unwrap_err().to_string(),
        "/etc/grant.toml:1:1: `name` is missing in [[connection]]; add it: name = \"backend\""
    );
    assert_eq!(
        refusal("addresses = [\"127.0.0.1/8\"]"),
        "4:14: `addresses` in [[connection]] is \"127.0.0.1/8\" but must be an address, or a range that starts at its first address, such as \"127.0.0.0/8\" or \"fd00::/8\""
    );
    assert_eq!(refusal("max-connections = 0"), "4:19: `max-connections` in [[connection]] is 0 but must be between 1 and 1000");
    assert_eq!(
        refusal("tls = 1"),
        "4:7: `tls` in [[connection]] must be true, false or the path of a PEM file with the CA's certificate, not an integer"
    );
    assert_eq!(
        refusal("ca = 1"),
        "4:1: unknown key `ca` in [[connection]]; known keys: `name`, `address`, `addresses`, `tls`, `auth`, `connect-timeout`, `timeout`, `max-connections`, `idle`"
    );
    assert_eq!(
        refusal("[[connection]]\nname = \"redis\"\naddress = \"b:1\""),
        "5:8: `name` in [[connection]] is \"redis\", which the table at line 2 has too; give one of them another name"
    );
}

#[test]
fn a_password_is_never_inline_and_never_shown() {
    let inline = refusal("auth = { protocol = \"redis\", password = \"hunter2\" }");
    assert!(inline.starts_with("4:30: unknown key `password` in `auth` of [[connection]]"), "{inline}");
    for auth in ["password = \"hunter2\"", "password-env = \"hunter2=\"", "password-env = \"A\", password-file = \"hunter2\""] {
        let message = refusal(&format!("auth = {{ protocol = \"redis\", {auth} }}"));
        assert!(!message.contains("hunter2"), "{message}");
    }
    assert_eq!(
        refusal("auth = { protocol = \"redis\" }"),
        "4:8: `password-env` in `auth` of [[connection]] is missing, and so is `password-file`: one of them says where the password is"
    );
    assert_eq!(
        refusal("auth = { protocol = \"postgres\", password-env = \"A\" }"),
        "4:21: `protocol` in `auth` of [[connection]] is \"postgres\" but must be \"redis\""
    );
}
