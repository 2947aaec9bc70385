//! Chunks of any size become one object, within the bounds that the driver claims.

use bytes::Bytes;
use cofferdam::StorePath;
use cofferdam::upload::{BlobDigest, Destination, DigestAlgorithm, UploadError};
use futures::{StreamExt, stream};

use super::{KINDS, Stage, content, destination, frames};

#[tokio::test]
async fn chunks_of_any_size_become_one_object() {
    for kind in KINDS {
        for sizes in [&[1000][..], &[1, 1, 1], &[100, 1, 250, 1, 1, 700], &[63, 64, 65, 1], &[300; 12], &[0, 5, 0]] {
            let stage = Stage::new(*kind).await;
            let (process, id, whole) = (stage.process(), stage.id(), content(sizes.iter().sum()));
            let mut offset = 0;
            for size in sizes {
                let next = process.append(&id, offset as u64, &whole[offset..offset + size]).await.unwrap();
                offset += size;
                assert_eq!(next, offset as u64, "{}, {sizes:?}", kind.name);
                assert_eq!(process.uploads.status(&id).await.unwrap(), next);
                assert_eq!(stage.read(&destination()).await, None, "nothing is visible before the commit");
            }
            process.finish(&id, &whole).await.unwrap_or_else(|error| panic!("{}, {sizes:?}: {error}", kind.name));
            assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}, {sizes:?}", kind.name);
        }
    }
}

#[tokio::test]
async fn a_thousand_chunks_of_one_byte_become_one_object() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id, whole) = (stage.process(), stage.id(), content(1000));
        for (offset, byte) in whole.iter().enumerate() {
            process.append(&id, offset as u64, &[*byte]).await.unwrap();
        }
        process.finish(&id, &whole).await.unwrap();
        assert_eq!(stage.read(&destination()).await.unwrap(), whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn a_stream_of_unknown_length_becomes_one_object() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let (process, id, whole) = (stage.process(), stage.id(), content(20_000_000));
        let frames = stream::iter(whole.chunks(70_001).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect::<Vec<_>>());
        // Sizes of a store that takes 64 bytes a part would make a million of them.
        let whole = if kind.claims.iter().any(|(name, _)| *name == "part-max") { &whole[..70_001] } else { &whole[..] };
        let frames = frames.take(whole.len().div_ceil(70_001));
        assert_eq!(process.uploads.append(&id, None, None, frames).await.unwrap(), whole.len() as u64);
        process.finish(&id, whole).await.unwrap();
        assert!(stage.read(&destination()).await.unwrap() == whole, "{}", kind.name);
    }
}

#[tokio::test]
async fn a_blob_that_comes_whole_leaves_no_record() {
    for kind in KINDS {
        for whole in [content(0), content(5000)] {
            let stage = Stage::new(*kind).await;
            let (process, id) = (stage.process(), stage.id());
            process.finish_with(&id, &whole, &whole).await.unwrap();
            assert_eq!(stage.read(&destination()).await.unwrap(), whole);
            assert_eq!(process.uploads.list(None, 10).await.unwrap(), (vec![], None));
            // The answer was lost, and the client asks again.
            process.finish_with(&id, &whole, &whole).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_large_blob_in_the_closing_request_becomes_one_object() {
    let stage = Stage::new(KINDS[0]).await;
    for length in [1 << 20, (1 << 20) + 1, 5_000_000] {
        let (process, id, whole) = (stage.process(), stage.id(), content(length));
        process.finish_with(&id, &whole, &whole).await.unwrap();
        assert!(stage.read(&destination()).await.unwrap() == whole);
    }
}

#[tokio::test]
async fn an_object_can_stay_where_its_upload_put_it() {
    for kind in KINDS {
        for parts in [&[0, 300][..], &[100, 200]] {
            let stage = Stage::new(*kind).await;
            let (process, id, whole) = (stage.process(), stage.id(), content(300));
            if parts[0] > 0 {
                process.append(&id, 0, &whole[..parts[0]]).await.unwrap();
            }
            let digest = BlobDigest::of(DigestAlgorithm::Sha256, &whole);
            let committed = process.uploads.finish(&id, None, None, frames(&whole[parts[0]..]), &digest, Destination::InPlace).await.unwrap();
            assert_eq!(committed.path, StorePath::new(format!("/uploads/{id}")).unwrap());
            assert_eq!(stage.read(&committed.path).await.unwrap(), whole, "{}", kind.name);
        }
    }
}

#[tokio::test]
async fn a_digest_of_another_algorithm_than_was_hashed_is_checked_by_reading() {
    for kind in KINDS {
        let stage = Stage::new(*kind).await;
        let process = stage.process();
        let whole = content(500);
        for (claimed, fits) in [(&whole[..], true), (b"other", false)] {
            let id = stage.id();
            process.append(&id, 0, &whole[..200]).await.unwrap();
            let digest = BlobDigest::of(DigestAlgorithm::Sha512, claimed);
            let path = StorePath::new(format!("/blobs/{}", &digest.hex()[..10])).unwrap();
            let finished = process.uploads.finish(&id, None, None, frames(&whole[200..]), &digest, Destination::At(path.clone())).await;
            assert_eq!(finished.is_ok(), fits, "{}: {finished:?}", kind.name);
            assert_eq!(stage.read(&path).await.is_some(), fits);
            if !fits {
                assert!(matches!(finished, Err(UploadError::DigestMismatch { .. })));
                assert!(matches!(process.uploads.status(&id).await, Err(UploadError::Unknown)));
            }
        }
    }
}
