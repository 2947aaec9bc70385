//! Pulling blobs: whole, in ranges, if changed, and what is not there.

use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::server::Served;

use crate::served;

#[tokio::test]
async fn a_blob_comes_with_its_digest_length_and_type() {
    let Served { repository, .. } = &served();
    let blob = noise(1, 12_345);
    let digest = repository.push(blob.clone()).await;
    let path = format!("blobs/{digest}");
    for answer in [repository.head(&path).await.expect(200), repository.get(&path).await.expect(200)] {
        assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
        assert_eq!(answer.header("content-length"), Some("12345"));
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert!(answer.header("etag").is_some_and(|tag| tag.contains(&digest)), "{:?}", answer.headers);
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    }
    assert_eq!(repository.get(&path).await.body, blob);
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_unknown() {
    let Served { repository, .. } = &served();
    let path = format!("blobs/{}", sha256(b"nothing"));
    assert!(repository.head(&path).await.expect(404).body.is_empty());
    repository.get(&path).await.refused(404, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn a_blob_is_not_visible_in_a_repository_that_does_not_have_it() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 100)).await;
    server.client().repository("library/other").get(&format!("blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
    server.client().repository("library").get(&format!("blobs/{digest}")).await.expect(404);
}

#[tokio::test]
async fn a_digest_that_is_none_is_refused() {
    let Served { repository, .. } = &served();
    for digest in ["sha256:short", "sha256", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:..%2f..%2fx"] {
        let status = repository.get(&format!("blobs/{digest}")).await.status;
        assert!(matches!(status, 400 | 404), "{digest}: {status}");
    }
}

#[tokio::test]
async fn ranges_are_served() {
    let Served { repository, .. } = &served();
    let blob = noise(2, 1_000_000);
    let path = format!("blobs/{}", repository.push(blob.clone()).await);
    let ranges = [
        ("bytes=0-0", 0..1),
        ("bytes=0-99", 0..100),
        ("bytes=4095-4097", 4095..4098),
        ("bytes=999999-", 999_999..1_000_000),
        ("bytes=500000-", 500_000..1_000_000),
        ("bytes=0-", 0..1_000_000),
        ("bytes=999990-2000000", 999_990..1_000_000),
        ("bytes=-1", 999_999..1_000_000),
        ("bytes=-77777", 922_223..1_000_000),
        ("bytes=-5000000", 0..1_000_000),
    ];
    for (range, expected) in ranges {
        let answer = Answer::of(repository.request(Method::GET, &path).header("range", range)).await.expect(206);
        let content_range = format!("bytes {}-{}/1000000", expected.start, expected.end - 1);
        assert_eq!(answer.header("content-range"), Some(&*content_range), "{range}");
        assert_eq!(answer.header("content-length"), Some(&*expected.len().to_string()), "{range}");
        assert!(answer.body == blob[expected], "{range} has other bytes");
    }
}

#[tokio::test]
async fn a_range_beyond_the_end_cannot_be_satisfied() {
    let Served { repository, .. } = &served();
    let path = format!("blobs/{}", repository.push(noise(3, 100)).await);
    for range in ["bytes=100-", "bytes=100-200", "bytes=18446744073709551615-", "bytes=-0"] {
        let answer = Answer::of(repository.request(Method::GET, &path).header("range", range)).await.expect(416);
        assert_eq!(answer.header("content-range"), Some("bytes */100"), "{range}");
    }
}

#[tokio::test]
async fn a_range_that_is_none_is_answered_with_everything() {
    let Served { repository, .. } = &served();
    let path = format!("blobs/{}", repository.push(noise(4, 100)).await);
    // RFC 9110, section 14.2: what is not understood is ignored.
    for range in ["lines=1-2", "bytes=", "bytes=x-y", "bytes=5-2"] {
        let answer = Answer::of(repository.request(Method::GET, &path).header("range", range)).await;
        assert!((answer.status == 200 && answer.body.len() == 100) || answer.status == 416, "{range}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_range_of_a_changed_blob_is_all_of_it() {
    let Served { repository, .. } = &served();
    let path = format!("blobs/{}", repository.push(noise(5, 100)).await);
    let etag = repository.head(&path).await.header("etag").unwrap().to_owned();
    for (tag, status, length) in [(etag, 206, 10), ("\"another\"".to_owned(), 200, 100)] {
        let request = repository.request(Method::GET, &path).header("range", "bytes=0-9").header("if-range", tag);
        assert_eq!(Answer::of(request).await.expect(status).body.len(), length);
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let Served { repository, .. } = &served();
    let path = format!("blobs/{}", repository.push(noise(6, 100)).await);
    let etag = repository.head(&path).await.header("etag").unwrap().to_owned();
    for known in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        for method in [Method::GET, Method::HEAD] {
            let answer = Answer::of(repository.request(method, &path).header("if-none-match", &known)).await.expect(304);
            assert_eq!((answer.header("etag"), answer.body.len()), (Some(&*etag), 0));
        }
    }
    Answer::of(repository.request(Method::GET, &path).header("if-none-match", "\"other\"")).await.expect(200);
}

#[tokio::test]
async fn pulling_a_blob_many_times_over_one_connection_gives_the_same() {
    let Served { repository, .. } = &served();
    let blob = noise(7, 70_000);
    let digest = repository.push(blob.clone()).await;
    for _ in 0..50 {
        assert_eq!(repository.blob(&digest).await, blob);
    }
}
