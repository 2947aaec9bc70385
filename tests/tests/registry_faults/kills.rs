//! `kill -9` at every step of a push: the client resumes where the server says, and nothing is visible that was not committed.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, offset_of, sha256, streamed};
use cofferdam_tests::server::{Config, Served};
use futures::future::join_all;
use futures::{StreamExt, stream};
use reqwest::Body;
use rustix::process::{Pid, Signal, kill_process};

use crate::dice::Dice;

/// What a request is sent in, so that a kill comes between two pieces.
const PIECE: usize = 32 << 10;

/// A push that a dying server may interrupt at any step.
struct Push {
    served: Served,
    blob: Bytes,
    digest: String,
    location: String,
    /// What the server has acknowledged.
    acknowledged: usize,
    /// What was handed to the connection, from the blob's beginning.
    sent: usize,
    kills: usize,
}

/// A server whose death is noticed soon by its successor.
fn short_leases() -> Served {
    Served::configured(|home| Config { rest: "[uploads]\nlease = \"1s\"\n".to_owned(), ..Config::of(home) })
}

/// When the server dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// When so many bytes of the body were handed over.
    Sent(usize),
    /// So long after all of it was.
    After(Duration),
    Never,
}

impl Push {
    async fn begin(blob: Bytes) -> Self {
        let served = short_leases();
        let location = served.repository.start().await;
        Self { digest: sha256(&blob), served, blob, location, acknowledged: 0, sent: 0, kills: 0 }
    }

    fn repository(&self) -> &Repository {
        &self.served.repository
    }

    /// `blob[from..to]` as a body in whose course the server dies.
    fn body(&self, from: usize, to: usize, moment: Moment) -> Body {
        let server = self.served.server.pid();
        let pieces: Vec<_> = (from..to).step_by(PIECE).map(|at| (at - from, self.blob.slice(at..to.min(at + PIECE)))).collect();
        let end = to - from;
        let last = stream::once(async move {
            if let Moment::After(delay) = moment {
                thread::spawn(move || kill_after(server, delay));
            }
            Bytes::new()
        });
        let pieces = stream::iter(pieces).map(move |(at, piece)| {
            if matches!(moment, Moment::Sent(kill_at) if (at..at + piece.len()).contains(&kill_at)) {
                kill(server);
            }
            piece
        });
        // A stream that has nothing to send is a body without an end to wait at.
        let pieces = if end == 0 { stream::empty().left_stream() } else { pieces.right_stream() };
        streamed(pieces.chain(last).filter(|piece| std::future::ready(!piece.is_empty())))
    }

    /// Sends the next `length` bytes; after a death asks the next server how much it has.
    async fn chunk(&mut self, length: usize, moment: Moment) {
        let (from, to) = (self.acknowledged, (self.acknowledged + length).min(self.blob.len()));
        let request = self.repository().client.request(Method::PATCH, &self.location);
        let request = request.header("content-type", "application/octet-stream").body(self.body(from, to, moment));
        self.sent = to;
        match Answer::try_of(request).await {
            Ok(answer) => {
                let answer = answer.expect(202);
                assert_eq!(offset_of(&answer), to);
                (self.location, self.acknowledged) = (answer.location(), to);
                self.next_server_unless(matches!(moment, Moment::Never)).await;
            }
            Err(_) => self.next_server_unless(false).await,
        }
    }

    /// Waits for the server's death, unless it was to live, and asks its successor for the offset.
    async fn next_server_unless(&mut self, lives: bool) {
        if lives {
            return;
        }
        self.served.server.ended();
        self.kills += 1;
        self.served.server.restart();
        self.served.repository = self.served.server.client().repository("library/thing");
        assert!(!self.repository().has(&self.digest).await, "a blob that was not committed is visible");
        let offset = self.repository().offset(&self.location).await;
        assert!((self.acknowledged..=self.sent).contains(&offset), "{offset} is not in {}..={}", self.acknowledged, self.sent);
        self.acknowledged = offset;
    }

