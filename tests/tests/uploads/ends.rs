//! How an upload ends: committed once, given up, or purged.

use std::time::Duration;

use cofferdam::StreamingStore;
use cofferdam::upload::{BlobDigest, Destination, DigestAlgorithm, PurgeMode, UploadError};

use super::{KINDS, Stage, content, destination, frames};

#[tokio::test]
async fn a_commit_that_is_asked_again_is_a_success() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id, whole) = (stage.process(), stage.id(), content(400));
        process.append(&id, 0, &whole).await.unwrap();
        process.finish(&id, &whole).await.unwrap();
        process.finish(&id, &whole).await.unwrap();
        stage.process().finish(&id, &whole).await.unwrap();
        assert!(matches!(process.finish(&id, b"other").await, Err(UploadError::Unknown)));
        assert!(matches!(process.uploads.status(&id).await, Err(UploadError::Unknown)));
        assert!(matches!(process.append(&id, 400, b"x").await, Err(UploadError::Unknown)));
        assert!(matches!(process.uploads.abort(&id).await, Err(UploadError::Unknown)));
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn an_upload_that_is_over_is_forgotten() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, whole) = (stage.process(), content(400));
        let recent = |what: &str, expected: usize| assert_eq!(process.uploads.recent(), expected, "{what}, {}", kind.name);
        process.finish_with(&stage.id(), &whole, &whole).await.unwrap();
        recent("one that came whole", 0);
        let id = stage.id();
        process.append(&id, 0, &whole[..250]).await.unwrap();
        recent("one that can go on", 1);
        process.finish_with(&id, &whole[250..], &whole).await.unwrap();
        recent("a committed one", 0);
        process.finish(&id, &whole).await.unwrap();
        process.append(&id, 0, b"x").await.unwrap_err();
        recent("a committed one that is asked again", 0);
        let id = stage.id();
        process.uploads.abort(&id).await.unwrap();
        recent("one that was given up before it began", 0);
        let id = stage.id();
        process.append(&id, 0, &whole).await.unwrap();
        process.uploads.abort(&id).await.unwrap();
        recent("one that was given up", 0);
        process.finish_with(&stage.id(), b"abc", b"other").await.unwrap_err();
        process.append(&stage.id(), 0, b"").await.unwrap();
        recent("those that never began", 0);
    }
}

#[tokio::test]
async fn two_commits_of_one_digest_both_succeed() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (one, other, whole) = (stage.process(), stage.process(), content(400));
        let (first, second) = (stage.id(), stage.id());
        one.append(&first, 0, &whole).await.unwrap();
        other.append(&second, 0, &whole).await.unwrap();
        let (a, b) = tokio::join!(one.finish(&first, &whole), other.finish(&second, &whole));
        a.unwrap();
        b.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn a_wrong_digest_or_offset_leaves_the_upload_as_it_was() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id, whole) = (stage.process(), stage.id(), content(400));
        // Also before anything was written.
        assert!(matches!(process.finish_with(&id, b"abc", b"other").await, Err(UploadError::DigestMismatch { .. })));
        assert!(matches!(process.append(&id, 5, b"abc").await, Err(UploadError::WrongOffset { offset: 0 })));
        process.append(&id, 0, &whole[..250]).await.unwrap();
        for wrong in [0, 249, 251, u64::MAX] {
            assert!(matches!(process.append(&id, wrong, b"abc").await, Err(UploadError::WrongOffset { offset: 250 })), "{wrong}");
        }
        assert!(matches!(process.finish(&id, b"other").await, Err(UploadError::DigestMismatch { .. })));
        assert_eq!(process.uploads.status(&id).await.unwrap(), 250);
        process.finish_with(&id, &whole[250..], &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn more_or_fewer_bytes_than_announced_are_told() {
    let stage = Stage::new(KINDS[1]).await;
    let (process, id, whole) = (stage.process(), stage.id(), content(400));
    let more = process.uploads.append(&id, None, Some(100), frames(&whole)).await;
    assert!(matches!(more, Err(UploadError::WrongLength { announced: 100, .. })), "{more:?}");
    assert_eq!(process.uploads.status(&id).await.unwrap(), 100, "what was announced is kept");
    let fewer = process.uploads.append(&id, None, Some(1000), frames(&whole[100..])).await;
    assert!(matches!(fewer, Err(UploadError::WrongLength { announced: 1000, came: 300 })), "{fewer:?}");
    process.finish(&id, &whole).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_was_given_up_is_over_and_leaves_nothing() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let process = stage.process();
        for written in [0, 250] {
            let id = stage.id();
            if written > 0 {
                process.append(&id, 0, &content(written)).await.unwrap();
            }
            process.uploads.abort(&id).await.unwrap();
            assert!(matches!(process.uploads.status(&id).await, Err(UploadError::Unknown)));
            assert!(matches!(process.append(&id, 0, b"abc").await, Err(UploadError::Unknown)));
            assert!(matches!(process.finish_with(&id, b"abc", b"abc").await, Err(UploadError::Unknown)));
            assert!(matches!(process.uploads.abort(&id).await, Err(UploadError::Unknown)));
        }
        assert_eq!(stage.objects().await, Vec::<String>::new(), "{}", kind.name);
        assert_eq!(process.uploads.list(None, 10).await.unwrap().0, []);
    }
}

