//! Deleting: tags, manifests and blobs, and what is left of each.

use cofferdam_tests::client::{noise, sha256};
use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::server::Served;

use crate::served;

#[tokio::test]
async fn a_deleted_tag_is_gone_and_its_manifest_stays() {
    let Served { repository, .. } = &served();
    let manifest = images::push(repository, "one", 1).await;
    repository.put_manifest("two", MANIFEST, manifest.clone()).await.expect(201);
    repository.delete("manifests/one").await.expect(202);
    repository.get("manifests/one").await.refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(repository.get("tags/list").await.expect(200).json()["tags"], serde_json::json!(["two"]));
    for reference in ["two", &sha256(&manifest)] {
        repository.get(&format!("manifests/{reference}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_deleted_manifest_is_gone_with_every_tag_of_it() {
    let Served { repository, .. } = &served();
    let manifest = images::push(repository, "one", 1).await;
    repository.put_manifest("two", MANIFEST, manifest.clone()).await.expect(201);
    let other = images::push(repository, "other", 5).await;
    // Asked for before, so that a cache knows them.
    for reference in ["one", "two", &sha256(&manifest)] {
        repository.get(&format!("manifests/{reference}")).await.expect(200);
    }
    repository.delete(&format!("manifests/{}", sha256(&manifest))).await.expect(202);
    for reference in ["one", "two", &sha256(&manifest)] {
        repository.get(&format!("manifests/{reference}")).await.refused(404, "MANIFEST_UNKNOWN");
        repository.head(&format!("manifests/{reference}")).await.expect(404);
    }
    assert_eq!(repository.get("tags/list").await.expect(200).json()["tags"], serde_json::json!(["other"]));
    assert_eq!(repository.get("manifests/other").await.expect(200).body, other);
}

#[tokio::test]
async fn a_deleted_blob_is_gone_from_this_repository() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 1000)).await;
    let other = server.client().repository("library/other");
    other.push(noise(1, 1000)).await;
    assert!(repository.has(&digest).await);
    repository.delete(&format!("blobs/{digest}")).await.expect(202);
    assert!(!repository.has(&digest).await);
    repository.get(&format!("blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
    assert_eq!(other.blob(&digest).await, noise(1, 1000));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    let Served { repository, .. } = &served();
    images::push(repository, "here", 1).await;
    repository.delete(&format!("blobs/{}", sha256(b"nothing"))).await.refused(404, "BLOB_UNKNOWN");
    repository.delete("manifests/nothing").await.refused(404, "MANIFEST_UNKNOWN");
    repository.delete(&format!("manifests/{}", sha256(b"nothing"))).await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn what_was_deleted_can_be_pushed_again() {
    let Served { repository, .. } = &served();
    let manifest = images::push(repository, "v1", 1).await;
    let layer = sha256(&noise(1, 10_000));
    repository.delete(&format!("manifests/{}", sha256(&manifest))).await.expect(202);
    repository.delete(&format!("blobs/{layer}")).await.expect(202);
    repository.put_manifest("v1", MANIFEST, manifest.clone()).await.lacks_blobs();
    repository.push(noise(1, 10_000)).await;
    repository.put_manifest("v1", MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(repository.get("manifests/v1").await.expect(200).body, manifest);
    assert_eq!(repository.blob(&layer).await, noise(1, 10_000));
}
