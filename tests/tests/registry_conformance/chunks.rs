//! Pushing a blob in pieces: chunks with ranges, streams without, and everything that may go wrong between them.

use bytes::Bytes;
use cofferdam_tests::client::{Answer, Method, Repository, noise, offset_of, sha256, streamed};
use cofferdam_tests::server::Served;
use futures::stream;

use crate::served;

/// Sends `blob` in chunks that end at `cuts`; answers the location after the last.
async fn send(repository: &Repository, blob: &Bytes, cuts: &[usize]) -> String {
    let (mut location, mut from) = (repository.start().await, 0);
    for &to in cuts.iter().chain([&blob.len()]) {
        let answer = repository.patch(&location, Some(from), blob.slice(from..to)).await.expect(202);
        assert_eq!(offset_of(&answer), to, "{:?}", answer.headers);
        (location, from) = (answer.location(), to);
    }
    location
}

#[tokio::test]
async fn a_blob_is_pushed_in_chunks() {
    let Served { repository, .. } = &served();
    let blob = noise(1, 100_000);
    let location = send(repository, &blob, &[40_000, 80_000]).await;
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn chunks_may_be_of_any_size() {
    let Served { repository, .. } = &served();
    let blob = noise(2, (6 << 20) + 77);
    // One, two and seven bytes, a page less one and more, then megabytes that end anywhere.
    let location = send(repository, &blob, &[2, 4, 11, 4106, 8203, 73_739, (5 << 20) + 1, (6 << 20) - 3]).await;
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(repository.blob(&sha256(&blob)).await == blob);
}

#[tokio::test]
async fn a_hundred_tiny_chunks_make_a_blob() {
    let Served { repository, .. } = &served();
    let blob = noise(3, 202);
    let cuts: Vec<_> = (1..101).map(|chunk| chunk * 2).collect();
    let location = send(repository, &blob, &cuts).await;
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn the_last_chunk_may_come_with_the_closing_put() {
    let Served { repository, .. } = &served();
    let blob = noise(4, 50_000);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.slice(..20_000)).await.expect(202).location();
    let request = repository.finishing(&location, &sha256(&blob), blob.slice(20_000..)).header("content-range", "20000-49999");
    Answer::of(request).await.expect(201);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn a_stream_needs_neither_length_nor_range() {
    let Served { repository, .. } = &served();
    let blob = noise(5, 3_000_000);
    let location = repository.start().await;
    let pieces: Vec<_> = blob.chunks(99_991).map(Bytes::copy_from_slice).collect();
    let request = repository.client.request(Method::PATCH, &location).header("content-type", "application/octet-stream");
    let answer = Answer::of(request.body(streamed(stream::iter(pieces)))).await.expect(202);
    assert_eq!(offset_of(&answer), blob.len());
    repository.finish(&answer.location(), &sha256(&blob), "").await.expect(201);
    assert!(repository.blob(&sha256(&blob)).await == blob);
}

#[tokio::test]
async fn a_closing_put_may_be_a_stream() {
    let Served { repository, .. } = &served();
    let blob = noise(6, 700_000);
    let pieces: Vec<_> = blob.chunks(65_537).map(Bytes::copy_from_slice).collect();
    let location = repository.start().await;
    let request = repository.finishing(&location, &sha256(&blob), Bytes::new()).body(streamed(stream::iter(pieces)));
    Answer::of(request).await.expect(201);
    assert!(repository.blob(&sha256(&blob)).await == blob);
}

#[tokio::test]
async fn a_first_chunk_that_does_not_begin_at_0_is_out_of_order() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    Answer::of(repository.patching(&location, Some(10), "late".into())).await.expect(416);
    let location = repository.patch(&location, Some(0), "bytes").await.expect(202).location();
    repository.finish(&location, &sha256(b"bytes"), "").await.expect(201);
}

#[tokio::test]
async fn a_chunk_out_of_order_is_told_the_offset_and_the_session_stays_whole() {
    let Served { repository, .. } = &served();
    let blob = noise(7, 1000);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.slice(..500)).await.expect(202).location();
    for from in [0, 499, 501, 5000] {
        let answer = repository.patch(&location, Some(from), noise(99, 100)).await.expect(416);
        assert_eq!(offset_of(&answer), 500, "a chunk at {from}: {:?}", answer.headers);
    }
    let location = repository.patch(&location, Some(500), blob.slice(500..)).await.expect(202).location();
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn a_repeated_chunk_is_out_of_order() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), "four").await.expect(202).location();
    let answer = repository.patch(&location, Some(0), "four").await.expect(416);
    assert_eq!(offset_of(&answer), 4);
    repository.finish(&location, &sha256(b"four"), "").await.expect(201);
}

