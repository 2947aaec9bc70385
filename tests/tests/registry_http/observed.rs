//! What others see of a request: ids, events, the access log.

use std::sync::{Arc, Mutex};

use cofferdam_registry::{Event, EventAction, EventTarget, Events};
use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::images;

use crate::desk::{Desk, Setup};

/// Keeps what it is told.
#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl Events for Kept {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Kept {
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn listened_to() -> (Desk, Arc<Kept>) {
    let kept = Arc::<Kept>::default();
    let events = kept.clone();
    (Desk::with(Setup::default(), |api| api.with_events(events)), kept)
}

fn blob_of(event: &Event) -> (String, Option<u64>) {
    match &event.target {
        EventTarget::Blob { digest, size } => (digest.to_string(), *size),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_has_an_id_its_own_if_it_is_sane() {
    let desk = Desk::new();
    let id = |answer: &Answer| answer.header("x-request-id").unwrap().to_owned();
    let own = Answer::of(desk.client().request(Method::GET, "/v2/").header("x-request-id", "from-the-proxy.7")).await;
    assert_eq!(id(&own), "from-the-proxy.7");
    let forged = Answer::of(desk.client().request(Method::GET, "/v2/").header("x-request-id", "a \"forged\" id")).await;
    assert!(!id(&forged).contains('"'));
    let missing = desk.client().get("/nowhere").await.expect(404);
    assert!(!id(&missing).is_empty() && id(&missing) != id(&forged));
}

#[tokio::test]
async fn pushes_pulls_and_deletions_of_blobs_are_told() {
    let (desk, kept) = listened_to();
    let repository = desk.repository();
    let digest = repository.push(noise(1, 700)).await;
    repository.blob(&digest).await;
    repository.head(&format!("blobs/{digest}")).await.expect(200);
    repository.get("blobs/none").await.expect(400);
    let mount = format!("/v2/other/thing/blobs/uploads/?mount={digest}&from=library/thing");
    let request = desk.client().request(Method::POST, &mount).header("user-agent", "a test").header("x-request-id", "mounting");
    Answer::of(request.header("content-length", 0)).await.expect(201);
    repository.delete(&format!("blobs/{digest}")).await.expect(202);
    let events = kept.take();
    let told: Vec<_> = events.iter().map(|event| (event.action, event.repository.as_str(), blob_of(event))).collect();
    let of = |size| (digest.clone(), size);
    assert_eq!(
        told,
        [
            (EventAction::Push, "library/thing", of(Some(700))),
            (EventAction::Pull, "library/thing", of(Some(700))),
            (EventAction::Mount, "other/thing", of(None)),
            (EventAction::Delete, "library/thing", of(None)),
        ]
    );
    let mounted = &events[2];
    assert_eq!(mounted.from_repository.as_ref().map(ToString::to_string).as_deref(), Some("library/thing"));
    assert_eq!((mounted.origin.request_id.as_str(), mounted.origin.user_agent.as_deref()), ("mounting", Some("a test")));
    assert_eq!(mounted.origin.host.as_deref(), Some(desk.address.to_string().as_str()));
}

#[tokio::test]
async fn manifests_are_told_with_tag_type_and_size() {
    let (desk, kept) = listened_to();
    let repository = desk.repository();
    let manifest = images::push(&repository, "v1", 3).await;
    repository.get("manifests/v1").await.expect(200);
    repository.get(&format!("manifests/{}", sha256(&manifest))).await.expect(200);
    repository.delete("manifests/v1").await.expect(202);
    let told: Vec<_> = kept
        .take()
        .into_iter()
        .filter_map(|event| match event.target {
            EventTarget::Manifest { digest, media_type, size, tag } => {
                let digest = digest.map(|digest| digest.to_string());
                Some((event.action, digest, media_type.is_some(), size, tag.map(|tag| tag.to_string())))
            }
            EventTarget::Blob { .. } => None,
        })
        .collect();
    let (digest, size, tag) = (Some(sha256(&manifest)), Some(manifest.len() as u64), Some("v1".to_owned()));
    assert_eq!(
        told,
        [
            (EventAction::Push, digest.clone(), true, size, tag.clone()),
            (EventAction::Pull, digest.clone(), true, size, tag.clone()),
            (EventAction::Pull, digest, true, size, None),
            (EventAction::Delete, None, false, None, tag),
        ]
    );
}

#[tokio::test]
async fn what_fails_is_not_told() {
    let (desk, kept) = listened_to();
    let repository = desk.repository();
    repository.finish(&repository.start().await, &sha256(b"another"), "this").await.expect(400);
    repository.get(&format!("blobs/{}", sha256(b"nothing"))).await.expect(404);
    repository.delete("manifests/nothing").await.expect(404);
    assert_eq!(kept.take(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_a_get_without_its_body() {
    let desk = Desk::new();
    let repository = desk.repository();
    let digest = repository.push(noise(1, 4000)).await;
    images::push(&repository, "v1", 3).await;
    for path in ["/v2/", "/v2/_catalog", "/v2/library/thing/tags/list", "/v2/library/thing/manifests/v1", "/v2/library/thing/manifests/none"] {
        same(&desk, path).await;
    }
    same(&desk, &format!("/v2/library/thing/blobs/{digest}")).await;
    same(&desk, &format!("/v2/library/thing/referrers/{digest}")).await;
}

async fn same(desk: &Desk, path: &str) {
    for client in [desk.client(), cofferdam_tests::client::Client::http2(&desk.address.to_string())] {
        let get = client.get(path).await;
        let head = Answer::of(client.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-length", "content-type", "docker-content-digest", "etag", "docker-distribution-api-version"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}
