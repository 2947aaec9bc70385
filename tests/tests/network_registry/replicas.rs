//! Two registries over the same Redis and S3: what one began the other ends, and they mix nothing.

use std::collections::BTreeSet;

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, sha256, streamed};
use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::server::Server;
use cofferdam_tests::wait::until_async as until;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::backends::{Backends, as_it_stands, with_a_short_lease};

/// The same repository of two registries.
fn doors(one: &Server, other: &Server) -> [Repository; 2] {
    [one, other].map(|server| server.client().repository("library/thing"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_continued_and_committed_by_the_other_after_the_first_is_killed() {
    let Some(backends) = Backends::start().await else { return };
    let mut first = backends.serve(with_a_short_lease);
    let other = first.replica();
    let [here, there] = doors(&first, &other);
    // Several parts of S3's and a rest below the smallest.
    let acknowledged = noise(1, (12 << 20) + 12_345);
    let location = here.start().await;
    let answer = here.patch(&location, Some(0), acknowledged.clone()).await.expect(202);
    // It dies in the middle of another chunk, of which it may have stored some.
    let (pieces, receiver) = mpsc::unbounded_channel::<Bytes>();
    let body = streamed(stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) }));
    let dying = tokio::spawn(Answer::try_of(here.client.request(Method::PATCH, &answer.location()).body(body)));
    let unacknowledged = noise(2, 7 << 20);
    pieces.send(unacknowledged.clone()).unwrap();
    until("the chunk has begun", async || (there.patch(&location, Some(0), "x").await.status != 202).then_some(())).await;
    first.kill();
    assert!(dying.await.unwrap().is_err(), "nobody is left who could answer");

    // Its lease must end before another may write.
    let rest = noise(3, (6 << 20) + 1);
    let (from, location) = until("the lease ends", async || {
        let from = there.offset(&location).await;
        let answer = there.patch(&location, Some(from), rest.clone()).await;
        (answer.status == 202).then(|| (from, answer.location()))
    })
    .await;
    let begun = [acknowledged, unacknowledged].concat();
    assert!(from >= (12 << 20) + 12_345, "{from} bytes are left of what was acknowledged");
    let blob = [&begun[..from], &rest].concat();
    there.finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(there.blob(&sha256(&blob)).await == blob, "a byte was lost or mixed");
    let third = other.replica();
    assert!(third.client().repository("library/thing").blob(&sha256(&blob)).await == blob, "another registry reads something else");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_chunks_for_the_same_offset_in_both_one_wins() {
    const RACERS: u64 = 16;
    const OFFSETS: u64 = 8;
    let Some(backends) = Backends::start().await else { return };
    let one = backends.serve(as_it_stands);
    let other = one.replica();
    let doors = doors(&one, &other);
    let mut location = doors[0].start().await;
    let mut blob = Vec::new();
    for round in 0..OFFSETS {
        // Some of them are a part of S3's, some wait for more.
        let chunk = |racer: u64| noise(round * RACERS + racer + 1, if racer.is_multiple_of(4) { 5 << 20 } else { 3000 } + racer as usize);
        let racers = (0..RACERS).map(|racer| {
            let (door, location, from) = (&doors[racer as usize % 2], &location, blob.len());
            async move { (racer, Answer::try_of(door.patching(location, Some(from), chunk(racer))).await) }
        });
        let answers: Vec<_> = stream::iter(racers).buffer_unordered(RACERS as usize).collect().await;
        let mut winners = Vec::new();
        for (racer, answer) in answers {
            match answer {
                Ok(answer) if answer.status == 202 => winners.push((racer, answer.location())),
                Ok(answer) => drop(answer.expect(416)),
                // Who is refused while it still sends may find the connection closed.
                Err(error) => assert!(error.is_request(), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?} have all won");
        blob.extend_from_slice(&chunk(winners[0].0));
        location.clone_from(&winners[0].1);
        assert_eq!(doors[round as usize % 2].offset(&location).await, blob.len());
    }
    doors[1].finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(doors[0].blob(&sha256(&blob)).await == blob, "the chunks that won were mixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_pushes_of_one_tag_in_both_one_wins_and_its_manifest_can_be_read() {
    const PUSHES: u64 = 12;
    let Some(backends) = Backends::start().await else { return };
    let one = backends.serve(as_it_stands);
    let other = one.replica();
    let doors = doors(&one, &other);
    for round in 0..3 {
        // Each is a whole image: its blobs, then its manifest.
        let pushes = (0..PUSHES).map(|push| images::push(&doors[push as usize % 2], "contested", 1000 * round + 10 * push + 1));
        let pushed: BTreeSet<Bytes> = stream::iter(pushes).buffer_unordered(PUSHES as usize).collect().await;
        assert_eq!(pushed.len(), PUSHES as usize);
        let [seen, same] = [&doors[0], &doors[1]].map(|door| door.get("manifests/contested"));
        let (seen, same) = (seen.await.expect(200), same.await.expect(200));
        assert_eq!(seen.body, same.body, "the two registries disagree");
        assert!(pushed.contains(&seen.body), "the tag has a manifest that nobody pushed");
        assert_eq!(seen.header("docker-content-digest"), Some(sha256(&seen.body).as_str()));
        let manifest = seen.json();
        for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
            let digest = blob["digest"].as_str().unwrap();
            assert_eq!(sha256(&doors[1].blob(digest).await), digest);
        }
        // Those that lost the tag are there by their digests.
        for manifest in &pushed {
            assert_eq!(doors[0].get(&format!("manifests/{}", sha256(manifest))).await.expect(200).body, *manifest);
        }
        doors[0].put_manifest("contested", MANIFEST, seen.body).await.expect(201);
    }
}
