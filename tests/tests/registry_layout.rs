//! One directory, two registries: what Debian's `docker-registry` wrote is served as it is, and what is written here that one serves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, sha256};
use cofferdam_tests::images::{self, INDEX, Layout, MANIFEST};
use cofferdam_tests::server::Server;
use cofferdam_tests::skopeo::Skopeo;

/// What was pushed: manifests by reference, and blobs.
struct Pushed {
    manifests: BTreeMap<String, Bytes>,
    blobs: Vec<Bytes>,
}

/// Pushes images, an index and a blob that nothing names.
async fn push(repository: &Repository) -> Pushed {
    let mut manifests = BTreeMap::new();
    for (tag, seed) in [("v1", 1), ("v2", 5), ("latest", 9)] {
        manifests.insert(tag.to_owned(), images::push(repository, tag, seed).await);
    }
    let index = images::bytes(&images::index(&[("amd64", &manifests["v1"]), ("arm64", &manifests["v2"])]));
    repository.put_manifest("all", INDEX, index.clone()).await.expect(201);
    manifests.insert("all".to_owned(), index);
    // A tag that has moved: what it named is still there by its digest.
    manifests.insert(sha256(&manifests["latest"]), manifests["latest"].clone());
    manifests.insert("latest".to_owned(), images::push(repository, "latest", 13).await);
    let alone = noise(77, 3 << 20);
    repository.push(alone.clone()).await;
    Pushed { manifests, blobs: vec![noise(1, 10_000), noise(2, 3_000), alone] }
}

/// Sees that everything is there.
async fn holds(repository: &Repository, pushed: &Pushed) {
    for (reference, manifest) in &pushed.manifests {
        let answer = repository.get(&format!("manifests/{reference}")).await.expect(200);
        assert_eq!((answer.header("docker-content-digest"), &answer.body), (Some(&*sha256(manifest)), manifest), "{reference}");
        let media_type = if reference == "all" { INDEX } else { MANIFEST };
        assert_eq!(answer.header("content-type"), Some(media_type), "{reference}");
    }
    for blob in &pushed.blobs {
        assert!(repository.blob(&sha256(blob)).await == *blob, "{} differs", sha256(blob));
    }
    let tags = repository.get("tags/list").await.expect(200).json();
    let mut tags: Vec<_> = tags["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["all", "latest", "v1", "v2"]);
    let catalog = repository.client.get("/v2/_catalog").await.expect(200).json();
    assert_eq!(catalog["repositories"], serde_json::json!([repository.name]));
}

#[tokio::test]
async fn what_docker_registry_wrote_is_served_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    let pushed = push(&docker.client().repository("library/thing")).await;
    drop(docker);
    let server = Server::cofferdam(data.path());
    holds(&server.client().repository("library/thing"), &pushed).await;
}

#[tokio::test]
async fn what_is_written_here_docker_registry_serves() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::cofferdam(data.path());
    let pushed = push(&server.client().repository("library/thing")).await;
    drop(server);
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    holds(&docker.client().repository("library/thing"), &pushed).await;
}

#[tokio::test]
async fn both_serve_one_directory_in_turns() {
    let data = tempfile::tempdir().unwrap();
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    let mut pushed = push(&docker.client().repository("library/thing")).await;
    drop(docker);
    let server = Server::cofferdam(data.path());
    let here = server.client().repository("library/thing");
    // Moved here, and a blob that the other wrote goes into a manifest of this one.
    pushed.manifests.insert("v2".to_owned(), images::push(&here, "v2", 1).await);
    drop(server);
    let docker = Server::docker_registry(data.path()).unwrap();
    let there = docker.client().repository("library/thing");
    holds(&there, &pushed).await;
    pushed.manifests.insert("v1".to_owned(), images::push(&there, "v1", 21).await);
    drop(docker);
    holds(&Server::cofferdam(data.path()).client().repository("library/thing"), &pushed).await;
}

