//! Each example driver is certified for what its `claims.toml` promises.

use std::fs;

use cofferdam::Grant;
use cofferdam_certification::{Options, certify};
use cofferdam_tests::client::noise;
use cofferdam_tests::drivers;
use cofferdam_tests::promises::Promised;
use cofferdam_tests::webdav::WebDavServer;

use crate::example::Example;

/// What is wrong with a driver, by the list that it must hold.
async fn broken(name: &str, grant: &Grant, options: Options) -> Vec<String> {
    let worker = vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path(name).into()];
    let options = Options { worker: Some(worker), ..options };
    let report = certify(&drivers::load(name), grant, &options).await.unwrap();
    Promised::of(name).broken_by(&report)
}

async fn keeps_its_promises(name: &'static str) {
    let Some(example) = Example::built(name) else { return };
    let grant = example.grant(|text| text);
    assert_eq!(broken(name, &grant, Options::default()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_in_c() {
    keeps_its_promises("embedded-log").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deduplicating_directory_in_go() {
    keeps_its_promises("dedup-directory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_in_python() {
    keeps_its_promises("sqlite-catalog").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_in_javascript() {
    keeps_its_promises("ephemeral").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_in_typescript() {
    let (Some(example), Some(origin)) = (Example::built("http-mirror"), WebDavServer::nginx()) else { return };
    for (name, size) in [("small", 10), ("middle", 100_000), ("below/large", 3 << 20)] {
        let file = origin.folder().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, noise(size as u64, size)).unwrap();
    }
    let at_origin = |text: String| text.replace("origin = \"http://127.0.0.1:8088\"", &format!("origin = \"{}/dav\"", origin.origin()));
    let grant = example.grant(|text| at_origin(text).replace("http://127.0.0.1:8088", &origin.origin()));
    let options = Options { place: Some("namespace".to_owned()), filled: Some(origin.folder()), ..Options::default() };
    assert_eq!(broken(example.name, &grant, options).await, Vec::<String>::new());
}
