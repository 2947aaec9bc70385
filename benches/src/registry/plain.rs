//! The same writes by plain programs, which check nothing and serve nobody.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use cofferdam_tests::client::noise;
use sha2::{Digest, Sha256};

use crate::scene::SMALL;

/// What is written and hashed at a time.
const FRAME: usize = 256 << 10;

/// Writes `bytes` to a file while another thread hashes them, then makes them durable; answers how long that took.
pub(crate) fn hash_beside_write(directory: &Path, bytes: &[u8]) -> Result<Duration> {
    let path = directory.join("plain");
    let started = Instant::now();
    let mut file = File::create(&path)?;
    thread::scope(|scope| -> Result<()> {
        let (frames, received) = mpsc::channel::<&[u8]>();
        let hash = scope.spawn(move || received.iter().fold(Sha256::new(), |hash, frame| hash.chain_update(frame)).finalize());
        for frame in bytes.chunks(FRAME) {
            file.write_all(frame)?;
            frames.send(frame).map_err(|_| anyhow!("the thread that hashes has gone"))?;
        }
        drop(frames);
        std::hint::black_box(hash.join().map_err(|_| anyhow!("the thread that hashes has failed"))?);
        Ok(())
    })?;
    file.sync_all()?;
    let took = started.elapsed();
    fs::remove_file(path)?;
    Ok(took)
}

/// Small files for so long, by so many threads: each written, synced, renamed into another directory, and both directories synced. Answers
/// how many a second.
pub(crate) fn small_files(directory: &Path, threads: u64, length: Duration) -> Result<f64> {
    let (from, to) = (directory.join("from"), directory.join("to"));
    fs::create_dir_all(&from)?;
    fs::create_dir_all(&to)?;
    let started = Instant::now();
    let written = thread::scope(|scope| {
        let write = |thread: u64| {
            let (from, to) = (&from, &to);
            move || -> Result<u64> {
                let bytes = noise(thread, SMALL);
                let mut written = 0;
                while started.elapsed() < length {
                    let name = format!("{thread}-{written}");
                    let mut file = File::create(from.join(&name))?;
                    file.write_all(&bytes)?;
                    file.sync_all()?;
                    fs::rename(from.join(&name), to.join(&name))?;
                    File::open(from)?.sync_all()?;
                    File::open(to)?.sync_all()?;
                    written += 1;
                }
                Ok(written)
            }
        };
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(write(thread))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread has failed"))?).sum::<Result<u64>>()
    })?;
    let rate = written as f64 / started.elapsed().as_secs_f64();
    fs::remove_dir_all(from)?;
    fs::remove_dir_all(to)?;
    Ok(rate)
}