    /// Closes the upload with what is left, again and again until a server lives to say that it is there.
    async fn finish(&mut self, moments: &[Moment]) {
        for moment in moments {
            let request = self.repository().finishing(&self.location, &self.digest, Bytes::new());
            let request = request.body(self.body(self.acknowledged, self.blob.len(), moment_within(*moment, self.blob.len() - self.acknowledged)));
            self.sent = self.blob.len();
            let answer = Answer::try_of(request).await;
            self.served.server.ended();
            self.kills += 1;
            self.served.server.restart();
            self.served.repository = self.served.server.client().repository("library/thing");
            let there = self.repository().has(&self.digest).await;
            if answer.is_ok_and(|answer| answer.expect(201).status == 201) {
                assert!(there, "an acknowledged blob is gone");
            }
            if there {
                break;
            }
            let status = Answer::of(self.repository().client.request(Method::GET, &self.location)).await;
            // It died between the commit and the link: the upload is over, and asking for its end once more is a success.
            if status.status == 404 {
                break;
            }
            let offset = offset_of(&status.expect(204));
            assert!((self.acknowledged..=self.sent).contains(&offset), "{offset} is not in {}..={}", self.acknowledged, self.sent);
            self.acknowledged = offset;
        }
        if !self.repository().has(&self.digest).await {
            let rest = self.blob.slice(self.acknowledged..);
            self.repository().finish(&self.location, &self.digest, rest).await.expect(201);
        }
        assert!(self.repository().blob(&self.digest).await == self.blob, "another blob came out");
    }
}

fn kill(server: Pid) {
    // It may have died of another moment.
    let _ = kill_process(server, Signal::KILL);
}

/// Kills after a delay that is far below what a timer can measure, so this burns it.
fn kill_after(server: Pid, delay: Duration) {
    let started = Instant::now();
    while started.elapsed() < delay {
        thread::yield_now();
    }
    kill(server);
}

#[tokio::test]
async fn a_push_survives_death_in_the_middle_of_a_chunk() {
    for (seed, size) in [(1, 100_000), (2, 6 << 20), (3, 20 << 20)] {
        let mut push = Push::begin(noise(seed, size)).await;
        for tenth in [0, 1, 5, 9] {
            push.chunk(size, Moment::Sent(size / 10 * tenth)).await;
            if push.acknowledged == size {
                break;
            }
        }
        assert!(push.kills >= 1, "the server was never killed");
        push.finish(&[]).await;
    }
}

#[tokio::test]
async fn a_push_survives_death_between_chunks() {
    let mut push = Push::begin(noise(4, 12 << 20)).await;
    for length in [1 << 20, 5 << 20, 3, 70_000, 5 << 20] {
        push.chunk(length, Moment::Never).await;
        let before = push.acknowledged;
        push.served.server.kill();
        push.next_server_unless(false).await;
        assert_eq!(push.acknowledged, before, "what was acknowledged is there to the byte");
    }
    push.finish(&[]).await;
}

#[tokio::test]
async fn a_push_survives_death_right_after_a_chunk_was_sent() {
    let mut dice = Dice::new(5);
    let mut push = Push::begin(noise(5, 8 << 20)).await;
    for _ in 0..12 {
        let delay = Duration::from_micros(dice.below(8000) as u64);
        push.chunk(1 + dice.below(1 << 20), Moment::After(delay)).await;
    }
    push.finish(&[]).await;
}

/// Moments of a closing request: in its body, and spread over the time in which the blob is hashed, made durable, named and linked.
fn moments(dice: &mut Dice, size: usize, longest: usize) -> Vec<Moment> {
    let mut moments: Vec<_> = (0..5).map(|_| Moment::After(Duration::from_micros(dice.below(longest) as u64))).collect();
    moments.insert(0, Moment::Sent(dice.below(size)));
    moments
}

