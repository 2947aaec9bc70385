//! What is measured: a directory with two blobs and an image, and the servers of it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cofferdam_tests::client::{noise, sha256};
use tempfile::TempDir;

use crate::http::Connection;
use crate::servers::{Server, blob_file, docker_registry_config, nginx_config};
use crate::wrk;

/// The repository that everything is in.
pub(crate) const REPOSITORY: &str = "library/bench";

/// How long a large blob is.
pub(crate) const LARGE: usize = 256 << 20;

/// How long a small one is.
pub(crate) const SMALL: usize = 4 << 10;

/// The directory, and what was pushed into it.
#[derive(Debug)]
pub(crate) struct Scene {
    /// Everything of this run.
    pub(crate) scratch: TempDir,
    /// The small blob's digest.
    pub(crate) small: String,
    /// The large blob's digest.
    pub(crate) large: String,
    /// wrk's script.
    pub(crate) script: PathBuf,
}

impl Scene {
    /// Fills a directory, in the one that `COFFERDAM_BENCH_DIR` names, else below `target`.
    pub(crate) fn set() -> Result<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let base = std::env::var_os("COFFERDAM_BENCH_DIR").map_or(target, PathBuf::from).canonicalize()?;
        let scratch = tempfile::tempdir_in(&base).with_context(|| format!("cannot make a directory in {}", base.display()))?;
        fs::create_dir(scratch.path().join("data"))?;
        let script = scratch.path().join("wrk.lua");
        fs::write(&script, wrk::SCRIPT)?;
        let (small, large) = (noise(1, SMALL), noise(2, LARGE));
        let scene = Self { small: sha256(&small), large: sha256(&large), scratch, script };
        let server = Server::cofferdam(&scene.data())?;
        fill(&server, &[&small, &large])?;
        for digest in [&scene.small, &scene.large] {
            let file = scene.data().join(blob_file(digest));
            ensure!(file.exists(), "the blob's file is not at {}", file.display());
        }
        Ok(scene)
    }

    /// The directory that all sides serve.
    pub(crate) fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// This registry on it.
    pub(crate) fn cofferdam(&self) -> Result<Server> {
        Server::cofferdam(&self.data())
    }

    /// `docker-registry` on it.
    pub(crate) fn docker_registry(&self) -> Result<Server> {
        Server::docker_registry(&self.data(), &self.scratch.path().join("docker-registry.yml"))
    }

    /// nginx on it.
    pub(crate) fn nginx(&self) -> Result<Server> {
        Server::nginx(&self.data(), self.scratch.path())
    }

    /// The machine, and how the others are configured.
    pub(crate) fn describe(&self) -> String {
        let docker = docker_registry_config(Path::new("DATA"), "127.0.0.1:PORT");
        let nginx = nginx_config(Path::new("DATA"), Path::new("SCRATCH"), "127.0.0.1:PORT");
        format!("{}\n\ndocker-registry:\n{docker}\nnginx:\n{nginx}", cofferdam_benches::machine())
    }
}

/// Pushes blobs, and an image of the first.
pub(crate) fn fill(server: &Server, blobs: &[&[u8]]) -> Result<()> {
    let mut connection = Connection::open(server.address())?;
    for blob in blobs {
        connection.push(REPOSITORY, &sha256(blob), blob)?;
    }
    let small = blobs.first().context("an image has a blob")?;
    let descriptor =
        |kind: &str| format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{}}}"#, sha256(small), small.len());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let mut manifest = Vec::new();
    write!(
        manifest,
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{},"layers":[{}]}}"#,
        descriptor("config.v1+json"),
        descriptor("layer.v1.tar")
    )?;
    let target = format!("/v2/{REPOSITORY}/manifests/latest");
    connection.ask("PUT", &target, &format!("Content-Type: {media_type}\r\n"), &manifest, 201)?;
    Ok(())
}
