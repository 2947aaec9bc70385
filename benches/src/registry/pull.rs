//! Pulls: small and large blobs, and the question whether a tag is there.

use std::time::Duration;

use anyhow::Result;
use cofferdam_benches::aims::{Aim, Table, Unit, median};

use crate::http;
use crate::scene::{REPOSITORY, Scene};
use crate::servers::{Server, blob_file};
use crate::wrk::{self, Rates};

const ROUNDS: usize = 3;
const SECONDS: u32 = 3;

/// One side of a comparison: a server, and what it calls the thing.
struct Side<'a> {
    server: &'a Server,
    path: String,
}

impl Side<'_> {
    fn ask(&self, scene: &Scene, connections: usize) -> Result<Rates> {
        wrk::run(&scene.script, &format!("http://{}{}", self.server.address(), self.path), connections, SECONDS)
    }
}

pub(crate) fn measure(scene: &Scene, table: &mut Table) -> Result<()> {
    let (cofferdam, docker, nginx) = (scene.cofferdam()?, scene.docker_registry()?, scene.nginx()?);
    let blob = |digest: &str| {
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let file = format!("/{}", blob_file(digest).display());
        [Side { server: &cofferdam, path: path.clone() }, Side { server: &docker, path }, Side { server: &nginx, path: file }]
    };
    let requests = |rates: Rates| rates.requests;
    let work = "GET a 4 KiB blob, 8 connections";
    let [ours, docker_registry, static_file] = rates(scene, &blob(&scene.small), 8, requests)?;
    table.beside(work, Unit::Each, ours, ("docker-registry", docker_registry), Aim::AtLeast(50.0));
    table.beside(work, Unit::Each, ours, ("nginx", static_file), Aim::AtLeast(0.5));
    for connections in [1, 4] {
        let work = format!("GET a 256 MiB blob, {connections} connection{}", if connections == 1 { "" } else { "s" });
        let [ours, docker_registry, static_file] = rates(scene, &blob(&scene.large), connections, |rates| rates.bytes)?;
        table.beside(&work, Unit::Bytes, ours, ("docker-registry", docker_registry), Aim::AtLeast(1.1));
        table.beside(&work, Unit::Bytes, ours, ("nginx", static_file), Aim::AtLeast(1.1));
    }
    let tag = format!("/v2/{REPOSITORY}/manifests/latest");
    let file = format!("/{}", blob_file(&scene.small).display());
    let sides = [Side { server: &cofferdam, path: tag.clone() }, Side { server: &docker, path: tag }, Side { server: &nginx, path: file }];
    heads(table, &sides)
}

fn heads(table: &mut Table, sides: &[Side<'_>; 3]) -> Result<()> {
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (side, rates) in sides.iter().zip(&mut rates) {
            rates.push(http::heads(side.server.address(), &side.path, Duration::from_secs(SECONDS.into()))?);
        }
    }
    let [ours, docker_registry, static_file] = rates.map(median);
    let work = "HEAD a manifest by tag, 8 connections";
    table.beside(work, Unit::Each, ours, ("docker-registry", docker_registry), Aim::AtLeast(50.0));
    // No aim of its own: what this client gets from who looks up no tag.
    table.beside(work, Unit::Each, ours, ("HEAD a file, nginx", static_file), Aim::Nothing);
    Ok(())
}

/// The medians of all sides, asked in turns.
fn rates<const N: usize>(scene: &Scene, sides: &[Side<'_>; N], connections: usize, of: fn(Rates) -> f64) -> Result<[f64; N]> {
    let mut counted: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (side, counted) in sides.iter().zip(&mut counted) {
            counted.push(of(side.ask(scene, connections)?));
        }
    }
    Ok(counted.map(median))
}
