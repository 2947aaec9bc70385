//! Manifests: pushed and pulled by tag and digest, and what is checked before one is taken.

use cofferdam_tests::client::{Answer, Method, Repository, noise, sha256, sha512};
use cofferdam_tests::images::{self, CONFIG, INDEX, LAYER, MANIFEST};
use cofferdam_tests::server::Served;
use futures::future::join_all;
use serde_json::json;

use crate::served;

#[tokio::test]
async fn a_manifest_is_pulled_by_its_tag_and_by_its_digest() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 1).await;
    let digest = sha256(&manifest);
    let put = repository.put_manifest("v1.0_A-b", MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(put.header("docker-content-digest"), Some(&*digest));
    assert!(put.location().ends_with(&format!("/v2/library/thing/manifests/{digest}")), "{}", put.location());
    for reference in ["v1.0_A-b", &digest] {
        let path = format!("manifests/{reference}");
        for answer in [repository.head(&path).await.expect(200), repository.get(&path).await.expect(200)] {
            assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
            assert_eq!(answer.header("content-type"), Some(MANIFEST));
            assert_eq!(answer.header("content-length"), Some(&*manifest.len().to_string()));
        }
        assert_eq!(repository.get(&path).await.body, manifest);
    }
}

#[tokio::test]
async fn a_manifest_is_pushed_by_digest_alone() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 2).await;
    let digest = sha256(&manifest);
    repository.put_manifest(&digest, MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(repository.get(&format!("manifests/{digest}")).await.expect(200).body, manifest);
}

#[tokio::test]
async fn a_manifest_is_pushed_by_its_sha512() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 3).await;
    let digest = sha512(&manifest);
    let answer = repository.put_manifest(&digest, MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
    let pulled = repository.get(&format!("manifests/{digest}")).await.expect(200);
    assert_eq!((pulled.header("docker-content-digest"), &pulled.body), (Some(&*digest), &manifest));
}

#[tokio::test]
async fn bytes_are_kept_as_they_were_sent() {
    let Served { repository, .. } = &served();
    let manifest = String::from_utf8(images::push_blobs(repository, 4).await.to_vec()).unwrap();
    let spaced = format!("  {}\n\n", manifest.replace(',', " ,\n\t"));
    repository.put_manifest("spaced", MANIFEST, spaced.clone()).await.expect(201);
    assert_eq!(repository.get("manifests/spaced").await.body, spaced);
}

#[tokio::test]
async fn a_manifest_that_is_not_there_is_unknown() {
    let Served { repository, .. } = &served();
    for reference in ["latest", &sha256(b"nothing")] {
        assert!(repository.head(&format!("manifests/{reference}")).await.expect(404).body.is_empty());
        repository.get(&format!("manifests/{reference}")).await.refused(404, "MANIFEST_UNKNOWN");
    }
    images::push(repository, "here", 5).await;
    repository.get("manifests/latest").await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn a_tag_moves_and_what_it_named_stays() {
    let Served { repository, .. } = &served();
    let first = images::push(repository, "latest", 1).await;
    let second = images::push(repository, "latest", 2).await;
    assert_eq!(repository.get("manifests/latest").await.body, second);
    assert_eq!(repository.get(&format!("manifests/{}", sha256(&first))).await.expect(200).body, first);
    repository.put_manifest("latest", MANIFEST, first.clone()).await.expect(201);
    assert_eq!(repository.get("manifests/latest").await.body, first);
}

#[tokio::test]
async fn a_manifest_under_another_digest_is_refused() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 6).await;
    let other = sha256(b"another");
    repository.put_manifest(&other, MANIFEST, manifest).await.refused(400, "DIGEST_INVALID");
    repository.get(&format!("manifests/{other}")).await.expect(404);
}

