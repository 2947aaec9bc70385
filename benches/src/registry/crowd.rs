//! A thousand repositories of a hundred tags beside: they cost nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_benches::aims::{Aim, Table, Unit, median};
use cofferdam_tests::client::noise;

use crate::push;
use crate::scene::{self, REPOSITORY, SMALL, Scene};
use crate::servers::Server;
use crate::wrk;

const REPOSITORIES: usize = 1000;
const TAGS: usize = 100;
const ROUNDS: u64 = 3;

pub(crate) fn measure(scene: &Scene, table: &mut Table) -> Result<()> {
    let [empty, full] = ["empty", "full"].map(|name| scene.scratch.path().join(name));
    let mut servers = Vec::new();
    for data in [&empty, &full] {
        fs::create_dir(data)?;
        let server = Server::cofferdam(data)?;
        scene::fill(&server, &[&noise(1, SMALL)])?;
        servers.push(server);
    }
    crowd(&full)?;
    let [mut pulls, mut pushes]: [[Vec<f64>; 2]; 2] = Default::default();
    let path = format!("/v2/{REPOSITORY}/blobs/{}", scene.small);
    for round in 0..ROUNDS {
        for (side, server) in servers.iter().enumerate() {
            pulls[side].push(wrk::run(&scene.script, &format!("http://{}{path}", server.address()), 8, 3)?.requests);
            pushes[side].push(push::small_pushes(server, (round * 10 + side as u64 + 1000) << 40)?);
        }
    }
    for (work, rates) in [("GET a 4 KiB blob", pulls), ("push of 4 KiB blobs", pushes)] {
        let [empty, full] = rates.map(median);
        table.beside(&format!("{work}, 1,000 repositories × 100 tags beside"), Unit::Each, full, ("empty registry", empty), Aim::AtLeast(0.9));
    }
    Ok(())
}

/// Writes the repositories as a registry would leave them: pushing them would take longer than everything else here.
fn crowd(data: &Path) -> Result<()> {
    let manifest = fs::read_dir(data.join("docker/registry/v2/repositories").join(REPOSITORY).join("_manifests/revisions/sha256"))?;
    let hex = manifest.flatten().next().context("the image that was pushed has a manifest")?.file_name();
    let hex = hex.to_string_lossy();
    let link = format!("sha256:{hex}");
    for repository in 0..REPOSITORIES {
        let folder = data.join(format!("docker/registry/v2/repositories/crowd/r{repository:04}/_manifests"));
        let mut links = vec![folder.join(format!("revisions/sha256/{hex}"))];
        for tag in 0..TAGS {
            let tag = folder.join(format!("tags/v{tag}"));
            links.extend([tag.join("current"), tag.join(format!("index/sha256/{hex}"))]);
        }
        for directory in links {
            fs::create_dir_all(&directory)?;
            fs::write(directory.join("link"), &link)?;
        }
    }
    Ok(())
}
