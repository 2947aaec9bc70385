//! No secret that the host holds for a driver enters the driver: its memory is searched during a whole certification.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(target_os = "linux")]

use cofferdam::grant::{AuthProtocol, AwsCredentials, ConnectionAuth, SecretSource, Signing};
use cofferdam::{ConnectionGrant, Grant, SettingValue};
use cofferdam_certification::{Options, Report, certify};
use cofferdam_tests::drivers;
use cofferdam_tests::gcs::FakeGcs;
use cofferdam_tests::promises::Promised;
use cofferdam_tests::redis::Redis;
use cofferdam_tests::s3::S3Server;
use cofferdam_tests::secrets::{Search, Seen};
use cofferdam_tests::web::TOKEN;
use tempfile::TempDir;

/// What nobody could meet by chance. In base64 it has all special characters.
const PASSWORD: &str = "ZQ9?~>vx7?~>kpJ?~>w4dXH?~>0sBn";

/// What the guests are given, in each case with more behind it.
const PREFIX: &str = "a-prefix-that-each-guest-knows";

/// A grant of the server, which wants [`PASSWORD`] of the user `cofferdam`.
fn grant(server: &Redis, folder: &TempDir) -> Grant {
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let auth = ConnectionAuth { protocol: AuthProtocol::Redis, user: Some("cofferdam".to_owned()), password: SecretSource::File(file) };
    let mut grant = Grant { connections: vec![ConnectionGrant { auth: Some(auth), ..server.grant() }], ..Grant::default() };
    grant.settings.insert("prefix".to_owned(), SettingValue::Text(PREFIX.to_owned()));
    grant
}

fn server() -> Option<Redis> {
    Redis::start(&format!("requirepass {PASSWORD}\nuser cofferdam on >{PASSWORD} ~* +@all"))
}

/// Certifies a driver while its guests are searched, without what its list leaves to other servers than this one.
async fn certified((driver, server): (&str, &str), grant: &Grant, cases: &[&str], secrets: &[(&str, &[u8])]) -> (Report, Seen) {
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path(driver).into()];
    let cases = cases.iter().map(|case| (*case).to_owned()).collect();
    let options = Options { cases, ..Promised::of(driver).options(server, "prefix", worker) };
    let search = Search::start(secrets, PREFIX);
    let report = certify(&drivers::load(driver), grant, &options).await;
    let (seen, report) = (search.end(), report.unwrap());
    println!("{driver}: {} cases; {} rounds over {} memories of {} MiB", report.passed, seen.rounds, seen.memories, seen.bytes >> 20);
    assert!(report.passed > 0 && seen.control, "what the guests were given was not seen: {seen:?}");
    (report, seen)
}

#[track_caller]
fn all_passed(report: &Report) {
    let failed: Vec<_> = report.failures().map(|case| format!("{}: {}", case.id, case.reason().unwrap_or_default())).collect();
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_redis_is_in_no_guest_during_a_certification() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (report, seen) = certified(("redis", "redis-server"), &grant(&server, &folder), &[], &[("the password", PASSWORD.as_bytes())]).await;
    all_passed(&report);
    assert!(seen.leaks.is_empty(), "{:?}", seen.leaks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_guest_knows_is_found() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (report, seen) = certified(("redis", "redis-server"), &grant(&server, &folder), &["atomic.*"], &[("the prefix", PREFIX.as_bytes())]).await;
    all_passed(&report);
    assert!(seen.leaks.contains("the prefix from byte 0, as it is"), "{:?}", seen.leaks);
}

/// Which cases the server breaks is told elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_key_of_s3_is_in_no_guest_during_a_certification() {
    let Some(server) = S3Server::moto().await else { return };
    let grant = server.grant(&format!("prefix = \"{PREFIX}\"\nconditional-put = true\nput-max = 16777216"));
    let Some(Signing::AwsSigV4 { credentials: AwsCredentials::Profile { file, .. }, .. }) = &grant.http[0].signing else { panic!("no keys") };
    let keys = std::fs::read_to_string(file).unwrap();
    let (_, secret) = keys.split_once("aws_secret_access_key = ").unwrap();
    let (_, seen) = certified(("s3", "moto"), &grant, &[], &[("the secret key", secret.trim_end().as_bytes())]).await;
    assert!(seen.leaks.is_empty(), "{:?}", seen.leaks);
}

/// Nor is the token that the host gets for it, which every request carries. Not the whole certification, which takes a minute for its lists.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_service_account_and_its_token_are_in_no_guest() {
    let Some(server) = FakeGcs::start().await else { return };
    let (key, grant) = (server.key(), server.grant(&format!("prefix = \"{PREFIX}\"\nput-max = 16777216")));
    // What its lines have in common with other keys is no secret.
    let lines: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).skip(1).collect();
    let mut secrets = vec![("the token", TOKEN.as_bytes())];
    secrets.extend(lines.iter().filter(|line| line.len() >= 8).map(|line| ("the key", line.as_bytes())));
    let cases = ["put.round-trip", "open.*", "stat.*", "upload.three-parts", "presign.read", "copy.replaces", "run.parallel-*"];
    let (_, seen) = certified(("gcs", "fake-gcs-server"), &grant, &cases, &secrets).await;
    assert!(server.tokens() > 0 && seen.leaks.is_empty(), "{:?}", seen.leaks);
}
