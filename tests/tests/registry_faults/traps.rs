//! A driver that traps again and again: whoever pushes is told, and what was acknowledged is there.

use std::collections::BTreeMap;

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, offset_of, sha256};
use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::server::{Config, Served};

/// How often a client tries what a server could not do.
const TRIES: usize = 100;

/// In how many requests a blob is pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Push {
    /// In one, after the one that begins.
    Whole,
    /// In three, and another that closes.
    Chunked,
}

/// A registry whose driver traps on every so manieth call of an instance, before or after its work.
fn trapping(when: &str, every: usize, layout: &'static str) -> Served {
    let settings = format!("trap_{when} = {every}\n");
    Served::configured(|home| Config { driver: "broken-filesystem", settings, layout, ..Config::of(home) })
}

/// Asks until the answer is no server error; answers how often it was one, too.
async fn insist(mut ask: impl AsyncFnMut() -> Answer) -> (Answer, usize) {
    for failures in 0..TRIES {
        let answer = ask().await;
        if answer.status < 500 {
            return (answer, failures);
        }
        assert!(!answer.code().is_empty(), "a failure says what it is");
    }
    panic!("{TRIES} requests have failed, one after the other");
}

/// Pushes, going on where the server says after every failure; answers how many there were.
async fn push(repository: &Repository, blob: &Bytes, how: Push) -> usize {
    let digest = sha256(blob);
    let (started, mut failures) =
        insist(async || Answer::of(repository.request(Method::POST, "blobs/uploads/").header("content-length", 0)).await).await;
    let mut location = started.expect(202).location();
    let mut acknowledged = 0;
    while how == Push::Chunked && acknowledged < blob.len() {
        let to = blob.len().min(acknowledged + blob.len().div_ceil(3));
        let answer = repository.patch(&location, Some(acknowledged), blob.slice(acknowledged..to)).await;
        if answer.status == 202 {
            acknowledged = offset_of(&answer);
            location = answer.location();
            continue;
        }
        // A trap, or another offset than was thought: some of a failed chunk may be there.
        assert!(answer.status >= 500 || answer.status == 416, "{}", answer.status);
        let (status, more) = insist(async || Answer::of(repository.client.request(Method::GET, &location)).await).await;
        failures += 1 + more;
        let offset = offset_of(&status.expect(204));
        assert!((acknowledged..=to).contains(&offset), "{offset} is not in {acknowledged}..={to}");
        acknowledged = offset;
    }
    let (answer, more) = insist(async || repository.finish(&location, &digest, blob.slice(acknowledged..)).await).await;
    // Closed by a request whose answer was lost: then the session is gone and the blob is there.
    if answer.status != 201 {
        answer.expect(404);
        let (there, _) = insist(async || repository.head(&format!("blobs/{digest}")).await).await;
        there.expect(200);
    }
    failures + more
}

/// A request of ten calls would never get past a trap on every tenth. One that pushes a small blob whole has fewer; an upload in chunks is
/// closed with more, and traps are rarer there.
async fn loses_nothing(when: &str, layout: &'static str) {
    for (every, push) in [(10, Push::Whole), (25, Push::Chunked)] {
        let served = trapping(when, every, layout);
        pushes_survive(&served.repository, push).await;
    }
}

async fn pushes_survive(repository: &Repository, how: Push) {
    let mut failures = 0;
    let mut blobs = BTreeMap::new();
    for seed in 0..25 {
        let blob = noise(seed, 1000 + seed as usize * if how == Push::Whole { 997 } else { 40_009 });
        failures += push(repository, &blob, how).await;
        blobs.insert(sha256(&blob), blob);
    }
    let (config, layer) = (noise(1000, 500), noise(1001, 700));
    for blob in [&config, &layer] {
        failures += push(repository, blob, how).await;
    }
    let manifest = images::bytes(&images::manifest(&config, std::slice::from_ref(&layer)));
    // In the layout `indexed` a manifest takes ten calls.
    let tags = if how == Push::Whole { &[][..] } else { &["one", "two", "three"] };
    for tag in tags {
        let (answer, more) = insist(async || repository.put_manifest(tag, MANIFEST, manifest.clone()).await).await;
        answer.expect(201);
        failures += more;
    }
    assert!(failures > 0, "the driver has never trapped");
    for (digest, blob) in &blobs {
        let (answer, _) = insist(async || repository.get(&format!("blobs/{digest}")).await).await;
        assert!(answer.expect(200).body == blob, "{digest} differs");
    }
    for tag in tags {
        let (answer, _) = insist(async || repository.get(&format!("manifests/{tag}")).await).await;
        assert_eq!(answer.expect(200).body, manifest);
    }
}

#[tokio::test]
async fn a_driver_that_traps_before_its_work_loses_nothing_that_was_acknowledged() {
    loses_nothing("before", "registry-v2").await;
}

#[tokio::test]
async fn a_driver_that_traps_after_its_work_loses_nothing_that_was_acknowledged() {
    loses_nothing("after", "registry-v2").await;
}

#[tokio::test]
async fn nor_does_it_in_the_layout_indexed() {
    loses_nothing("before", "indexed").await;
    loses_nothing("after", "indexed").await;
}
