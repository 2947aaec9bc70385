//! Two hundred pushes at once, of one blob and of many.

use std::time::Duration;

use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::server::Served;
use futures::future::join_all;

const CROWD: u64 = 200;

#[tokio::test]
async fn two_hundred_pushes_of_one_blob_all_succeed() {
    let Served { repository, .. } = &Served::fresh();
    let blob = noise(1, 200_000);
    let digests = join_all((0..CROWD).map(|_| repository.push(blob.clone()))).await;
    assert!(digests.iter().all(|digest| *digest == sha256(&blob)));
    assert_eq!(repository.blob(&sha256(&blob)).await, blob);
}

#[tokio::test]
async fn two_hundred_pushes_of_different_blobs_all_succeed() {
    let Served { repository, .. } = &Served::fresh();
    let size = |seed: u64| 1 + (seed as usize * 7919) % 300_000;
    let digests = join_all((0..CROWD).map(|seed| repository.push(noise(seed, size(seed))))).await;
    for (seed, digest) in digests.iter().enumerate() {
        assert_eq!(repository.blob(digest).await, noise(seed as u64, size(seed as u64)), "blob {seed}");
    }
}

#[tokio::test]
async fn two_hundred_chunked_pushes_at_once_do_not_mix() {
    let Served { repository, .. } = &Served::fresh();
    let push = |seed: u64| async move {
        let blob = noise(seed, 50_000);
        let (mut location, mut from) = (repository.start().await, 0);
        while from < blob.len() {
            let to = (from + 9_001).min(blob.len());
            location = repository.patch(&location, Some(from), blob.slice(from..to)).await.expect(202).location();
            from = to;
        }
        repository.finish(&location, &sha256(&blob), "").await.expect(201);
    };
    join_all((0..CROWD).map(push)).await;
    for seed in 0..CROWD {
        let blob = noise(seed, 50_000);
        assert_eq!(repository.blob(&sha256(&blob)).await, blob);
    }
}

#[tokio::test]
async fn one_session_closed_by_many_is_closed_once_and_told_to_all() {
    let Served { repository, .. } = &Served::fresh();
    let blob = noise(2, 100_000);
    let location = repository.start().await;
    let location = repository.patch(&location, Some(0), blob.clone()).await.expect(202).location();
    let digest = sha256(&blob);
    let answers = join_all((0..20).map(|_| repository.finish(&location, &digest, ""))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses.contains(&201), "{statuses:?}");
    // Whoever comes too late is told that the session is gone, or that another is at it.
    assert!(statuses.iter().all(|status| matches!(status, 201 | 404 | 416)), "{statuses:?}");
    assert_eq!(repository.blob(&digest).await, blob);
}

#[tokio::test]
async fn clients_that_go_away_in_the_middle_of_a_push_leave_nothing_visible() {
    let Served { repository, .. } = &Served::fresh();
    let blob = noise(3, 16 << 20);
    let location = repository.start().await;
    for _ in 0..20 {
        let request = repository.client.request(Method::PATCH, &location).body(blob.clone()).timeout(Duration::from_millis(3));
        drop(Answer::try_of(request).await);
    }
    assert!(!repository.has(&sha256(&blob)).await);
    assert_eq!(repository.push("another").await, sha256(b"another"));
}

#[tokio::test]
async fn pushes_deletes_and_pulls_of_one_image_at_once_never_show_a_half() {
    let Served { repository, .. } = &Served::fresh();
    let manifest = images::push(repository, "latest", 1).await;
    let digest = sha256(&manifest);
    let put = async {
        for _ in 0..40 {
            repository.put_manifest("latest", MANIFEST, manifest.clone()).await.expect(201);
        }
    };
    let delete = async {
        for _ in 0..40 {
            let status = repository.delete(&format!("manifests/{digest}")).await.status;
            assert!(matches!(status, 202 | 404), "{status}");
        }
    };
    let get = async {
        for _ in 0..200 {
            let answer = repository.get("manifests/latest").await;
            assert!(answer.status == 404 || (answer.status == 200 && answer.body == manifest), "{}", answer.status);
        }
    };
    tokio::join!(put, delete, get);
    repository.put_manifest("latest", MANIFEST, manifest.clone()).await.expect(201);
    assert_eq!(repository.get(&format!("manifests/{digest}")).await.expect(200).body, manifest);
}
