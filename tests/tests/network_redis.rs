//! The redis driver against Debian's `redis-server`: certified, counted, and refused in every way that the server has.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use cofferdam::grant::{AuthProtocol, ConnectionAuth, SecretSource, Trust};
use cofferdam::{AtomicKey, AtomicStore, Condition, ConnectionGrant, ErrorKind, Grant, LoadError, Mount, MountOptions, Result, SettingValue};
use cofferdam_certification::{Options, certify};
use cofferdam_tests::log::Log;
use cofferdam_tests::promises::Promised;
use cofferdam_tests::redis::Redis;
use cofferdam_tests::{drivers, tools};
use tempfile::TempDir;

fn key(text: &str) -> AtomicKey {
    AtomicKey::new(text).unwrap()
}

fn granted(connection: ConnectionGrant) -> Grant {
    Grant { connections: vec![connection], ..Grant::default() }
}

async fn mount(grant: &Grant) -> Mount {
    Mount::open(&drivers::load("redis"), grant, MountOptions::default()).await.unwrap()
}

async fn put(mount: &Mount, at: &str, data: &str) -> Result<cofferdam::Etag> {
    AtomicStore::put(mount, &key(at), Bytes::from(data.to_owned()), Condition::Unconditional).await
}

async fn get(mount: &Mount, at: &str) -> Result<Bytes> {
    AtomicStore::get(mount, &key(at)).await.map(|value| value.data)
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, code: Option<&str>) {
    let error = result.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_holds_what_its_list_promises() {
    let Some(server) = Redis::start("") else { return };
    let promised = Promised::of("redis");
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path("redis").into()];
    let options = promised.options("redis-server", "prefix", worker);
    let report = certify(&drivers::load("redis"), &granted(server.grant()), &options).await.unwrap();
    assert_eq!(promised.broken_on("redis-server", &report), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_of_their_own_the_cases_do_not_run() {
    let grant = granted(ConnectionGrant::new("redis", "redis.invalid", 6379));
    let error = certify(&drivers::load("redis"), &grant, &Options::default()).await.unwrap_err();
    assert!(error.to_string().contains("`--place prefix`"), "{error}");
}

#[tokio::test]
async fn every_operation_is_one_round_trip_and_no_list_scans_the_keyspace() {
    let Some(server) = Redis::start("") else { return };
    // What a scan would have to wade through.
    let others = server.say(&["EVAL", "for n = 1, 50000 do redis.call('SET', 'other:' .. n, n) end return redis.call('DBSIZE')", "0"]);
    assert_eq!(others, "50000");
    let mount = mount(&granted(server.grant())).await;
    for number in 0..500 {
        put(&mount, &format!("list/{number:03}"), "x").await.unwrap();
    }
    put(&mount, "list", "a key that is a prefix of others").await.unwrap();

    server.say(&["CONFIG", "RESETSTAT"]);
    let (mut keys, mut pages) = (Vec::<String>::new(), 0);
    loop {
        let page = AtomicStore::list(&mount, "list/", keys.last().map(String::as_str), 100).await.unwrap();
        pages += 1;
        keys.extend(page.keys.into_iter().map(|key| key.to_string()));
        if !page.more {
            break;
        }
    }
    assert_eq!((keys.len(), keys[0].as_str(), keys[499].as_str(), pages), (500, "list/000", "list/499", 5));
    assert_eq!(AtomicStore::count(&mount, "list").await.unwrap(), 501);
    assert_eq!(AtomicStore::count(&mount, "").await.unwrap(), 501);
    assert_eq!(AtomicStore::count(&mount, "other").await.unwrap(), 0);
    assert_eq!(server.calls(), ["zlexcount 3", "zrangebylex 5"]);

    server.say(&["CONFIG", "RESETSTAT"]);
    let etag = put(&mount, "value", "1").await.unwrap();
    let replaced = AtomicStore::put(&mount, &key("value"), "2".into(), Condition::IfMatch(etag.clone())).await.unwrap();
    refused(AtomicStore::put(&mount, &key("value"), "3".into(), Condition::IfMatch(etag.clone())).await, ErrorKind::PreconditionFailed, None);
    refused(AtomicStore::put(&mount, &key("value"), "3".into(), Condition::IfAbsent).await, ErrorKind::AlreadyExists, None);
    refused(AtomicStore::remove(&mount, &key("value"), Condition::IfMatch(etag)).await, ErrorKind::PreconditionFailed, None);
    assert_eq!(get(&mount, "value").await.unwrap(), "2");
    AtomicStore::remove(&mount, &key("value"), Condition::IfMatch(replaced)).await.unwrap();
    assert_eq!(server.calls(), ["del 1", "eval 6", "hget 6", "hmget 1", "hset 2", "zadd 2", "zrem 1"]);
    // One connection served them all.
    assert!(server.say(&["INFO", "clients"]).contains("connected_clients:2"), "the mount's, and the one that asks");
}

#[tokio::test]
async fn values_survive_the_server_and_the_mount_finds_it_again() {
    let Some(mut server) = Redis::start("") else { return };
    let mount = mount(&granted(server.grant())).await;
    put(&mount, "kept", "1").await.unwrap();
    server.kill();
    refused(get(&mount, "kept").await, ErrorKind::Unavailable, None);
    refused(mount.health().await, ErrorKind::Unavailable, None);
    server.restart();
    // The idle connection of before is not handed out.
    assert_eq!(get(&mount, "kept").await.unwrap(), "1");
    mount.health().await.unwrap();
}

fn with_auth(server: &Redis, folder: &TempDir, user: Option<&str>, password: &str) -> Grant {
    let file = folder.path().join("password");
    fs::write(&file, password).unwrap();
    let auth = ConnectionAuth { protocol: AuthProtocol::Redis, user: user.map(str::to_owned), password: SecretSource::File(file) };
    granted(ConnectionGrant { auth: Some(auth), ..server.grant() })
}

#[tokio::test]
async fn the_host_authenticates() {
    let Some(server) = Redis::start("requirepass right-horse\nuser cofferdam on >correct-battery ~{cofferdam}:* +@all") else { return };
    let folder = tempfile::tempdir().unwrap();
    let default = mount(&with_auth(&server, &folder, None, "right-horse\n")).await;
    default.health().await.unwrap();
    put(&default, "a", "1").await.unwrap();

    let wrong = mount(&with_auth(&server, &folder, None, "wrong-horse")).await;
    let error = wrong.health().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthenticated, Some("WRONGPASS")), "{error}");
    assert!(!format!("{error:?}").contains("horse"), "{error:?}");
    // It was given the right one meanwhile: the file is read for each connection.
    fs::write(folder.path().join("password"), "right-horse").unwrap();
    wrong.health().await.unwrap();

    refused(mount(&granted(server.grant())).await.health().await, ErrorKind::Unauthenticated, Some("NOAUTH"));

    let named = mount(&with_auth(&server, &folder, Some("cofferdam"), "correct-battery")).await;
    assert_eq!(get(&named, "a").await.unwrap(), "1");
    let mut elsewhere = with_auth(&server, &folder, Some("cofferdam"), "correct-battery");
    elsewhere.settings.insert("prefix".to_owned(), SettingValue::Text("elsewhere".to_owned()));
    refused(get(&mount(&elsewhere).await, "a").await, ErrorKind::PermissionDenied, Some("NOPERM"));
}

