//! Pushes: large blobs in one request and in chunks, and small ones by many clients.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use cofferdam_benches::aims::{Aim, Table, Unit, median};
use cofferdam_tests::client::{noise, sha256};

use crate::http::Connection;
use crate::plain;
use crate::scene::{LARGE, REPOSITORY, SMALL, Scene};
use crate::servers::{Server, blob_file};

const ROUNDS: u64 = 3;
const CHUNK: usize = 8 << 20;
const CLIENTS: u64 = 8;
const LENGTH: Duration = Duration::from_secs(3);

pub(crate) fn measure(scene: &Scene, table: &mut Table) -> Result<()> {
    let (cofferdam, docker) = (scene.cofferdam()?, scene.docker_registry()?);
    large(scene, table, [&cofferdam, &docker])?;
    small(scene, table, [&cofferdam, &docker])
}

fn large(scene: &Scene, table: &mut Table, servers: [&Server; 2]) -> Result<()> {
    let plain_directory = scene.scratch.path().join("plain");
    fs::create_dir(&plain_directory)?;
    let mut blob = noise(3, LARGE).to_vec();
    let [mut whole, mut chunked]: [[Vec<f64>; 2]; 2] = Default::default();
    let mut plain = Vec::new();
    let rate = |took: Duration| LARGE as f64 / took.as_secs_f64();
    for round in 0..ROUNDS {
        for (side, server) in servers.into_iter().enumerate() {
            // Nobody may know the blob already.
            blob[..8].copy_from_slice(&(round * 10 + side as u64).to_le_bytes());
            whole[side].push(rate(put_with_curl(scene, server, &blob)?));
            blob[..8].copy_from_slice(&(round * 10 + 5 + side as u64).to_le_bytes());
            chunked[side].push(rate(patch(scene, server, &blob)?));
        }
        plain.push(rate(plain::hash_beside_write(&plain_directory, &blob)?));
    }
    let plain = median(plain);
    for (work, rates) in [("push of 256 MiB, one PUT (curl)", whole), ("push of 256 MiB, PATCH in 8 MiB chunks", chunked)] {
        let [ours, theirs] = rates.map(median);
        table.beside(work, Unit::Bytes, ours, ("docker-registry", theirs), Aim::AtLeast(3.0));
        table.beside(work, Unit::Bytes, ours, ("hash beside write, fsync", plain), Aim::AtLeast(0.9));
    }
    Ok(())
}

/// Pushes with `curl` from a file; answers how long the upload itself took.
fn put_with_curl(scene: &Scene, server: &Server, blob: &[u8]) -> Result<Duration> {
    let source = scene.scratch.path().join("source");
    fs::write(&source, blob)?;
    let digest = sha256(blob);
    let location = Connection::open(server.address())?.begin(REPOSITORY)?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let url = format!("http://{}{location}{separator}digest={digest}", server.address());
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--header", "Expect:", "--upload-file"]).arg(&source).arg(url);
    let started = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().context("cannot start curl; `cargo xtask tools` installs it")?;
    ensure!(status.success(), "curl could not push to {}", server.address());
    let took = started.elapsed();
    forget(scene, &digest)?;
    Ok(took)
}

/// Pushes in chunks over one connection.
fn patch(scene: &Scene, server: &Server, blob: &[u8]) -> Result<Duration> {
    let digest = sha256(blob);
    let mut connection = Connection::open(server.address())?;
    let started = Instant::now();
    let mut location = connection.begin(REPOSITORY)?;
    for (index, chunk) in blob.chunks(CHUNK).enumerate() {
        let from = index * CHUNK;
        let headers = format!("Content-Type: application/octet-stream\r\nContent-Range: {from}-{}\r\n", from + chunk.len() - 1);
        location = connection.ask("PATCH", &location, &headers, chunk, 202)?.location;
    }
    connection.finish(&location, &digest, b"")?;
    let took = started.elapsed();
    forget(scene, &digest)?;
    Ok(took)
}

/// Removes what a push stored, so that a run needs no more room than two blobs.
fn forget(scene: &Scene, digest: &str) -> Result<()> {
    let file = scene.data().join(blob_file(digest));
    ensure!(fs::metadata(&file)?.len() == LARGE as u64, "{} is not what was pushed", file.display());
    Ok(fs::remove_file(file)?)
}

fn small(scene: &Scene, table: &mut Table, servers: [&Server; 2]) -> Result<()> {
    let directory = scene.scratch.path().join("small");
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        for (side, server) in servers.into_iter().enumerate() {
            rates[side].push(small_pushes(server, (round * 10 + side as u64) << 40)?);
        }
        rates[2].push(plain::small_files(&directory, CLIENTS, LENGTH)?);
    }
    fs::remove_dir_all(Path::new(&directory))?;
    let [ours, theirs, plain] = rates.map(median);
    let work = "push of 4 KiB blobs (POST, PUT), 8 connections, durable";
    table.beside(work, Unit::Each, ours, ("docker-registry", theirs), Aim::AtLeast(5.0));
    // No aim of its own: what the disk gives to those who sync each file by itself.
    table.beside(work, Unit::Each, ours, ("write, fsync, rename, 2 directory fsyncs", plain), Aim::Nothing);
    Ok(())
}

/// Small blobs that nobody has seen, by eight clients; answers how many a second.
pub(crate) fn small_pushes(server: &Server, seed: u64) -> Result<f64> {
    let started = Instant::now();
    let pushed = thread::scope(|scope| {
        let push = |client: u64| {
            move || -> Result<u64> {
                let mut connection = Connection::open(server.address())?;
                let mut blob = noise(seed + (client << 32), SMALL).to_vec();
                let mut pushed = 0_u64;
                while started.elapsed() < LENGTH {
                    blob[..8].copy_from_slice(&(seed + (client << 32) + pushed).to_le_bytes());
                    connection.push(REPOSITORY, &sha256(&blob), &blob)?;
                    pushed += 1;
                }
                Ok(pushed)
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(push(client))).collect();
        clients.into_iter().map(|client| client.join().map_err(|_| anyhow!("a client has failed"))?).sum::<Result<u64>>()
    })?;
    Ok(pushed as f64 / started.elapsed().as_secs_f64())
}