#[tokio::test]
async fn a_tag_that_is_none_is_refused() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 7).await;
    for tag in ["-v1", ".v1", "v1%20", "a+b", &"t".repeat(129)] {
        let status = repository.put_manifest(tag, MANIFEST, manifest.clone()).await.status;
        assert!(matches!(status, 400 | 404), "{tag}: {status}");
    }
    repository.put_manifest(&"t".repeat(128), MANIFEST, manifest).await.expect(201);
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let Served { repository, .. } = &served();
    let config = repository.push("{}").await;
    let schema_1 = json!({ "schemaVersion": 1, "name": "library/thing", "tag": "x", "fsLayers": [] });
    let bad_digest =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": { "mediaType": CONFIG, "digest": "sha256:x", "size": 2 }, "layers": [] });
    let bad_size =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": { "mediaType": CONFIG, "digest": config, "size": -2 }, "layers": [] });
    for body in ["", "{", "[]", "null", "\"text\"", &schema_1.to_string(), &bad_digest.to_string(), &bad_size.to_string()] {
        let answer = repository.put_manifest("bad", MANIFEST, body.to_owned()).await.expect(400);
        assert!(matches!(&*answer.code(), "MANIFEST_INVALID" | "DIGEST_INVALID" | "SIZE_INVALID"), "{body}: {}", answer.code());
    }
    repository.get("manifests/bad").await.expect(404);
}

#[tokio::test]
async fn the_media_type_must_be_the_one_that_the_manifest_says() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 8).await;
    repository.put_manifest("other", INDEX, manifest.clone()).await.refused(400, "MANIFEST_INVALID");
    let status = repository.put_manifest("other", "text/plain", manifest.clone()).await.status;
    assert!(matches!(status, 400 | 415), "{status}");
    repository.put_manifest("other", &format!("{MANIFEST}; charset=utf-8"), manifest).await.expect(201);
}

#[tokio::test]
async fn a_manifest_of_docker_is_one_too() {
    let Served { repository, .. } = &served();
    let (config, layer) = (noise(1, 100), noise(2, 200));
    repository.push(config.clone()).await;
    repository.push(layer.clone()).await;
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = images::bytes(&json!({
        "schemaVersion": 2, "mediaType": media_type,
        "config": images::descriptor("application/vnd.docker.container.image.v1+json", &config),
        "layers": [images::descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", &layer)],
    }));
    repository.put_manifest("docker", media_type, manifest.clone()).await.expect(201);
    let answer = repository.get("manifests/docker").await.expect(200);
    assert_eq!((answer.header("content-type"), &answer.body), (Some(media_type), &manifest));
    let list_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    let mut entry = images::descriptor(media_type, &manifest);
    entry["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let list = images::bytes(&json!({ "schemaVersion": 2, "mediaType": list_type, "manifests": [entry] }));
    repository.put_manifest("list", list_type, list).await.expect(201);
    assert_eq!(repository.get("manifests/list").await.expect(200).header("content-type"), Some(list_type));
}

#[tokio::test]
async fn a_manifest_whose_blobs_are_missing_is_refused() {
    let Served { repository, server, .. } = &served();
    let (config, layer) = (noise(1, 100), noise(2, 200));
    let manifest = images::bytes(&images::manifest(&config, std::slice::from_ref(&layer)));
    for blob in [&config, &layer] {
        repository.put_manifest("partial", MANIFEST, manifest.clone()).await.lacks_blobs();
        repository.push(blob.clone()).await;
    }
    repository.put_manifest("partial", MANIFEST, manifest.clone()).await.expect(201);
    // Another repository's blobs are not this one's.
    server.client().repository("library/other").put_manifest("partial", MANIFEST, manifest).await.lacks_blobs();
}

#[tokio::test]
async fn layers_that_lie_elsewhere_need_not_be_here() {
    let Served { repository, .. } = &served();
    let config = noise(1, 100);
    repository.push(config.clone()).await;
    let mut manifest = images::manifest(&config, &[]);
    let mut foreign = images::descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"elsewhere");
    foreign["urls"] = json!(["https://layers.example.com/elsewhere"]);
    manifest["layers"] = json!([foreign]);
    repository.put_manifest("foreign", MANIFEST, images::bytes(&manifest)).await.expect(201);
}

#[tokio::test]
async fn a_manifest_needs_no_layers() {
    let Served { repository, .. } = &served();
    let config = noise(1, 100);
    repository.push(config.clone()).await;
    let manifest = images::bytes(&images::manifest(&config, &[]));
    repository.put_manifest("empty", MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(repository.get("manifests/empty").await.expect(200).body, manifest);
}

#[tokio::test]
async fn an_index_names_manifests_that_are_here() {
    let Served { repository, .. } = &served();
    let (one, two) = (images::push_blobs(repository, 1).await, images::push_blobs(repository, 5).await);
    let index = images::bytes(&images::index(&[("amd64", &one), ("arm64", &two)]));
    repository.put_manifest(&sha256(&one), MANIFEST, one.clone()).await.expect(201);
    repository.put_manifest("all", INDEX, index.clone()).await.lacks_blobs();
    repository.put_manifest(&sha256(&two), MANIFEST, two.clone()).await.expect(201);
    repository.put_manifest("all", INDEX, index.clone()).await.expect(201);
    let answer = repository.get("manifests/all").await.expect(200);
    assert_eq!((answer.header("content-type"), &answer.body), (Some(INDEX), &index));
}

#[tokio::test]
async fn a_manifest_has_a_largest_size() {
    let Served { repository, .. } = &served();
    let padded = |manifest: &[u8], size: usize| [manifest, &vec![b' '; size - manifest.len()]].concat();
    let manifest = images::push_blobs(repository, 9).await;
    repository.put_manifest("large", MANIFEST, padded(&manifest, 4 << 20)).await.expect(201);
    let answer = repository.put_manifest("larger", MANIFEST, padded(&manifest, (4 << 20) + 1)).await;
    assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
    assert!(!answer.code().is_empty());
    repository.get("manifests/larger").await.expect(404);
}

#[tokio::test]
async fn a_manifest_that_the_client_has_is_not_sent_again() {
    let Served { repository, .. } = &served();
    let manifest = images::push(repository, "latest", 10).await;
    let etag = repository.head("manifests/latest").await.expect(200).header("etag").unwrap().to_owned();
    assert!(etag.contains(&sha256(&manifest)));
    let asked = || repository.request(Method::GET, "manifests/latest").header("if-none-match", &etag);
    assert!(Answer::of(asked()).await.expect(304).body.is_empty());
    images::push(repository, "latest", 11).await;
    Answer::of(asked()).await.expect(200);
}

#[tokio::test]
async fn a_manifest_is_answered_whatever_the_client_accepts() {
    let Served { repository, .. } = &served();
    images::push(repository, "latest", 12).await;
    repository.client.get(&repository.path("manifests/latest")).await.expect(200);
    for accept in [MANIFEST, "*/*", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json;q=0.5"] {
        let answer =
            Answer::of(repository.client.request(Method::GET, &repository.path("manifests/latest")).header("accept", accept)).await.expect(200);
        assert_eq!(answer.header("content-type"), Some(MANIFEST));
    }
}

#[tokio::test]
async fn a_blob_that_looks_like_a_manifest_is_no_manifest() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 13).await;
    let digest = repository.push(manifest).await;
    repository.get(&format!("manifests/{digest}")).await.refused(404, "MANIFEST_UNKNOWN");
}

