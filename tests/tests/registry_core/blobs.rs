//! Blobs: pushed, read, mounted, deleted, and what another process does to them.

use cofferdam::ByteRange;
use cofferdam::upload::DigestAlgorithm;
use cofferdam_registry::{Layout, RegistryError, Rules};
use futures::stream;

use crate::world::{World, digest, each, name, pull, push};

#[tokio::test]
async fn a_pushed_blob_is_read_whole_and_in_ranges() {
    each(|world| async move {
        let repository = world.repository("library/app");
        let pushed = push(&repository, "hello world").await;
        assert_eq!(repository.stat_blob(&pushed).await.unwrap().size, 11);
        assert_eq!(pull(&repository, &pushed).await.unwrap(), "hello world");
        let opened = repository.open_blob(&pushed, ByteRange::Bounded { offset: 6, length: 3 }).await.unwrap();
        assert_eq!((opened.size, opened.content.bytes(10).await.unwrap()), (11, "wor".into()));
        let again = push(&repository, "hello world").await;
        assert_eq!(pull(&world.other_process().await.repository(&name("library/app")), &again).await.unwrap(), "hello world");
    })
    .await;
}

#[tokio::test]
async fn a_blob_comes_in_chunks_and_has_any_algorithm() {
    each(|world| async move {
        let repository = world.repository("a");
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let id = repository.start_upload(algorithm).unwrap();
            let id = repository.upload(id.as_str()).unwrap();
            assert!(matches!(world.repository("b").upload(id.as_str()), Err(RegistryError::UploadUnknown)), "it is of another repository");
            assert_eq!(repository.append_upload(&id, Some(0), None, stream::iter([Ok("hel".into()), Ok("lo".into())])).await.unwrap(), 5);
            assert_eq!(repository.upload_status(&id).await.unwrap(), 5);
            let wrong = repository.append_upload(&id, Some(3), None, stream::iter([Ok("x".into())])).await;
            assert!(matches!(wrong, Err(RegistryError::UploadOffset { offset: 5 })), "{wrong:?}");
            let expected = cofferdam::upload::BlobDigest::of(algorithm, b"hello!");
            let wrong = repository
                .finish_upload(&id, Some(5), None, stream::iter([Ok("!".into())]), &cofferdam::upload::BlobDigest::of(algorithm, b"other"))
                .await;
            assert!(matches!(wrong, Err(RegistryError::DigestMismatch { .. })), "{wrong:?}");
            let at = repository.upload_status(&id).await.unwrap();
            let rest = if at == 5 { "!" } else { "" };
            let info = repository.finish_upload(&id, Some(at), None, stream::iter([Ok(rest.into())]), &expected).await.unwrap();
            assert_eq!(info.size, 6);
            assert_eq!(pull(&repository, &expected).await.unwrap(), "hello!");
        }
    })
    .await;
}

#[tokio::test]
async fn a_blob_is_known_only_where_it_was_pushed_or_mounted() {
    each(|world| async move {
        let (one, two) = (world.repository("one"), world.repository("two"));
        let pushed = push(&one, "secret").await;
        assert!(matches!(two.stat_blob(&pushed).await, Err(RegistryError::BlobUnknown { .. })));
        assert!(matches!(pull(&two, &pushed).await, Err(RegistryError::BlobUnknown { .. })));
        assert!(!two.mount_blob(None, &pushed).await.unwrap(), "without a source nothing is looked up elsewhere");
        assert!(!two.mount_blob(Some(&name("three")), &pushed).await.unwrap());
        assert!(!two.mount_blob(Some(one.name()), &digest("other")).await.unwrap());
        assert!(two.mount_blob(Some(one.name()), &pushed).await.unwrap());
        assert_eq!(pull(&two, &pushed).await.unwrap(), "secret");
        assert!(two.mount_blob(None, &pushed).await.unwrap(), "it is there already");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_blob_is_gone_from_its_repository_only() {
    each(|world| async move {
        let (one, two) = (world.repository("one"), world.repository("two"));
        let pushed = push(&one, "x").await;
        two.mount_blob(Some(one.name()), &pushed).await.unwrap();
        one.delete_blob(&pushed).await.unwrap();
        assert!(matches!(one.stat_blob(&pushed).await, Err(RegistryError::BlobUnknown { .. })));
        assert!(matches!(one.delete_blob(&pushed).await, Err(RegistryError::BlobUnknown { .. })));
        assert_eq!(pull(&two, &pushed).await.unwrap(), "x");
        push(&one, "x").await;
        assert!(one.stat_blob(&pushed).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_remembered_blob_that_another_process_removed_is_unknown() {
    each(|world| async move {
        let repository = world.repository("a");
        let pushed = push(&repository, "x").await;
        repository.stat_blob(&pushed).await.unwrap();
        let prefix = cofferdam::Prefix::new(if world.layout == Layout::Indexed { "/uploads" } else { "/docker/registry/v2/blobs" }).unwrap();
        cofferdam::fallback::remove_tree(&world.mount, &prefix).await.unwrap();
        assert!(matches!(repository.stat_blob(&pushed).await, Err(RegistryError::BlobUnknown { .. })));
        assert!(matches!(pull(&repository, &pushed).await, Err(RegistryError::BlobUnknown { .. })));
        push(&repository, "x").await;
        assert_eq!(pull(&repository, &pushed).await.unwrap(), "x", "it can be pushed again");
    })
    .await;
}

#[tokio::test]
async fn what_is_switched_off_is_refused() {
    let mut rules = Rules::default();
    rules.deletes = false;
    let world = World::with_rules("memory", Layout::RegistryV2, rules).await;
    let repository = world.repository("a");
    let pushed = push(&repository, "x").await;
    assert!(matches!(repository.delete_blob(&pushed).await, Err(RegistryError::Unsupported { .. })));
    rules.read_only = true;
    let world = World::with_rules("memory", Layout::RegistryV2, rules).await;
    let repository = world.repository("a");
    assert!(matches!(repository.start_upload(DigestAlgorithm::Sha256), Err(RegistryError::Unsupported { .. })));
    assert!(matches!(repository.mount_blob(None, &pushed).await, Err(RegistryError::Unsupported { .. })));
}