#[tokio::test]
async fn a_closing_put_out_of_order_is_refused_and_the_session_stays_whole() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), "first").await.expect(202).location();
    let request = repository.finishing(&location, &sha256(b"first second"), " second".into());
    Answer::of(request.header("content-range", "9-15")).await.expect(416);
    let request = repository.finishing(&location, &sha256(b"first second"), " second".into());
    Answer::of(request.header("content-range", "5-11")).await.expect(201);
    assert_eq!(repository.blob(&sha256(b"first second")).await, "first second");
}

#[tokio::test]
async fn a_range_that_is_none_or_does_not_fit_its_body_is_refused() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    for range in ["0-9", "bytes", "3-1", "-", "0-", "a-b", "0-18446744073709551616"] {
        let request = repository.client.request(Method::PATCH, &location).header("content-range", range).body("four");
        let status = Answer::of(request).await.status;
        assert!(status == 400 || status == 416, "{range}: {status}");
        assert_eq!(repository.offset(&location).await, 0, "{range}");
    }
    repository.finish(&location, &sha256(b"four"), "four").await.expect(201);
}

#[tokio::test]
async fn a_session_says_how_far_it_is() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    assert_eq!(repository.offset(&location).await, 0);
    let location = repository.patch(&location, Some(0), noise(1, 777)).await.expect(202).location();
    let status = Answer::of(repository.client.request(Method::GET, &location)).await.expect(204);
    assert_eq!(status.header("range"), Some("0-776"));
    assert!(status.header("docker-upload-uuid").is_some());
    let location = status.location();
    let location = repository.patch(&location, Some(777), noise(2, 23)).await.expect(202).location();
    assert_eq!(repository.offset(&location).await, 800);
}

#[tokio::test]
async fn a_cancelled_session_is_gone() {
    let Served { repository, .. } = &served();
    for begun in [false, true] {
        let mut location = repository.start().await;
        if begun {
            location = repository.patch(&location, Some(0), noise(1, 100_000)).await.expect(202).location();
        }
        let answer = Answer::of(repository.client.request(Method::DELETE, &location)).await;
        assert!(matches!(answer.status, 202 | 204), "{}", answer.status);
        Answer::of(repository.client.request(Method::GET, &location)).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        repository.patch(&location, None, "more").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        repository.finish(&location, &sha256(b"more"), "more").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        assert!(!repository.has(&sha256(b"more")).await);
    }
}

#[tokio::test]
async fn nothing_of_a_session_is_visible_before_it_is_closed() {
    let Served { repository, .. } = &served();
    let blob = noise(8, 10_000);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.clone()).await.expect(202).location();
    assert!(!repository.has(&sha256(&blob)).await);
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert!(repository.has(&sha256(&blob)).await);
}

#[tokio::test]
async fn an_empty_chunk_changes_nothing() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    let location = repository.patch(&location, None, "").await.expect(202).location();
    let location = repository.patch(&location, Some(0), "bytes").await.expect(202).location();
    let location = repository.patch(&location, None, "").await.expect(202).location();
    assert_eq!(repository.offset(&location).await, 5);
    repository.finish(&location, &sha256(b"bytes"), "").await.expect(201);
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    repository.finish(&location, &sha256(b""), "").await.expect(201);
    let answer = repository.get(&format!("blobs/{}", sha256(b""))).await.expect(200);
    assert_eq!((answer.header("content-length"), answer.body.len()), (Some("0"), 0));
}