#[tokio::test]
async fn a_push_survives_death_while_it_is_closed() {
    let kills = [(6, 4096, 4000), (7, 300_000, 8000), (8, 9 << 20, 60_000)].into_iter().flat_map(|(seed, size, longest)| {
        (0..3).map(move |round| async move {
            let mut dice = Dice::new(seed + 100 * round);
            let mut push = Push::begin(noise(seed + 100 * round, size)).await;
            push.chunk(size / 2, Moment::Never).await;
            let moments = moments(&mut dice, size - size / 2, longest);
            push.finish(&moments).await;
            push.kills
        })
    });
    assert!(join_all(kills).await.into_iter().all(|kills| kills > 0));
}

#[tokio::test]
async fn a_push_survives_death_at_any_moment() {
    join_all([2, 5000, 1 << 20, (5 << 20) + 1, 11 << 20, 16 << 20].into_iter().enumerate().map(|(seed, size)| any_moment(seed as u64, size))).await;
}

async fn any_moment(seed: u64, size: usize) {
    let mut dice = Dice::new(seed + 1000);
    let mut push = Push::begin(noise(seed + 50, size)).await;
    for _ in 0..8 {
        let length = 2 + dice.below(size);
        let moment = match dice.below(4) {
            0 => Moment::Never,
            1 => Moment::After(Duration::from_micros(dice.below(20_000) as u64)),
            _ => Moment::Sent(dice.below(length)),
        };
        let left = size - push.acknowledged;
        push.chunk(length.min(left), moment_within(moment, left)).await;
    }
    let moments = moments(&mut dice, (size - push.acknowledged).max(1), 20_000);
    push.finish(&moments).await;
}

/// `moment`, if so many bytes are left that it can come in their course.
fn moment_within(moment: Moment, left: usize) -> Moment {
    match moment {
        Moment::Sent(at) if at >= left => Moment::After(Duration::ZERO),
        moment => moment,
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_death() {
    let mut served = short_leases();
    let mut digests = Vec::new();
    for seed in 0..20 {
        digests.push((served.repository.push(noise(seed, 1 + 999 * seed as usize)).await, seed));
        if seed % 5 == 4 {
            served.server.restart();
            served.repository = served.server.client().repository("library/thing");
        }
    }
    for (digest, seed) in digests {
        assert_eq!(served.repository.blob(&digest).await, noise(seed, 1 + 999 * seed as usize));
    }
}

#[tokio::test]
async fn a_tag_that_is_moved_while_the_server_dies_names_the_old_or_the_new() {
    use cofferdam_tests::images::{self, MANIFEST};
    let mut served = short_leases();
    let mut dice = Dice::new(9);
    let manifests = [images::push_blobs(&served.repository, 1).await, images::push_blobs(&served.repository, 5).await];
    served.repository.put_manifest("latest", MANIFEST, manifests[0].clone()).await.expect(201);
    for round in 1..15 {
        let process = served.server.pid();
        let delay = Duration::from_micros(dice.below(5000) as u64);
        let killer = thread::spawn(move || kill_after(process, delay));
        let answer = put(&served.repository, manifests[round % 2].clone()).await;
        killer.join().unwrap();
        served.server.restart();
        served.repository = served.server.client().repository("library/thing");
        let now = served.repository.get("manifests/latest").await.expect(200).body;
        assert!(manifests.contains(&now), "the tag names something else");
        if answer == Some(201) {
            assert_eq!(now, manifests[round % 2], "an acknowledged tag was lost");
        }
    }
}

/// Puts the tag `latest`; answers the status unless the server died before it said one.
async fn put(repository: &Repository, manifest: Bytes) -> Option<u16> {
    let request = repository.request(Method::PUT, "manifests/latest").header("content-type", cofferdam_tests::images::MANIFEST);
    Answer::try_of(request.body(manifest)).await.ok().map(|answer| answer.status)
}
