//! The driver `s3` in its sandbox against a real server, which the host asks and signs for: no byte and no secret passes the guest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cofferdam::{ByteRange, Condition, Content, ErrorKind, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_certification::{Options, certify};
use cofferdam_tests::client::noise;
use cofferdam_tests::drivers;
use cofferdam_tests::passage::{calls_of_an_object, reads};
use cofferdam_tests::promises::Promised;
use cofferdam_tests::s3::S3Server;

/// `moto` keeps no checksum of a part, so the one that is of the whole object; and 5 GiB of `put-max` are for the long run.
const SETTINGS: &str = "conditional-put = true\nchecksum = \"crc64nvme\"\nput-max = 16777216";

async fn mount(server: &S3Server, settings: &str) -> Mount {
    Mount::open(&drivers::load("s3"), &server.grant(settings), MountOptions::default()).await.unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// Certifies the driver on a server, with what its list leaves out there.
async fn certified(name: &str, server: &S3Server) {
    let promised = Promised::of("s3");
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path("s3").into()];
    // One case asks 60,000 times; a loaded machine may take minutes for it.
    let options = Options { case_limit: Duration::from_secs(300), ..promised.options(name, "prefix", worker) };
    let report = certify(&drivers::load("s3"), &server.grant(SETTINGS), &options).await.unwrap();
    assert_eq!(promised.broken_on(name, &report), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_moto_it_holds_what_its_list_promises() {
    let Some(server) = S3Server::moto().await else { return };
    certified("moto", &server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_s3s_fs_it_holds_what_its_list_promises() {
    let server = S3Server::s3s_fs();
    certified("s3s-fs", &server).await;
}

#[tokio::test]
async fn no_byte_of_an_object_passes_the_guest() {
    let Some(server) = S3Server::moto().await else { return };
    let mount = mount(&server, SETTINGS).await;
    let calls = calls_of_an_object(&mount).await;
    assert!(calls.contains("http.send(PUT") && calls.contains("http.send(GET"), "{calls}");
    // What it reads are answers to writes and copies: a line of XML at most.
    assert_eq!(reads(&calls), Vec::<&str>::new());
}

#[tokio::test]
async fn a_large_object_is_copied_in_parts_by_the_server() {
    let Some(server) = S3Server::moto().await else { return };
    let mount = mount(&server, "conditional-put = true\ncopy-max = 5242880").await;
    let (bytes, from, to) = (noise(2, 12 << 20), path("/from"), path("/in/parts"));
    mount.put(&from, Content::from_bytes(bytes.clone()), Condition::Unconditional).await.unwrap();
    let copied = mount.copy(&from, &to, Condition::IfAbsent).await.unwrap();
    assert_eq!(copied, mount.stat(&to).await.unwrap());
    assert!(copied.etag.unwrap().0.ends_with("-3"), "S3 says so of what has three parts");
    let opened = mount.open(&to, ByteRange::Whole).await.unwrap();
    assert_eq!(opened.content.bytes(1 << 30).await.unwrap(), bytes);
    assert_eq!(mount.copy(&from, &to, Condition::IfAbsent).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let (uploads, _) = mount.find_uploads(None, 10).await.unwrap();
    assert_eq!(uploads.len(), 0, "what did not come to an end is given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_client_reads_what_the_host_presigned() {
    let Some(server) = S3Server::moto().await else { return };
    let options = Options { cases: vec!["presign.*".to_owned()], place: Some("prefix".to_owned()), ..Options::default() };
    let report = certify(&drivers::load("s3"), &server.grant(SETTINGS), &options).await.unwrap();
    let failed: Vec<_> = report.failures().map(|case| (case.id, case.reason().unwrap_or_default())).collect();
    assert_eq!((report.passed, failed.len()), (2, 2), "{failed:#?}");
    // `claims.toml` lists them as moto's faults: it looks at neither signature nor time.
    let fault = |id: &str, says: &str| failed.iter().any(|(failed, reason)| *failed == id && reason.contains(says));
    assert!(fault("presign.only", "PUT at a URL") && fault("presign.expires", "still works"), "{failed:#?}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_a_store_without_objects() {
    let Some(server) = S3Server::moto().await else { return };
    let mut grant = server.grant("conditional-put = true");
    for rule in &mut grant.http {
        rule.path = None;
    }
    grant.settings.insert("bucket".to_owned(), cofferdam::SettingValue::Text("another".to_owned()));
    let mount = Mount::open(&drivers::load("s3"), &grant, MountOptions::default()).await.unwrap();
    let failed = [
        mount.health().await.unwrap_err(),
        mount.open(&path("/a"), ByteRange::Whole).await.unwrap_err(),
        mount.put(&path("/a"), Content::from_bytes("x"), Condition::Unconditional).await.unwrap_err(),
    ];
    for error in failed {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("bucket"), "{error}");
    }
}
