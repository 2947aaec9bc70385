//! Redis goes away while images are pushed: what was acknowledged is there when it comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cofferdam_tests::images::{self, MANIFEST};
use cofferdam_tests::wait::until_async as until;

use crate::backends::{Backends, as_it_stands};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_redis_was_killed_is_there_when_it_is_back() {
    let Some(mut backends) = Backends::start().await else { return };
    let server = backends.serve(as_it_stands);
    let repository = server.client().repository("library/image");
    let manifest = images::push(&repository, "first", 1).await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    // Tags of one manifest, one after another, until one is refused.
    let pusher = tokio::spawn({
        let (repository, manifest, acknowledged) = (repository.clone(), manifest.clone(), acknowledged.clone());
        async move {
            for number in 0.. {
                let answer = repository.put_manifest(&format!("tag-{number}"), MANIFEST, manifest.clone()).await;
                match answer.status {
                    201 => acknowledged.store(number + 1, Ordering::Relaxed),
                    503 => return,
                    other => panic!("a push without Redis was answered {other}: {:?}", answer.body),
                }
            }
        }
    });
    until("some tags are pushed", async || (acknowledged.load(Ordering::Relaxed) > 20).then_some(())).await;
    backends.redis.kill();
    pusher.await.unwrap();
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    backends.redis.restart();
    // The breaker of the mount looks again when its time has come.
    until("the registry finds Redis again", async || (repository.get("manifests/first").await.status == 200).then_some(())).await;
    for number in 0..acknowledged {
        let answer = repository.get(&format!("manifests/tag-{number}")).await.expect(200);
        assert_eq!(answer.body, manifest, "tag-{number} of {acknowledged}");
    }
    images::push(&repository, "after", 2).await;
}
