//! Pushing a blob whole: POST and PUT, and one POST; what is checked, and what is there afterwards.

use cofferdam_tests::client::{Answer, Method, noise, sha256, sha512};
use cofferdam_tests::server::Served;

use crate::served;

#[tokio::test]
async fn a_blob_is_pushed_by_post_and_put() {
    let Served { repository, server: _server, .. } = &served();
    let blob = noise(1, 5000);
    let digest = sha256(&blob);
    let location = repository.start().await;
    let answer = repository.finish(&location, &digest, blob.clone()).await.expect(201);
    assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
    assert!(answer.location().ends_with(&format!("/v2/library/thing/blobs/{digest}")), "{}", answer.location());
    assert_eq!(repository.client.get(&answer.location()).await.expect(200).body, blob);
}

#[tokio::test]
async fn a_session_says_its_name_and_that_it_is_empty() {
    let Served { repository, .. } = &served();
    let answer = Answer::of(repository.request(Method::POST, "blobs/uploads/").header("content-length", 0)).await.expect(202);
    assert!(answer.header("docker-upload-uuid").is_some_and(|name| !name.is_empty()));
    assert_eq!(answer.header("range"), Some("0-0"));
}

#[tokio::test]
async fn two_sessions_are_two() {
    let Served { repository, .. } = &served();
    let (first, second) = (repository.start().await, repository.start().await);
    assert_ne!(first, second);
    let (one, two) = (noise(1, 100), noise(2, 200));
    let first = repository.patch(&first, None, one.clone()).await.expect(202).location();
    let second = repository.patch(&second, None, two.clone()).await.expect(202).location();
    repository.finish(&second, &sha256(&two), "").await.expect(201);
    repository.finish(&first, &sha256(&one), "").await.expect(201);
}

#[tokio::test]
async fn one_post_pushes_a_blob() {
    let Served { repository, .. } = &served();
    for (seed, size) in [(1, 0), (2, 1), (3, 4096), (4, 300_000)] {
        let blob = noise(seed, size);
        let digest = sha256(&blob);
        let request = repository.request(Method::POST, &format!("blobs/uploads/?digest={digest}")).header("content-type", "application/octet-stream");
        let answer = Answer::of(request.header("content-length", size).body(blob.clone())).await;
        // The specification lets a registry answer with a session instead; it is there to be used.
        match answer.status {
            201 => assert_eq!(answer.header("docker-content-digest"), Some(&*digest)),
            _ => drop(repository.finish(&answer.expect(202).location(), &digest, blob.clone()).await.expect(201)),
        }
        assert_eq!(repository.blob(&digest).await, blob);
    }
}

#[tokio::test]
async fn a_single_post_with_a_wrong_digest_stores_nothing() {
    let Served { repository, .. } = &served();
    let promised = sha256(b"another");
    let request = repository.request(Method::POST, &format!("blobs/uploads/?digest={promised}")).body("this");
    let answer = Answer::of(request).await;
    if answer.status == 202 {
        repository.finish(&answer.location(), &promised, "this").await.refused(400, "DIGEST_INVALID");
    } else {
        answer.refused(400, "DIGEST_INVALID");
    }
    assert!(!repository.has(&promised).await && !repository.has(&sha256(b"this")).await);
}

#[tokio::test]
async fn blobs_of_all_sizes_come_back_as_they_went() {
    let Served { repository, .. } = &served();
    for (seed, size) in [0, 1, 2, 4095, 4096, 4097, 65_535, 65_536, 1_000_003, (8 << 20) + 1].into_iter().enumerate() {
        let blob = noise(seed as u64 + 1, size);
        let digest = repository.push(blob.clone()).await;
        assert!(repository.blob(&digest).await == blob, "{size} bytes differ");
    }
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_the_session_lives() {
    let Served { repository, .. } = &served();
    let blob = noise(1, 3000);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.clone()).await.expect(202).location();
    repository.finish(&location, &sha256(b"another"), "").await.refused(400, "DIGEST_INVALID");
    assert!(!repository.has(&sha256(b"another")).await);
    assert_eq!(repository.offset(&location).await, 3000);
    repository.finish(&location, &sha256(&blob), "").await.expect(201);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn a_digest_that_is_none_is_refused() {
    let Served { repository, .. } = &served();
    for digest in ["", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "nonsense", &sha256(b"").to_uppercase()] {
        let location = repository.start().await;
        repository.finish(&location, digest, "bytes").await.refused(400, "DIGEST_INVALID");
    }
    let location = repository.start().await;
    Answer::of(repository.client.request(Method::PUT, &location).body("bytes")).await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn sha512_is_as_good() {
    let Served { repository, .. } = &served();
    let blob = noise(5, 100_000);
    let digest = sha512(&blob);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.slice(..70_001)).await.expect(202).location();
    let answer = repository.finish(&location, &digest, blob.slice(70_001..)).await.expect(201);
    assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
    assert_eq!(repository.blob(&digest).await, blob);
    let wrong = sha512(b"another");
    repository.finish(&repository.start().await, &wrong, "this").await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn pushing_a_blob_again_changes_nothing() {
    let Served { repository, .. } = &served();
    let blob = noise(7, 20_000);
    assert_eq!(repository.push(blob.clone()).await, repository.push(blob.clone()).await);
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn a_closed_session_is_gone() {
    let Served { repository, .. } = &served();
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), "bytes").await.expect(202).location();
    repository.finish(&location, &sha256(b"bytes"), "").await.expect(201);
    repository.patch(&location, Some(5), "more").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    Answer::of(repository.client.request(Method::GET, &location)).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_session_belongs_to_its_repository() {
    let Served { repository, server, .. } = &served();
    let location = repository.start().await;
    let elsewhere = location.replace("library/thing", "library/other");
    assert_ne!(location, elsewhere);
    server.client().repository("library/other").patch(&elsewhere, Some(0), "bytes").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_made_up_session_is_unknown() {
    let Served { repository, .. } = &served();
    for name in ["0", "6c345f28-a21a-4ac5-bbeb-df502cc5420d", "..%2f..%2fetc", "a%00b", &"x".repeat(3000)] {
        let path = repository.path(&format!("blobs/uploads/{name}"));
        for request in [Method::GET, Method::PATCH, Method::DELETE].map(|method| repository.client.request(method, &path)) {
            let status = Answer::of(request).await.status;
            assert!(matches!(status, 400 | 404 | 414), "{name}: {status}");
        }
    }
}
