//! The driver `azure-blob` in its sandbox against azurite, which the host asks and signs for: no byte and no secret passes the guest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cofferdam::{ByteRange, Condition, Content, ErrorKind, Grant, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_certification::{Options, certify};
use cofferdam_tests::azure::Azurite;
use cofferdam_tests::client::noise;
use cofferdam_tests::drivers;
use cofferdam_tests::passage::{calls_of_an_object, reads};
use cofferdam_tests::promises::Promised;

/// 5,000 MiB of `put-max` are for the long run.
const SETTINGS: &str = "put-max = 16777216";

async fn mount(grant: &Grant) -> Mount {
    Mount::open(&drivers::load("azure-blob"), grant, MountOptions::default()).await.unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_gets_what_the_list_promises() {
    let Some(server) = Azurite::start().await else { return };
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path("azure-blob").into()];
    let promised = Promised::of("azure-blob");
    // One case asks 60,000 times; a loaded machine may take minutes for it.
    let options = Options { case_limit: Duration::from_secs(300), ..promised.options("azurite", "prefix", worker) };
    let report = certify(&drivers::load("azure-blob"), &server.grant(SETTINGS), &options).await.unwrap();
    assert_eq!(promised.broken_on("azurite", &report), Vec::<String>::new());
}

#[tokio::test]
async fn no_byte_of_an_object_passes_the_guest() {
    let Some(server) = Azurite::start().await else { return };
    let mount = mount(&server.grant(SETTINGS)).await;
    let calls = calls_of_an_object(&mount).await;
    assert!(calls.contains("http.send(PUT") && calls.contains("http.send(GET"), "{calls}");
    // Answers to writes and copies are heads only: it reads nothing at all.
    assert_eq!(reads(&calls), Vec::<&str>::new());
}

#[tokio::test]
async fn a_large_blob_is_copied_in_blocks_by_the_server() {
    let Some(server) = Azurite::start().await else { return };
    let mount = mount(&server.grant("copy-max = 5242880")).await;
    let (bytes, from, to) = (noise(2, 12 << 20), path("/from"), path("/in/blocks"));
    mount.put(&from, Content::from_bytes(bytes.clone()), Condition::Unconditional).await.unwrap();
    let copied = mount.copy(&from, &to, Condition::IfAbsent).await.unwrap();
    assert_eq!(copied, mount.stat(&to).await.unwrap());
    let opened = mount.open(&to, ByteRange::Whole).await.unwrap();
    assert_eq!(opened.content.bytes(1 << 30).await.unwrap(), bytes);
    assert_eq!(mount.copy(&from, &to, Condition::IfAbsent).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn by_a_shared_access_signature_everything_works_and_copies_go_through_the_host() {
    let Some(server) = Azurite::start().await else { return };
    let mount = mount(&server.grant_by_sas("")).await;
    mount.health().await.unwrap();
    let (from, to) = (path("/from"), path("/to"));
    mount.put(&from, Content::from_bytes("hello"), Condition::IfAbsent).await.unwrap();
    mount.copy(&from, &to, Condition::IfAbsent).await.unwrap();
    let opened = mount.open(&to, ByteRange::Last(4)).await.unwrap();
    assert_eq!(opened.content.bytes(9).await.unwrap(), "ello");
}

#[tokio::test]
async fn a_container_that_is_not_there_is_not_a_store_without_objects() {
    let Some(server) = Azurite::start().await else { return };
    let mut grant = server.grant("");
    for rule in &mut grant.http {
        rule.path = None;
    }
    grant.settings.insert("container".to_owned(), cofferdam::SettingValue::Text("another".to_owned()));
    let mount = mount(&grant).await;
    let failed = [
        mount.health().await.unwrap_err(),
        mount.stat(&path("/a")).await.unwrap_err(),
        mount.open(&path("/a"), ByteRange::Whole).await.unwrap_err(),
        mount.put(&path("/a"), Content::from_bytes("x"), Condition::Unconditional).await.unwrap_err(),
    ];
    for error in failed {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("ContainerNotFound")), "{error}");
    }
}
