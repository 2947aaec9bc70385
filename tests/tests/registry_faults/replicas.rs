//! Two processes over one directory: they mix nothing, and one that is stopped loses what it held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, offset_of, sha256, streamed};
use cofferdam_tests::server::{Config, Served, Server};
use cofferdam_tests::wait::until_async as until;
use futures::{StreamExt, stream};
use reqwest::Body;
use rustix::process::Signal;
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// How many chunks race for one offset, and for how many offsets: a thousand in all.
const RACERS: u64 = 100;
const OFFSETS: u64 = 10;

#[tokio::test]
async fn of_a_thousand_chunks_for_the_same_offsets_in_two_processes_one_each_wins() {
    let served = Served::fresh();
    let replica = served.server.replica();
    let doors = [served.repository.clone(), replica.client().repository("library/thing")];
    let mut location = doors[0].start().await;
    let mut blob = Vec::new();
    for round in 0..OFFSETS {
        let chunk = |racer: u64| noise(round * RACERS + racer, 3000 + racer as usize);
        let racers = (0..RACERS).map(|racer| {
            let (door, location, from) = (&doors[racer as usize % 2], &location, blob.len());
            async move { (racer, door.patch(location, Some(from), chunk(racer)).await) }
        });
        let answers: Vec<_> = stream::iter(racers).buffer_unordered(32).collect().await;
        let mut winners = Vec::new();
        for (racer, answer) in answers {
            match answer.status {
                202 => winners.push((racer, answer.location())),
                _ => drop(answer.expect(416)),
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

#[tokio::test]
async fn a_push_may_use_another_process_for_every_request() {
    let served = Served::fresh();
    let replica = served.server.replica();
    let doors = [served.repository.clone(), replica.client().repository("library/thing")];
    let blob = noise(1, 3 << 20);
    let mut location = doors[0].start().await;
    for (turn, from) in (0..blob.len()).step_by(333_333).enumerate() {
        let chunk = blob.slice(from..blob.len().min(from + 333_333));
        location = doors[turn % 2].patch(&location, Some(from), chunk).await.expect(202).location();
    }
    doors[1].finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(doors[0].blob(&sha256(&blob)).await == blob);
    doors[1].delete(&format!("blobs/{}", sha256(&blob))).await.expect(202);
}

#[tokio::test]
async fn a_process_that_is_stopped_past_its_lease_and_goes_on_destroys_nothing() {
    let home = tempfile::tempdir().unwrap();
    let config = Config { rest: "[uploads]\nlease = \"2s\"\n".to_owned(), ..Config::of(home.path()) };
    let stopped = Server::configured(home.path(), &config);
    let other = stopped.replica();
    for (seed, head) in [(1, 100_000), (2, 7 << 20)] {
        // Whoever probes too early takes the session itself.
        let mut tries = (0..10).map(|again| seed + 100 * again);
        while !taken_over(&stopped, &other, tries.next().expect("a process that holds its session"), head).await {}
    }
}

/// One process is stopped with `head` bytes of a chunk, the other takes over and goes on, the first wakes and has the rest of its chunk.
/// Answers whether it came to that: the first must have had the session.
async fn taken_over(stopped: &Server, other: &Server, seed: u64, head: usize) -> bool {
    let [here, there] = [stopped, other].map(|server| server.client().repository("library/thing"));
    let (head, taken) = (noise(seed, head), noise(seed + 10, 2 << 20));
    let location = here.start().await;
    let (pieces, receiver) = mpsc::unbounded_channel();
    let left = Arc::new(AtomicUsize::new(head.len()));
    let request = here.client.request(Method::PATCH, &location).body(fed(receiver, left.clone()));
    let first = tokio::spawn(Answer::try_of(request));
    for piece in head.chunks(64 << 10) {
        pieces.send(Bytes::copy_from_slice(piece)).unwrap();
    }
    until("the chunk's head is sent", async || (left.load(Ordering::Relaxed) == 0).then_some(())).await;
    let mut probes = 0;
    while !first.is_finished() && there.patch(&location, Some(2 * probes), "xx").await.status == 202 {
        probes += 1;
    }
    if first.is_finished() {
        return false;
    }
    stopped.signal(Signal::STOP);
    let (offset, location) = until("the lease ends", async || take(&there, &location, &taken).await).await;
    stopped.signal(Signal::CONT);
    for piece in noise(seed + 20, 3 << 20).chunks(64 << 10) {
        // Whoever has lost the session may stop reading.
        let _ = pieces.send(Bytes::copy_from_slice(piece));
    }
    drop(pieces);
    if let Ok(answer) = first.await.unwrap() {
        assert!(answer.status >= 400, "a process that had lost the session acknowledged a chunk: {}", answer.status);
    }
    let blob = ["xx".repeat(probes).as_bytes(), &head[..offset - 2 * probes], &taken].concat();
    assert_eq!(there.offset(&location).await, blob.len());
    there.finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(here.blob(&sha256(&blob)).await == blob, "a byte was lost or mixed");
    true
}

/// A body of what comes through a channel, counting down `left` as it goes out.
fn fed(receiver: UnboundedReceiver<Bytes>, left: Arc<AtomicUsize>) -> Body {
    streamed(stream::unfold((receiver, left), |(mut receiver, left)| async {
        let piece = receiver.recv().await?;
        let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(piece.len())));
        Some((piece, (receiver, left)))
    }))
}

/// Appends `taken` where the session is, if it can be had; answers where that was, and where the session goes on.
async fn take(repository: &Repository, location: &str, taken: &Bytes) -> Option<(usize, String)> {
    let offset = repository.offset(location).await;
    let answer = repository.patch(location, Some(offset), taken.clone()).await;
    (answer.status == 202).then(|| {
        assert_eq!(offset_of(&answer), offset + taken.len());
        (offset, answer.location())
    })
}
