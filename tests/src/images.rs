//! OCI images: manifests in memory, and layouts in a directory as `skopeo` copies them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::client::{Repository, noise, sha256};
use crate::tools;

/// The media type of an image's manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of an image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a layer.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What refers to `bytes`.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
}

/// A manifest of a configuration and layers.
pub fn manifest(config: &[u8], layers: &[Bytes]) -> Value {
    let layers: Vec<_> = layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config), "layers": layers })
}

/// A manifest that says that it belongs to `subject`, of the type `artifact_type`.
pub fn artifact(artifact_type: &str, subject: &Value, layer: &[u8]) -> Value {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "subject": subject,
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [descriptor("application/octet-stream", layer)],
        "annotations": { "org.example.made": "here" },
    })
}

/// An index of manifests, each with its platform's architecture.
pub fn index(manifests: &[(&str, &[u8])]) -> Value {
    let manifests: Vec<_> = manifests
        .iter()
        .map(|(architecture, bytes)| {
            let mut entry = descriptor(MANIFEST, bytes);
            entry["platform"] = json!({ "os": "linux", "architecture": architecture });
            entry
        })
        .collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests })
}

/// JSON as it is sent.
pub fn bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).unwrap().into()
}

/// Pushes the blobs of an image whose content `seed` decides; answers its manifest, which is not pushed.
pub async fn push_blobs(repository: &Repository, seed: u64) -> Bytes {
    let config = bytes(&json!({ "architecture": "amd64", "os": "linux", "seed": seed }));
    let layers = [noise(seed, 10_000), noise(seed + 1, 3_000)];
    for blob in layers.iter().chain([&config]) {
        repository.push(blob.clone()).await;
    }
    bytes(&manifest(&config, &layers))
}

/// Pushes an image whose content `seed` decides as `tag`; answers its manifest.
pub async fn push(repository: &Repository, tag: &str, seed: u64) -> Bytes {
    let manifest = push_blobs(repository, seed).await;
    repository.put_manifest(tag, MANIFEST, manifest.clone()).await.expect(201);
    manifest
}

/// An OCI layout in a directory.
#[derive(Debug)]
pub struct Layout {
    /// Where it is.
    pub directory: PathBuf,
    tagged: Vec<Value>,
}

impl Layout {
    /// An empty layout at `directory`.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
        fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { directory: directory.to_owned(), tagged: Vec::new() }
    }

    /// Adds a blob; answers its descriptor.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn add(&self, media_type: &str, blob: &[u8]) -> Value {
        let digest = sha256(blob);
        fs::write(self.directory.join("blobs").join(digest.replace(':', "/")), blob).unwrap();
        descriptor(media_type, blob)
    }

    /// Adds an image of two layers for an architecture; answers its manifest.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn add_image(&self, architecture: &str) -> Bytes {
        let texts = ["first", "second"].map(|name| format!("{name} of {architecture}"));
        let files: Vec<_> = texts.iter().map(|text| (text.replace(' ', "-"), text.as_bytes())).collect();
        self.add_image_of(architecture, &files)
    }

    /// Adds an image for an architecture with a layer for each of these files; answers its manifest.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn add_image_of(&self, architecture: &str, files: &[(String, &[u8])]) -> Bytes {
        let layers: Vec<_> = files.iter().map(|(name, bytes)| layer(&self.directory, name, bytes)).collect();
        let unpacked: Vec<_> = layers.iter().map(|(_, unpacked)| unpacked.clone()).collect();
        let config = bytes(&json!({
            "architecture": architecture, "os": "linux", "config": { "Env": ["MADE=here"] }, "rootfs": { "type": "layers", "diff_ids": unpacked },
        }));
        let layers: Vec<_> = layers.into_iter().map(|(packed, _)| packed).collect();
        layers.iter().for_each(|layer| drop(self.add(LAYER, layer)));
        self.add(CONFIG, &config);
        let manifest = bytes(&manifest(&config, &layers));
        self.add(MANIFEST, &manifest);
        manifest
    }

    /// Gives what `descriptor` refers to a name.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn tag(&mut self, tag: &str, descriptor: Value) {
        let mut descriptor = descriptor;
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        self.tagged.push(descriptor);
        let index = json!({ "schemaVersion": 2, "manifests": self.tagged });
        fs::write(self.directory.join("index.json"), bytes(&index)).unwrap();
    }

    /// The digests of what a tagged image's manifest names.
    ///
    /// # Panics
    /// There is no such image.
    pub fn blobs_of(&self, tag: &str) -> BTreeSet<String> {
        let manifest = fs::read(self.directory.join("blobs").join(self.digest(tag).replace(':', "/"))).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers.chain([&manifest["config"]]).map(|blob| blob["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// `oci:DIRECTORY:tag`, as `skopeo` names it.
    pub fn reference(&self, tag: &str) -> String {
        format!("oci:{}:{tag}", self.directory.display())
    }

    /// The digest of what is tagged so.
    ///
    /// # Panics
    /// Nothing is.
    pub fn digest(&self, tag: &str) -> String {
        digest_in(&self.directory, tag)
    }
}

/// The digest of what the layout in `directory` calls `tag`.
///
/// # Panics
/// Nothing is called so.
#[track_caller]
pub fn digest_in(directory: &Path, tag: &str) -> String {
    let index: Value = serde_json::from_slice(&fs::read(directory.join("index.json")).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] == tag);
    entry.unwrap_or_else(|| panic!("no {tag} in {index}"))["digest"].as_str().unwrap().to_owned()
}

/// A layer with one file, packed; and the digest of the unpacked one.
fn layer(scratch: &Path, name: &str, bytes: &[u8]) -> (Bytes, String) {
    let folder = tempfile::tempdir_in(scratch.parent().unwrap()).unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let tar = folder.path().join("layer.tar");
    tools::run(
        Command::new("tar")
            .args(["--create", "--exclude=layer.tar", "--mtime=@0", "--file"])
            .arg(&tar)
            .arg("--directory")
            .arg(folder.path())
            .arg("."),
    );
    let unpacked = sha256(&fs::read(&tar).unwrap());
    tools::run(Command::new("gzip").arg("--no-name").arg(&tar));
    (fs::read(tar.with_extension("tar.gz")).unwrap().into(), unpacked)
}
