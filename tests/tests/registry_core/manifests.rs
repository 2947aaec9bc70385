//! Manifests: what must be there before one is taken, how it is read, and what deleting it takes along.

use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam_registry::{Layout, MANIFEST_MAX, RegistryError, Rules};
use serde_json::json;

use crate::world::{OCI_INDEX, OCI_MANIFEST, World, descriptor, digest, each, get, image, name, push, push_image, put, reference, tags};

#[tokio::test]
async fn a_manifest_is_read_by_tag_and_digest_exactly_as_it_was_pushed() {
    each(|world| async move {
        let repository = world.repository("library/app");
        let pushed = push_image(&repository, "latest", "config", &["layer"]).await;
        let expected = image("config", &["layer"]).to_string();
        for registry in [world.registry.clone(), world.other_process().await] {
            let repository = registry.repository(&name("library/app"));
            for at in ["latest".to_owned(), pushed.to_string()] {
                let manifest = get(&repository, &at).await.unwrap();
                assert_eq!(manifest.bytes, expected);
                assert_eq!((&manifest.info.digest, &*manifest.info.media_type, manifest.info.size), (&pushed, OCI_MANIFEST, expected.len() as u64));
                assert_eq!(repository.stat_manifest(&reference(at)).await.unwrap(), manifest.info);
            }
        }
        let other = world.repository("library/other");
        assert!(matches!(get(&other, &pushed).await, Err(RegistryError::ManifestUnknown { .. })), "it is of another repository");
        assert!(matches!(get(&repository, "other").await, Err(RegistryError::ManifestUnknown { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_manifest_needs_its_config_and_layers_in_its_own_repository() {
    each(|world| async move {
        let repository = world.repository("a");
        push(&world.repository("b"), "config").await;
        push(&repository, "one").await;
        let refused = put(&repository, "latest", &image("config", &["one", "two", "two"])).await.unwrap_err();
        let RegistryError::ManifestBlobUnknown { missing } = refused else { panic!("{refused}") };
        assert_eq!(missing, [digest("config"), digest("two")]);
        assert!(matches!(get(&repository, "latest").await, Err(RegistryError::ManifestUnknown { .. })));
        push(&repository, "two").await;
        push(&repository, "config").await;
        put(&repository, "latest", &image("config", &["one", "two", "two"])).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn foreign_layers_and_subjects_may_be_elsewhere() {
    each(|world| async move {
        let repository = world.repository("a");
        push(&repository, "config").await;
        let mut manifest = image("config", &["windows"]);
        manifest["subject"] = descriptor("nobody has pushed it");
        manifest["layers"][0]["urls"] = json!(["https://example.com/"]);
        manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
        let stored = put(&repository, "latest", &manifest).await.unwrap();
        assert_eq!(stored.subject, Some(digest("nobody has pushed it")));
    })
    .await;
}

#[tokio::test]
async fn an_index_needs_its_manifests_unless_the_rules_say_otherwise() {
    let index = |text: &str| json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(text)] });
    let child = image("config", &[]).to_string();
    each(move |world| {
        let (index, child) = (index(&child), child.clone());
        async move {
            let repository = world.repository("a");
            let refused = put(&repository, "latest", &index).await.unwrap_err();
            let RegistryError::ManifestBlobUnknown { missing } = refused else { panic!("{refused}") };
            assert_eq!(missing, [digest(child)]);
            push_image(&repository, "child", "config", &[]).await;
            put(&repository, "latest", &index).await.unwrap();
            let manifest = get(&repository, "latest").await.unwrap();
            assert_eq!(&*manifest.info.media_type, OCI_INDEX);
        }
    })
    .await;
    let mut rules = Rules::default();
    rules.require_index_children = false;
    let world = World::with_rules("memory", Layout::RegistryV2, rules).await;
    put(&world.repository("a"), "latest", &index("absent")).await.unwrap();
}

#[tokio::test]
async fn the_digest_in_the_reference_must_be_that_of_the_bytes() {
    each(|world| async move {
        let repository = world.repository("a");
        push(&repository, "config").await;
        let manifest = image("config", &[]);
        let refused = put(&repository, digest("other"), &manifest).await.unwrap_err();
        assert!(matches!(&refused, RegistryError::DigestMismatch { actual, .. } if *actual == digest(manifest.to_string())), "{refused}");
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let expected = BlobDigest::of(algorithm, manifest.to_string().as_bytes());
            assert_eq!(put(&repository, &expected, &manifest).await.unwrap().digest, expected);
            assert_eq!(get(&repository, &expected).await.unwrap().info.digest, expected);
        }
        assert!(tags(&repository).await.is_empty(), "a push by digest makes no tag");
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_or_broken_is_refused_and_nothing_stays() {
    each(|world| async move {
        let repository = world.repository("a");
        let refuse = async |bytes: Vec<u8>| repository.put_manifest(&reference("latest"), Some(OCI_MANIFEST), bytes.into()).await.unwrap_err();
        let refused = refuse(vec![b' '; MANIFEST_MAX as usize + 1]).await;
        assert_eq!((refused.status().as_u16(), refused.code()), (413, "SIZE_INVALID"));
        let refused = refuse(vec![b' '; MANIFEST_MAX as usize]).await;
        assert_eq!((refused.status().as_u16(), refused.code()), (400, "MANIFEST_INVALID"));
        let refused = refuse(json!({ "schemaVersion": 1, "fsLayers": [] }).to_string().into()).await;
        assert!(refused.to_string().contains("schema 1"), "{refused}");
        let refused = repository.tags(None, 10).await.unwrap_err();
        assert!(matches!(refused, RegistryError::NameUnknown { .. }), "{refused}");
        assert!(world.registry.catalog(None, 10).await.unwrap().names.is_empty());
    })
    .await;
}

#[tokio::test]
async fn deleting_a_manifest_removes_the_tags_that_point_to_it() {
    each(|world| async move {
        let repository = world.repository("a");
        let one = push_image(&repository, "v1", "one", &[]).await;
        push_image(&repository, "latest", "one", &[]).await;
        let two = push_image(&repository, "v2", "two", &[]).await;
        repository.delete_manifest(&reference(&one)).await.unwrap();
        assert_eq!(tags(&repository).await, ["v2"]);
        for at in [one.to_string(), "v1".to_owned(), "latest".to_owned()] {
            assert!(matches!(get(&repository, &at).await, Err(RegistryError::ManifestUnknown { .. })), "{at}");
            assert!(matches!(repository.delete_manifest(&reference(at)).await, Err(RegistryError::ManifestUnknown { .. })));
        }
        assert!(repository.stat_blob(&digest("one")).await.is_ok(), "its blobs stay until a collection");
        repository.delete_manifest(&reference("v2")).await.unwrap();
        assert!(tags(&repository).await.is_empty());
        assert!(get(&repository, &two).await.is_ok(), "deleting a tag leaves the manifest");
        repository.delete_manifest(&reference(&two)).await.unwrap();
        assert!(matches!(repository.tags(None, 10).await, Err(RegistryError::NameUnknown { .. })));
        push_image(&repository, "v1", "one", &[]).await;
        assert_eq!(get(&repository, "v1").await.unwrap().info.digest, one, "it can be pushed again");
    })
    .await;
}

#[tokio::test]
async fn a_manifest_that_another_process_deleted_is_unknown_though_it_is_remembered() {
    each(|world| async move {
        let repository = world.repository("a");
        let pushed = push_image(&repository, "latest", "config", &[]).await;
        get(&repository, "latest").await.unwrap();
        let other = world.other_process().await.repository(&name("a"));
        other.delete_manifest(&reference(&pushed)).await.unwrap();
        for at in [pushed.to_string(), "latest".to_owned()] {
            assert!(matches!(get(&repository, at).await, Err(RegistryError::ManifestUnknown { .. })));
        }
    })
    .await;
}

#[tokio::test]
async fn a_damaged_manifest_is_not_served() {
    let world = World::new("memory", Layout::RegistryV2).await;
    let pushed = push_image(&world.repository("a"), "latest", "config", &[]).await;
    let path = format!("/docker/registry/v2/blobs/sha256/{}/{}/data", &pushed.hex()[..2], pushed.hex());
    let store: &dyn cofferdam::StreamingStore = &world.mount;
    store.put(&path.parse().unwrap(), "damaged".into(), cofferdam::Condition::Unconditional).await.unwrap();
    let error = get(&world.other_process().await.repository(&name("a")), "latest").await.unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (500, "UNKNOWN"), "{error}");
    assert!(error.message().contains("damaged"), "{error}");
}