/// Puts `count` tags at once and answers how many were taken.
async fn put_tags(repository: &Repository, manifest: &bytes::Bytes, count: usize) -> usize {
    let puts = (0..count).map(|tag| repository.put_manifest(if tag % 2 == 0 { "even" } else { "odd" }, MANIFEST, manifest.clone()));
    join_all(puts).await.into_iter().filter(|answer| answer.status == 201).count()
}

#[tokio::test]
async fn the_same_tag_may_be_put_by_many_at_once() {
    let Served { repository, .. } = &served();
    let manifest = images::push_blobs(repository, 14).await;
    assert_eq!(put_tags(repository, &manifest, 32).await, 32);
    for tag in ["even", "odd"] {
        assert_eq!(repository.get(&format!("manifests/{tag}")).await.expect(200).body, manifest);
    }
}

#[tokio::test]
async fn layers_of_a_type_nobody_knows_are_layers() {
    let Served { repository, .. } = &served();
    let (config, layer) = (noise(1, 10), noise(2, 20));
    repository.push(config.clone()).await;
    repository.push(layer.clone()).await;
    let mut manifest = images::manifest(&config, std::slice::from_ref(&layer));
    assert_eq!(manifest["layers"][0]["mediaType"], LAYER);
    manifest["layers"][0]["mediaType"] = json!("application/vnd.example.model.v7");
    manifest["config"]["mediaType"] = json!("application/vnd.example.config.v3+json");
    repository.put_manifest("model", MANIFEST, images::bytes(&manifest)).await.expect(201);
}