#[tokio::test]
async fn an_address_that_the_grant_does_not_give_is_refused_and_audited() {
    let Some(server) = Redis::start("") else { return };
    for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
        let log = Log::begin();
        let grant = granted(ConnectionGrant { addresses: Vec::new(), host: host.to_owned(), ..server.grant() });
        let error = mount(&grant).await.health().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.message().contains("which needs the line `addresses = [\""), "{error}");
        let audited = log.of("cofferdam::audit");
        let told = |line: &String| line.contains("a loopback address") && line.contains(host) && line.contains("redis");
        assert!(!audited.is_empty() && audited.iter().all(told), "{audited:?}");
    }
    assert_eq!(server.say(&["INFO", "stats"]).lines().find_map(|line| line.strip_prefix("total_connections_received:")), Some("1"), "its own");
}

/// A certificate for 127.0.0.1, which is its own CA.
fn certify_server(openssl: &Path, folder: &TempDir) {
    let mut command = Command::new(openssl);
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    tools::run(command.arg("-out").arg(folder.path().join("server.pem")).arg("-keyout").arg(folder.path().join("server.key")));
}

#[tokio::test]
async fn tls_trusts_whom_the_grant_names() {
    let Some(openssl) = tools::find("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    certify_server(&openssl, &folder);
    let trusted = tempfile::tempdir().unwrap();
    let ca = trusted.path().join("ca.pem");
    fs::copy(folder.path().join("server.pem"), &ca).unwrap();
    let lines = "tls-port PORT\ntls-cert-file DIR/server.pem\ntls-key-file DIR/server.key\ntls-auth-clients no\nrequirepass right-horse";
    let Some(server) = Redis::start_in(folder, lines) else { return };
    let grant = |tls| {
        let mut grant = with_auth(&server, &trusted, None, "right-horse");
        grant.connections[0].tls = tls;
        grant
    };

    let mount_of_it = mount(&grant(Some(Trust::CaFile(ca.clone())))).await;
    let large = "x".repeat(1 << 20);
    put(&mount_of_it, "large", &large).await.unwrap();
    assert!(get(&mount_of_it, "large").await.unwrap() == large, "the value differs");

    let error = mount(&grant(Some(Trust::WebRoots))).await.health().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("TLS failed: "), "{error}");

    // A name that the certificate does not have.
    let mut misnamed = grant(Some(Trust::CaFile(ca.clone())));
    misnamed.connections[0].host = "localhost".to_owned();
    misnamed.connections[0].addresses.push("::1".parse().unwrap());
    let error = mount(&misnamed).await.health().await.unwrap_err();
    assert!(error.message().contains("TLS failed: "), "{error}");

    refused(mount(&grant(None)).await.health().await, ErrorKind::Unavailable, None);
    let nowhere = Mount::open(&drivers::load("redis"), &grant(Some(Trust::CaFile("/nowhere.pem".into()))), MountOptions::default()).await;
    assert!(matches!(nowhere, Err(LoadError::Connection(_))), "{nowhere:?}");
}

