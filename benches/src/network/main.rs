//! The sandboxed driver `s3` beside the crate `object_store`, against the same server in one run: `cargo xtask bench network`.
//!
//! Both clients sign every payload, compute no checksum besides, and run on one thread, the server on what is left of the machine. Every figure is a
//! median over rounds in which both sides take turns.

mod sides;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use cofferdam_benches::aims::{Aim, Table, Unit, median};
use cofferdam_tests::client::noise;
use cofferdam_tests::s3::S3Server;
use futures::{StreamExt, TryStreamExt, stream};

use crate::sides::{Native, Sandboxed, Side};

const SMALL: usize = 4 << 10;
const LARGE: usize = 256 << 20;

/// How many small operations a round has, and how many large ones for each in flight.
const SMALL_EACH: usize = 200;
const LARGE_EACH: usize = 1;

const ROUNDS: usize = 5;

/// How small operations may compare: at most 1.15 times as long.
const SMALL_AIM: Aim = Aim::AtLeast(1.0 / 1.15);
/// How throughput may compare.
const LARGE_AIM: Aim = Aim::AtLeast(0.95);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let server = S3Server::s3s_fs();
    println!("{}\n", cofferdam_benches::machine());
    let (sandboxed, native) = (Sandboxed::open(&server).await?, Native::open(&server)?);
    let sides: [&dyn Side; 2] = [&sandboxed, &native];
    let mut table = Table::default();
    for (title, size, each, unit, aim) in
        [("4 KiB", SMALL, SMALL_EACH, Unit::Each, SMALL_AIM), ("256 MiB", LARGE, LARGE_EACH, Unit::Bytes, LARGE_AIM)]
    {
        let bytes = noise(1, size);
        for in_flight in [1, 16] {
            let count = if size == LARGE { each * in_flight } else { each };
            let figure = |time: Duration| match unit {
                Unit::Each => count as f64 / time.as_secs_f64(),
                _ => (count * size) as f64 / time.as_secs_f64(),
            };
            let [put, get] = rounds(sides, &bytes, count, in_flight).await?;
            for (verb, [ours, theirs]) in [("PUT", put), ("GET", get)] {
                let work = format!("{verb} of {title}, {in_flight} in flight");
                let [ours, theirs] = [ours, theirs].map(|times| median(times.into_iter().map(figure).collect()));
                table.beside(&work, unit, ours, ("object_store", theirs), aim);
            }
        }
    }
    print!("{}", table.render());
    Ok(())
}

/// What each round took: puts and gets, for each side.
async fn rounds(sides: [&dyn Side; 2], bytes: &Bytes, count: usize, in_flight: usize) -> Result<[[Vec<Duration>; 2]; 2]> {
    let mut times: [[Vec<Duration>; 2]; 2] = Default::default();
    // One round more than is counted: the first fills pools on both sides.
    for round in 0..=ROUNDS {
        for (at, side) in sides.iter().enumerate() {
            let taken = [put(*side, bytes, count, in_flight).await?, get(*side, bytes.len(), count, in_flight).await?];
            if round > 0 {
                times.iter_mut().zip(taken).for_each(|(times, taken)| times[at].push(taken));
            }
        }
    }
    Ok(times)
}

async fn put(side: &dyn Side, bytes: &Bytes, count: usize, in_flight: usize) -> Result<Duration> {
    let began = Instant::now();
    stream::iter((0..count).map(|n| side.put(n, bytes.clone()))).buffer_unordered(in_flight).try_collect::<Vec<()>>().await?;
    Ok(began.elapsed())
}

async fn get(side: &dyn Side, size: usize, count: usize, in_flight: usize) -> Result<Duration> {
    let began = Instant::now();
    let sizes: Vec<usize> = stream::iter((0..count).map(|n| side.get(n))).buffer_unordered(in_flight).try_collect().await?;
    anyhow::ensure!(sizes.iter().all(|read| *read == size), "an object of {size} bytes was read as {sizes:?}");
    Ok(began.elapsed())
}