#[tokio::test]
async fn what_is_deleted_here_is_gone_there() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::cofferdam(data.path());
    let here = server.client().repository("library/thing");
    let pushed = push(&here).await;
    let gone = sha256(&pushed.manifests["v1"]);
    let blob = sha256(&pushed.blobs[2]);
    here.delete("manifests/v2").await.expect(202);
    here.delete(&format!("blobs/{blob}")).await.expect(202);
    here.delete("manifests/all").await.expect(202);
    here.delete(&format!("manifests/{gone}")).await.expect(202);
    drop(server);
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    let there = docker.client().repository("library/thing");
    for reference in ["v1", "v2", "all"] {
        there.get(&format!("manifests/{reference}")).await.expect(404);
    }
    there.get(&format!("blobs/{blob}")).await.expect(404);
    there.get("manifests/latest").await.expect(200);
    assert_eq!(there.get("tags/list").await.expect(200).json()["tags"], serde_json::json!(["latest"]));
}

#[tokio::test]
async fn what_is_deleted_there_is_gone_here() {
    let data = tempfile::tempdir().unwrap();
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    let there = docker.client().repository("library/thing");
    let pushed = push(&there).await;
    let gone = sha256(&pushed.manifests["v1"]);
    there.delete(&format!("manifests/{gone}")).await.expect(202);
    there.delete(&format!("blobs/{}", sha256(&pushed.blobs[2]))).await.expect(202);
    drop(docker);
    let server = Server::cofferdam(data.path());
    let here = server.client().repository("library/thing");
    for reference in ["v1", &gone] {
        here.get(&format!("manifests/{reference}")).await.refused(404, "MANIFEST_UNKNOWN");
    }
    here.get(&format!("blobs/{}", sha256(&pushed.blobs[2]))).await.refused(404, "BLOB_UNKNOWN");
    here.get("manifests/v2").await.expect(200);
}

#[tokio::test]
async fn a_blob_that_docker_registry_wrote_is_mounted() {
    let data = tempfile::tempdir().unwrap();
    let Some(docker) = Server::docker_registry(data.path()) else { return };
    let digest = docker.client().repository("library/thing").push(noise(1, 5000)).await;
    drop(docker);
    let server = Server::cofferdam(data.path());
    let other = server.client().repository("other/place");
    Answer::of(other.request(Method::POST, &format!("blobs/uploads/?mount={digest}&from=library/thing"))).await.expect(201);
    drop(server);
    let docker = Server::docker_registry(data.path()).unwrap();
    assert_eq!(docker.client().repository("other/place").blob(&digest).await, noise(1, 5000));
}

#[test]
fn what_skopeo_pushed_to_either_it_pulls_from_the_other() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(skopeo) = Skopeo::find(&scratch.path().join("home")) else { return };
    let mut layout = Layout::new(&scratch.path().join("layout"));
    let (one, two) = (layout.add_image("amd64"), layout.add_image("arm64"));
    let index = images::bytes(&images::index(&[("amd64", &one), ("arm64", &two)]));
    let descriptor = layout.add(INDEX, &index);
    layout.tag("both", descriptor);
    let start = |program: &str, data: &Path| if program == "cofferdam" { Some(Server::cofferdam(data)) } else { Server::docker_registry(data) };
    for (writer, reader) in [("docker-registry", "cofferdam"), ("cofferdam", "docker-registry")] {
        let data = scratch.path().join(writer);
        fs::create_dir(&data).unwrap();
        let Some(server) = start(writer, &data) else { return };
        skopeo.copy(&layout.reference("both"), &format!("docker://{}/team/both:v1", server.address()));
        drop(server);
        let Some(server) = start(reader, &data) else { return };
        let out = scratch.path().join(format!("from-{reader}"));
        skopeo.copy(&format!("docker://{}/team/both:v1", server.address()), &format!("oci:{}:both", out.display()));
        assert_eq!(images::digest_in(&out, "both"), sha256(&index), "written by {writer}, read from {reader}");
    }
}
