//! A registry over a fresh store, and short ways to push to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam::{Access, ByteRange, DirectoryGrant, Grant, Mount, MountOptions, StorePath};
use cofferdam_registry::{
    Layout, Manifest, Reference, Registry, RegistryError, Repository, RepositoryName, Rules, Store, StoreOptions, StoredManifest,
};
use cofferdam_tests::drivers;
use futures::stream;
use serde_json::{Value, json};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry, and what it stores in.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) mount: Mount,
    pub(crate) layout: Layout,
    pub(crate) folder: tempfile::TempDir,
    driver: &'static str,
}

pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> BlobDigest {
    BlobDigest::of(DigestAlgorithm::Sha256, bytes.as_ref())
}

pub(crate) fn name(name: &str) -> RepositoryName {
    RepositoryName::new(name).unwrap()
}

/// A tag, or a digest, that is one for sure.
pub(crate) fn reference(text: impl ToString) -> Reference {
    text.to_string().parse().unwrap()
}

impl World {
    pub(crate) async fn new(driver: &'static str, layout: Layout) -> Self {
        Self::with_rules(driver, layout, Rules::default()).await
    }

    pub(crate) async fn with_rules(driver: &'static str, layout: Layout, rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut grant = Grant::default();
        if driver == "filesystem" {
            grant.directories.push(DirectoryGrant {
                name: "/data".to_owned(),
                host: folder.path().to_owned(),
                access: Access::ReadWrite,
                wasi: false,
            });
        }
        let mount = Mount::open(&drivers::load(driver), &grant, MountOptions::default()).await.unwrap();
        let registry = Registry::new(store(&mount, layout).await, rules);
        Self { registry, mount, layout, folder, driver }
    }

    /// Another process over the same store, as far as this one can tell: nothing that this one remembers.
    pub(crate) async fn other_process(&self) -> Registry {
        Registry::new(store(&self.mount, self.layout).await, self.registry.rules())
    }

    pub(crate) fn repository(&self, name: &str) -> Repository {
        self.registry.repository(&RepositoryName::new(name).unwrap())
    }
}

pub(crate) async fn store(mount: &Mount, layout: Layout) -> Store {
    let mount = Arc::new(mount.clone());
    Store::open(mount.clone(), mount, StoreOptions::new(layout, StorePath::new("/uploads").unwrap())).await.unwrap()
}

/// Runs `test` over each layout on each driver, on tasks of their own, as a server does.
pub(crate) async fn each<F>(test: impl Fn(World) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for driver in ["memory", "filesystem"] {
        for layout in [Layout::RegistryV2, Layout::Indexed] {
            let world = World::new(driver, layout).await;
            let told = format!("{} over {}", layout.as_str(), world.driver);
            tokio::spawn(test(world)).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        }
    }
}

/// Pushes a blob.
pub(crate) async fn push(repository: &Repository, bytes: impl Into<Bytes>) -> BlobDigest {
    let bytes = bytes.into();
    let digest = digest(&bytes);
    let id = repository.start_upload(DigestAlgorithm::Sha256).unwrap();
    let length = bytes.len() as u64;
    let info = repository.finish_upload(&id, Some(0), Some(length), stream::iter([Ok(bytes)]), &digest).await.unwrap();
    assert_eq!((&info.digest, info.size), (&digest, length));
    digest
}

/// The bytes of a blob.
pub(crate) async fn pull(repository: &Repository, digest: &BlobDigest) -> Result<Bytes, RegistryError> {
    let opened = repository.open_blob(digest, ByteRange::Whole).await?;
    Ok(opened.content.bytes(1 << 30).await?)
}

pub(crate) fn descriptor(bytes: impl AsRef<[u8]>) -> Value {
    let bytes = bytes.as_ref();
    json!({ "mediaType": "application/octet-stream", "digest": digest(bytes).to_string(), "size": bytes.len() })
}

/// The manifest of an image with this config and these layers.
pub(crate) fn image(config: &str, layers: &[&str]) -> Value {
    let layers: Vec<_> = layers.iter().map(descriptor).collect();
    json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config), "layers": layers })
}

pub(crate) async fn put(repository: &Repository, at: impl ToString, manifest: &Value) -> Result<StoredManifest, RegistryError> {
    let media_type = manifest["mediaType"].as_str().map(str::to_owned);
    repository.put_manifest(&reference(at), media_type.as_deref(), manifest.to_string().into()).await
}

/// Pushes an image with its blobs; answers its digest.
pub(crate) async fn push_image(repository: &Repository, tag: &str, config: &str, layers: &[&str]) -> BlobDigest {
    for blob in layers.iter().chain([&config]) {
        push(repository, (*blob).to_owned()).await;
    }
    put(repository, tag, &image(config, layers)).await.unwrap().digest
}

pub(crate) async fn get(repository: &Repository, at: impl ToString) -> Result<Manifest, RegistryError> {
    repository.get_manifest(&reference(at)).await
}

/// The tags of a repository.
pub(crate) async fn tags(repository: &Repository) -> Vec<String> {
    repository.tags(None, 1000).await.unwrap().names
}