#[tokio::test]
async fn what_the_server_refuses_is_of_the_contracts_kinds_and_changes_nothing() {
    let Some(server) = Redis::start("") else { return };
    let mount = mount(&granted(server.grant())).await;
    put(&mount, "a", "1").await.unwrap();

    server.say(&["CONFIG", "SET", "maxmemory", "1"]);
    refused(put(&mount, "b", "1").await, ErrorKind::QuotaExceeded, Some("OOM"));
    assert_eq!(get(&mount, "a").await.unwrap(), "1");
    AtomicStore::remove(&mount, &key("none"), Condition::Unconditional).await.unwrap();
    server.say(&["CONFIG", "SET", "maxmemory", "0"]);

    server.say(&["REPLICAOF", "127.0.0.1", "1"]);
    refused(put(&mount, "b", "1").await, ErrorKind::Unavailable, Some("READONLY"));
    refused(AtomicStore::remove(&mount, &key("a"), Condition::Unconditional).await, ErrorKind::Unavailable, Some("READONLY"));
    server.say(&["REPLICAOF", "NO", "ONE"]);

    server.say(&["SET", "{cofferdam}:value:other", "a string"]);
    refused(get(&mount, "other").await, ErrorKind::Corrupted, Some("WRONGTYPE"));
    refused(put(&mount, "other", "1").await, ErrorKind::Corrupted, Some("WRONGTYPE"));
    assert_eq!(AtomicStore::count(&mount, "").await.unwrap(), 1, "the index has what there is");

    server.say(&["RENAME", "{cofferdam}:keys", "kept"]);
    server.say(&["SET", "{cofferdam}:keys", "a string"]);
    refused(put(&mount, "b", "1").await, ErrorKind::Corrupted, Some("WRONGTYPE"));
    assert_eq!(server.say(&["EXISTS", "{cofferdam}:value:b"]), "0", "no value without its entry in the index");
    refused(AtomicStore::remove(&mount, &key("a"), Condition::Unconditional).await, ErrorKind::Corrupted, Some("WRONGTYPE"));
    assert_eq!(get(&mount, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn another_database_is_used_by_the_driver_alone() {
    let Some(server) = Redis::start("") else { return };
    let in_database = |number| {
        let mut grant = granted(server.grant());
        grant.settings.insert("database".to_owned(), SettingValue::Integer(number));
        grant
    };
    let third = mount(&in_database(3)).await;
    put(&third, "a/b", "1").await.unwrap();
    assert_eq!(get(&third, "a/b").await.unwrap(), "1");
    refused(get(&third, "none").await, ErrorKind::NotFound, None);
    assert_eq!(AtomicStore::count(&third, "a/").await.unwrap(), 1);
    assert_eq!(AtomicStore::list(&third, "", None, 10).await.unwrap().keys.len(), 1);
    assert_eq!((server.say(&["-n", "3", "DBSIZE"]), server.say(&["DBSIZE"])), ("2".to_owned(), "0".to_owned()));
    AtomicStore::remove(&third, &key("a/b"), Condition::Unconditional).await.unwrap();
    assert_eq!(server.say(&["-n", "3", "DBSIZE"]), "0");
    refused(put(&mount(&in_database(99)).await, "a", "1").await, ErrorKind::InvalidArgument, Some("ERR"));
    assert_eq!(server.say(&["DBSIZE"]), "0");
}
