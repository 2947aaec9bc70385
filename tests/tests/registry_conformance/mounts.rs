//! Blobs that another repository has: mounted with `from`, and asked for without.

use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::server::Served;

use crate::served;

#[tokio::test]
async fn a_blob_of_another_repository_is_mounted() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 9000)).await;
    let other = server.client().repository("other/place");
    assert!(!other.has(&digest).await);
    let answer = Answer::of(other.request(Method::POST, &format!("blobs/uploads/?mount={digest}&from=library/thing"))).await.expect(201);
    assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
    assert!(answer.location().ends_with(&format!("/v2/other/place/blobs/{digest}")));
    assert_eq!(other.blob(&digest).await, noise(1, 9000));
}

#[tokio::test]
async fn what_cannot_be_mounted_is_pushed_by_the_session_that_is_answered() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 900)).await;
    let other = server.client().repository("other/place");
    let missing = sha256(b"nobody has this");
    for query in [format!("mount={missing}&from=library/thing"), format!("mount={digest}&from=not/there")] {
        let location = Answer::of(other.request(Method::POST, &format!("blobs/uploads/?{query}"))).await.expect(202).location();
        other.finish(&location, &sha256(query.as_bytes()), query.clone()).await.expect(201);
        assert!(!other.has(&missing).await && !other.has(&digest).await);
    }
}

#[tokio::test]
async fn without_a_source_the_answer_is_a_session_or_the_blob() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 900)).await;
    let other = server.client().repository("other/place");
    let answer = Answer::of(other.request(Method::POST, &format!("blobs/uploads/?mount={digest}"))).await;
    match answer.status {
        201 => assert!(other.has(&digest).await),
        _ => drop(other.finish(&answer.expect(202).location(), &digest, noise(1, 900)).await.expect(201)),
    }
}

#[tokio::test]
async fn mounting_from_a_name_or_a_digest_that_is_none_harms_nothing() {
    let Served { repository, .. } = &served();
    let digest = repository.push(noise(1, 900)).await;
    for query in [format!("mount={digest}&from=../../etc"), format!("mount={digest}&from=UPPER"), "mount=nonsense&from=library/thing".to_owned()] {
        let status = Answer::of(repository.request(Method::POST, &format!("blobs/uploads/?{query}"))).await.status;
        assert!(matches!(status, 202 | 400), "{query}: {status}");
    }
}

#[tokio::test]
async fn a_mounted_blob_outlives_its_source() {
    let Served { repository, server, .. } = &served();
    let digest = repository.push(noise(1, 900)).await;
    let other = server.client().repository("other/place");
    Answer::of(other.request(Method::POST, &format!("blobs/uploads/?mount={digest}&from=library/thing"))).await.expect(201);
    repository.delete(&format!("blobs/{digest}")).await.expect(202);
    assert!(!repository.has(&digest).await);
    assert_eq!(other.blob(&digest).await, noise(1, 900));
}
