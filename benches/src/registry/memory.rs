//! Resident memory with two hundred transfers in flight: half of them pulls that are half read, half pushes that are half sent.

use anyhow::Result;
use cofferdam_benches::aims::{Aim, Table, Unit};
use cofferdam_tests::client::noise;

use crate::http::Connection;
use crate::scene::{REPOSITORY, Scene};
use crate::servers::Server;

const EACH: usize = 100;
const LIMIT: f64 = 100e6;

/// How much of a transfer has gone over the wire when the memory is looked at.
const PART: usize = 4 << 20;

pub(crate) fn measure(scene: &Scene, table: &mut Table) -> Result<()> {
    let ours = in_flight(scene, &scene.cofferdam()?)?;
    let theirs = in_flight(scene, &scene.docker_registry()?)?;
    let work = "resident memory, 100 pulls and 100 pushes in flight";
    table.below(work, Unit::Memory, ours, LIMIT);
    table.beside(work, Unit::Memory, ours, ("docker-registry", theirs), Aim::Nothing);
    Ok(())
}

/// The most that was seen.
fn in_flight(scene: &Scene, server: &Server) -> Result<f64> {
    let part = noise(4, PART);
    let mut open = Vec::new();
    let mut most = 0;
    for _ in 0..EACH {
        let mut pull = Connection::open(server.address())?;
        pull.send("GET", &format!("/v2/{REPOSITORY}/blobs/{}", scene.large), "", 0, b"")?;
        pull.head()?;
        pull.read(PART)?;
        let mut push = Connection::open(server.address())?;
        let location = push.begin(REPOSITORY)?;
        push.send("PATCH", &location, "Content-Type: application/octet-stream\r\n", 2 * PART, &part)?;
        open.extend([pull, push]);
        most = most.max(server.resident()?);
    }
    Ok(most as f64)
}
