//! Content as a host sees it: what can be read again, and what only onwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use bytes::Bytes;
use cofferdam::{Algorithm, Content, ErrorKind, READ_MAX};

/// Held content of either origin, with the same 3 MiB.
fn held() -> (Bytes, [Content; 2], tempfile::TempDir) {
    let bytes: Bytes = (0..3 * READ_MAX).map(|index| (index % 251) as u8).collect::<Vec<_>>().into();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, &bytes).unwrap();
    let content = [Content::from_bytes(bytes.clone()), Content::from_file(fs::File::open(file).unwrap(), 0, bytes.len() as u64)];
    (bytes, content, folder)
}

#[tokio::test]
async fn held_content_reads_at_any_offset_again_and_again() {
    let (bytes, contents, _folder) = held();
    for content in contents {
        assert!(content.is_held());
        for offset in [2 * READ_MAX + 5, 0, 7, 0] {
            let mut read = Vec::new();
            while read.len() < 1000 {
                let piece = content.read_at((offset + read.len()) as u64, 1000 - read.len()).await.unwrap();
                assert!(!piece.is_empty(), "only the end is empty");
                read.extend_from_slice(&piece);
            }
            assert_eq!(read, bytes[offset..offset + 1000]);
        }
        assert!(content.read_at(0, usize::MAX).await.unwrap().len() <= READ_MAX);
        for end in [bytes.len() as u64, u64::MAX] {
            assert!(content.read_at(end, 1).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn live_content_has_no_digest_and_held_content_the_same_each_time() {
    let (_, [memory, file], _folder) = held();
    let digest = memory.digest(Algorithm::Sha256).await.unwrap();
    assert_eq!(file.digest(Algorithm::Sha256).await.unwrap(), digest);
    assert_eq!(file.digest(Algorithm::Sha256).await.unwrap(), digest);
    let live = Content::live(futures::stream::iter([Ok(Bytes::from("abc"))]), Some(3));
    assert_eq!(live.digest(Algorithm::Sha256).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(live.bytes(3).await.unwrap(), "abc", "asking used nothing up");
}