#[tokio::test]
async fn a_purge_ends_what_is_old_and_finds_what_no_record_knows() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, old) = (stage.process(), stage.id());
        process.append(&old, 0, &content(250)).await.unwrap();
        process.uploads.close().await;
        // The memory driver does not export `upload-listing`.
        let orphans = u64::from(kind.driver == "filesystem");
        if orphans > 0 {
            process.store.create_upload(&destination()).await.unwrap();
        }
        let none = process.uploads.purge(Duration::from_secs(3600), PurgeMode::Remove).await.unwrap();
        assert_eq!(none, Default::default(), "{}", kind.name);

        let told = process.uploads.purge(Duration::ZERO, PurgeMode::DryRun).await.unwrap();
        assert_eq!(told.uploads.iter().map(|upload| upload.id.clone()).collect::<Vec<_>>(), std::slice::from_ref(&old));
        assert_eq!(process.uploads.status(&old).await.unwrap(), 250, "a dry run removes nothing");

        let purged = process.uploads.purge(Duration::ZERO, PurgeMode::Remove).await.unwrap();
        assert_eq!(purged.uploads, told.uploads);
        assert_eq!(purged.orphans, told.orphans);
        assert_eq!(purged.orphans, orphans, "{}", kind.name);
        assert!(matches!(process.uploads.status(&old).await, Err(UploadError::Unknown)));
        assert_eq!(stage.objects().await, Vec::<String>::new(), "{}", kind.name);
        // The record that it is over goes with the next one.
        assert_eq!(process.uploads.purge(Duration::ZERO, PurgeMode::Remove).await.unwrap().records, 1);
    }
}

#[tokio::test]
async fn many_commits_of_many_clients_all_succeed() {
    let stage = Stage::new(KINDS[0]).await;
    let process = stage.process();
    let pushes = (0..200usize).map(|n| {
        let (process, id) = (&process, stage.id());
        async move {
            let whole = content(100 + n % 7);
            process.append(&id, 0, &whole[..50]).await.unwrap();
            let digest = BlobDigest::of(DigestAlgorithm::Sha256, &whole);
            let to = cofferdam::StorePath::new(format!("/blobs/{}", digest.hex())).unwrap();
            process.uploads.finish(&id, Some(50), None, frames(&whole[50..]), &digest, Destination::At(to)).await.unwrap();
        }
    });
    futures::future::join_all(pushes).await;
    assert_eq!(stage.objects().await.len(), 7);
}
