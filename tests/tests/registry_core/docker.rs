//! The files of docker-registry 2.8: what it wrote is read, and what we write is where it looks.

use std::fs;
use std::path::Path;

use cofferdam_registry::{Layout, RegistryError};

use crate::world::{World, digest, get, image, pull, push_image, reference, tags};

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join("docker/registry/v2").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// An image as docker-registry 2.8 leaves it.
fn write_image(root: &Path, repository: &str, tag: &str) {
    let manifest = image("config", &["layer"]).to_string();
    for text in ["config", "layer", &manifest] {
        let hex = digest(text).hex().to_owned();
        write(root, &format!("blobs/sha256/{}/{hex}/data", &hex[..2]), text);
    }
    for text in ["config", "layer"] {
        write(root, &format!("repositories/{repository}/_layers/sha256/{}/link", digest(text).hex()), &digest(text).to_string());
    }
    let link = digest(&manifest);
    for path in [format!("revisions/sha256/{}", link.hex()), format!("tags/{tag}/current"), format!("tags/{tag}/index/sha256/{}", link.hex())] {
        write(root, &format!("repositories/{repository}/_manifests/{path}/link"), &link.to_string());
    }
    fs::create_dir_all(root.join("docker/registry/v2/repositories").join(repository).join("_uploads")).unwrap();
}

#[tokio::test]
async fn what_docker_registry_wrote_is_served() {
    let world = World::new("filesystem", Layout::RegistryV2).await;
    write_image(world.folder.path(), "library/app", "latest");
    let repository = world.repository("library/app");
    assert_eq!(world.registry.catalog(None, 10).await.unwrap().names, ["library/app"]);
    assert_eq!(tags(&repository).await, ["latest"]);
    assert_eq!(get(&repository, "latest").await.unwrap().bytes, image("config", &["layer"]).to_string());
    assert_eq!(pull(&repository, &digest("layer")).await.unwrap(), "layer");
    // It removes the link of a deleted manifest and leaves the directory.
    let manifest = digest(image("config", &["layer"]).to_string());
    let revision = world.folder.path().join("docker/registry/v2/repositories/library/app/_manifests/revisions/sha256").join(manifest.hex());
    fs::remove_file(revision.join("link")).unwrap();
    assert!(matches!(get(&repository, &manifest).await, Err(RegistryError::ManifestUnknown { .. })));
}

#[tokio::test]
async fn what_is_pushed_is_where_docker_registry_looks() {
    let (ours, theirs) = (World::new("filesystem", Layout::RegistryV2).await, tempfile::tempdir().unwrap());
    push_image(&ours.repository("library/app"), "latest", "config", &["layer"]).await;
    write_image(theirs.path(), "library/app", "latest");
    let files = |root: &Path| {
        let mut found = Vec::new();
        let mut folders = vec![root.join("docker")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push((entry.path().strip_prefix(root).unwrap().to_owned(), fs::read_to_string(entry.path()).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    assert_eq!(files(ours.folder.path()), files(theirs.path()));
    ours.repository("library/app").delete_manifest(&reference("latest")).await.unwrap();
    let left = files(ours.folder.path());
    assert!(!left.iter().any(|(path, _)| path.to_string_lossy().contains("/tags/")), "{left:?}");
}
