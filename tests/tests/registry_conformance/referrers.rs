//! Referrers: who says that a manifest is its subject, with the filter, before and after the subject, and by the tag of old.

use cofferdam_tests::client::{Repository, noise, sha256};
use cofferdam_tests::images::{self, INDEX, MANIFEST, artifact, descriptor};
use cofferdam_tests::server::Served;
use serde_json::{Value, json};

use crate::served;

/// Pushes something of `artifact_type` that belongs to `subject`; answers its manifest.
async fn attach(repository: &Repository, artifact_type: &str, subject: &Value, seed: u64) -> bytes::Bytes {
    let layer = noise(seed, 100);
    repository.push("{}").await;
    repository.push(layer.clone()).await;
    let manifest = images::bytes(&artifact(artifact_type, subject, &layer));
    let answer = repository.put_manifest(&sha256(&manifest), MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(answer.header("oci-subject"), subject["digest"].as_str());
    manifest
}

async fn referrers(repository: &Repository, subject: &str, query: &str) -> Vec<Value> {
    let answer = repository.get(&format!("referrers/{subject}{query}")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some(INDEX));
    if !query.is_empty() {
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
    }
    let index = answer.json();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(INDEX)));
    index["manifests"].as_array().unwrap().clone()
}

fn digests(referrers: &[Value]) -> Vec<&str> {
    let mut digests: Vec<_> = referrers.iter().map(|entry| entry["digest"].as_str().unwrap()).collect();
    digests.sort_unstable();
    digests
}

#[tokio::test]
async fn who_refers_to_a_manifest_is_listed_with_type_and_annotations() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let manifest = attach(repository, "application/vnd.example.sbom", &descriptor(MANIFEST, &subject), 2).await;
    let found = referrers(repository, &sha256(&subject), "").await;
    let mut expected = descriptor(MANIFEST, &manifest);
    expected["artifactType"] = json!("application/vnd.example.sbom");
    expected["annotations"] = json!({ "org.example.made": "here" });
    assert_eq!(found, [expected]);
}

#[tokio::test]
async fn referrers_are_filtered_by_type() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let of = descriptor(MANIFEST, &subject);
    let sbom = sha256(&attach(repository, "application/vnd.example.sbom", &of, 2).await);
    let signatures =
        [attach(repository, "application/vnd.example.sig+x", &of, 3).await, attach(repository, "application/vnd.example.sig+x", &of, 4).await];
    let mut signatures = signatures.map(|manifest| sha256(&manifest));
    signatures.sort_unstable();
    let subject = sha256(&subject);
    assert_eq!(referrers(repository, &subject, "").await.len(), 3);
    assert_eq!(digests(&referrers(repository, &subject, "?artifactType=application/vnd.example.sbom").await), [&*sbom]);
    assert_eq!(digests(&referrers(repository, &subject, "?artifactType=application%2Fvnd.example.sig%2Bx").await), signatures);
    assert!(referrers(repository, &subject, "?artifactType=application/none").await.is_empty());
}

#[tokio::test]
async fn without_an_artifact_type_the_configurations_type_counts() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let mut manifest: Value = serde_json::from_slice(&images::push_blobs(repository, 5).await).unwrap();
    manifest["subject"] = descriptor(MANIFEST, &subject);
    repository.put_manifest("helper", MANIFEST, images::bytes(&manifest)).await.expect(201);
    let found = referrers(repository, &sha256(&subject), "").await;
    assert_eq!(found[0]["artifactType"], images::CONFIG);
}

#[tokio::test]
async fn an_index_may_refer_too() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let index = images::bytes(&json!({
        "schemaVersion": 2, "mediaType": INDEX, "artifactType": "application/vnd.example.set", "manifests": [], "subject": descriptor(MANIFEST, &subject),
    }));
    let answer = repository.put_manifest("set", INDEX, index.clone()).await.expect(201);
    assert_eq!(answer.header("oci-subject"), Some(&*sha256(&subject)));
    let found = referrers(repository, &sha256(&subject), "?artifactType=application/vnd.example.set").await;
    assert_eq!((digests(&found), &found[0]["mediaType"]), (vec![&*sha256(&index)], &json!(INDEX)));
}

#[tokio::test]
async fn nobody_refers_to_what_is_not_there() {
    let Served { repository, .. } = &served();
    assert!(referrers(repository, &sha256(b"nothing"), "").await.is_empty());
    repository.get("referrers/nonsense").await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn a_referrer_may_come_before_its_subject() {
    let Served { repository, .. } = &served();
    let subject = images::push_blobs(repository, 1).await;
    let manifest = attach(repository, "application/vnd.example.sig", &descriptor(MANIFEST, &subject), 2).await;
    assert_eq!(digests(&referrers(repository, &sha256(&subject), "").await), [sha256(&manifest)]);
    repository.put_manifest("v1", MANIFEST, subject.clone()).await.expect(201);
    assert_eq!(digests(&referrers(repository, &sha256(&subject), "").await), [sha256(&manifest)]);
}

#[tokio::test]
async fn a_deleted_referrer_refers_no_more() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let of = descriptor(MANIFEST, &subject);
    let (gone, stays) = (attach(repository, "application/a", &of, 2).await, attach(repository, "application/a", &of, 3).await);
    repository.delete(&format!("manifests/{}", sha256(&gone))).await.expect(202);
    assert_eq!(digests(&referrers(repository, &sha256(&subject), "").await), [sha256(&stays)]);
}

#[tokio::test]
async fn pushing_a_referrer_again_lists_it_once() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    let of = descriptor(MANIFEST, &subject);
    for _ in 0..3 {
        attach(repository, "application/a", &of, 2).await;
    }
    assert_eq!(referrers(repository, &sha256(&subject), "").await.len(), 1);
}

#[tokio::test]
async fn referrers_are_a_repositorys_own() {
    let Served { repository, server, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    attach(repository, "application/a", &descriptor(MANIFEST, &subject), 2).await;
    let other = server.client().repository("library/other");
    images::push(&other, "v1", 1).await;
    assert!(referrers(&other, &sha256(&subject), "").await.is_empty());
}

#[tokio::test]
async fn what_a_client_of_old_listed_under_a_tag_is_found() {
    let Served { repository, .. } = &served();
    let subject = images::push(repository, "v1", 1).await;
    // As clients do it where a registry has no referrers: an index under the tag `sha256-…`.
    let image = images::push(repository, "attached", 2).await;
    let mut entry = descriptor(MANIFEST, &image);
    entry["artifactType"] = json!("application/vnd.example.old");
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    repository.put_manifest(&sha256(&subject).replace(':', "-"), INDEX, images::bytes(&index)).await.expect(201);
    let new = attach(repository, "application/vnd.example.new", &descriptor(MANIFEST, &subject), 3).await;
    let mut expected = [sha256(&image), sha256(&new)];
    expected.sort_unstable();
    assert_eq!(digests(&referrers(repository, &sha256(&subject), "").await), expected);
}
