//! The driver `gcs` in its sandbox against fake-gcs-server, which the host asks and signs for: no byte and no secret passes the guest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cofferdam::{Condition, Content, Grant, Mount, MountOptions, PresignedAccess, StorePath, StreamingStore};
use cofferdam_certification::{Options, Report, certify};
use cofferdam_tests::drivers;
use cofferdam_tests::gcs::FakeGcs;
use cofferdam_tests::passage::{calls_of_an_object, reads};
use cofferdam_tests::promises::{Promised, joined};

/// 5 TiB of `put-max` are too much for any test.
const SETTINGS: &str = "put-max = 16777216";

/// What needs a bucket of its own: for each page and each object the server looks through all objects there are, and `list.pages` leaves 2,900.
const ALONE: [&str; 2] = ["list.pages", "run.leak"];

async fn mount(grant: &Grant) -> Mount {
    Mount::open(&drivers::load("gcs"), grant, MountOptions::default()).await.unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// Certifies the driver on a server of its own; `None` says that the test is skipped.
async fn certified(options: Options) -> Option<Report> {
    let server = FakeGcs::start().await?;
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path("gcs").into()];
    // One case asks 60,000 times; a loaded machine may take minutes for it.
    let options = Options { place: Some("prefix".to_owned()), worker: Some(worker), case_limit: Duration::from_secs(300), ..options };
    Some(certify(&drivers::load("gcs"), &server.grant(SETTINGS), &options).await.unwrap())
}

async fn certified_alone(case: &str) -> Option<Report> {
    certified(Options { cases: vec![case.to_owned()], ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fake_gcs_server_gets_what_the_list_promises() {
    let left_out = ALONE.map(|case| (case.to_owned(), "it is asked on a server of its own".to_owned())).into();
    let (most, pages) = tokio::join!(certified(Options { left_out, ..Options::default() }), certified_alone(ALONE[0]));
    // Not beside others: it counts the descriptors of this process.
    let (Some(most), Some(pages), Some(leak)) = (most, pages, certified_alone(ALONE[1]).await) else { return };
    let report = joined(joined(most, pages), leak);
    assert_eq!(Promised::of("gcs").broken_on("fake-gcs-server", &report), Vec::<String>::new());
}

#[tokio::test]
async fn no_byte_of_an_object_passes_the_guest() {
    let Some(server) = FakeGcs::start().await else { return };
    let mount = mount(&server.grant(SETTINGS)).await;
    let calls = calls_of_an_object(&mount).await;
    assert!(calls.contains("http.send(POST") && calls.contains("http.send(GET"), "{calls}");
    // What it reads are the server's words about objects: a document of a KiB for each request but the downloads.
    let read = |call: &&str| call.split_once("→ ").and_then(|(_, read)| read.split(' ').next()?.parse::<usize>().ok());
    let reads = reads(&calls);
    let lengths: Vec<usize> = reads.iter().filter_map(read).collect();
    assert!(!reads.is_empty() && lengths.len() == reads.len() && lengths.iter().sum::<usize>() < 16 << 10, "{reads:?}");
}

/// The server lets in everybody; the host does not know that.
#[tokio::test]
async fn a_service_account_signs_by_one_token_and_its_urls_without_any() {
    let Some(server) = FakeGcs::start().await else { return };
    let mount = mount(&server.grant(SETTINGS)).await;
    let at = path("/a/b");
    let url = mount.presign(&at, PresignedAccess::Read, Duration::from_secs(60)).await.unwrap();
    assert_eq!(server.tokens(), 0);
    for _ in 0..3 {
        mount.put(&at, Content::from_bytes("hello"), Condition::Unconditional).await.unwrap();
        mount.stat(&at).await.unwrap();
    }
    assert_eq!(server.tokens(), 1);
    let url = url.as_str();
    assert!(url.contains("X-Goog-Algorithm=GOOG4-RSA-SHA256") && url.contains("X-Goog-Signature="), "{url}");
    assert_eq!(reqwest::get(url).await.unwrap().bytes().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_a_store_without_objects() {
    let Some(server) = FakeGcs::start().await else { return };
    let mut grant = server.grant(SETTINGS);
    grant.settings.insert("bucket".to_owned(), cofferdam::SettingValue::Text("another".to_owned()));
    let error = mount(&grant).await.health().await.unwrap_err();
    assert_eq!(error.kind(), cofferdam::ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("no bucket another"), "{error}");
}
