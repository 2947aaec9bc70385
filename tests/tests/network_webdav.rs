//! The driver `webdav` in its sandbox against real servers, which the host asks and signs for: no byte and no secret passes the guest.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cofferdam::{ByteRange, Condition, Content, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_certification::{Options, certify};
use cofferdam_tests::client::noise;
use cofferdam_tests::drivers;
use cofferdam_tests::passage::{calls_of, reads};
use cofferdam_tests::promises::Promised;
use cofferdam_tests::webdav::WebDavServer;

async fn mount(server: &WebDavServer, settings: &str) -> Mount {
    Mount::open(&drivers::load("webdav"), &server.grant(settings), MountOptions::default()).await.unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// What is wrong with the driver on a server, by the list that it must hold.
async fn broken(name: &str, server: &WebDavServer) -> Vec<String> {
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path("webdav").into()];
    // 2,900 objects are stored for one case: a loaded machine may take minutes for it.
    let case_limit = Duration::from_secs(300);
    let options = Options { place: Some("prefix".to_owned()), worker: Some(worker), case_limit, ..Options::default() };
    let report = certify(&drivers::load("webdav"), &server.grant(""), &options).await.unwrap();
    Promised::of("webdav").broken_on(name, &report)
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_keeps_what_the_list_promises() {
    let Some(server) = WebDavServer::apache() else { return };
    assert_eq!(broken("apache", &server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_keeps_what_the_list_promises() {
    let Some(server) = WebDavServer::nginx() else { return };
    assert_eq!(broken("nginx", &server).await, Vec::<String>::new());
}

#[tokio::test]
async fn no_byte_of_an_object_passes_the_guest() {
    const SIZE: usize = 16 << 20;
    let Some(server) = WebDavServer::apache() else { return };
    let mount = mount(&server, "").await;
    let (bytes, at) = (noise(1, SIZE), path("/large"));
    let calls = calls_of(&mount, async || {
        mount.put(&at, Content::from_bytes(bytes.clone()), Condition::Unconditional).await.unwrap();
        let opened = mount.open(&at, ByteRange::Whole).await.unwrap();
        assert_eq!(opened.content.bytes(SIZE as u64).await.unwrap(), bytes);
        mount.copy(&at, &path("/copied"), Condition::Unconditional).await.unwrap();
        // Where something is already, it is written anew: from host to host.
        mount.copy(&at, &path("/copied"), Condition::Unconditional).await.unwrap();
        mount.rename(&at, &path("/moved"), Condition::Unconditional).await.unwrap();
        let opened = mount.open(&path("/moved"), ByteRange::Whole).await.unwrap();
        assert_eq!(opened.content.bytes(SIZE as u64).await.unwrap(), bytes);
    })
    .await;
    assert!(["PUT", "GET", "COPY", "MOVE"].iter().all(|method| calls.contains(&format!("http.send({method}"))), "{calls}");
    let reads = reads(&calls);
    assert!(reads.iter().all(|call| !call.contains("16777216")), "{reads:?}");
}
