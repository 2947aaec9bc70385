//! Who may do what, as the surface asks and answers it.

use std::sync::Arc;

use async_trait::async_trait;
use cofferdam_registry::{Access, Action, Decision, Question, Resource};
use cofferdam_tests::client::{Answer, Client, Method, noise, sha256};
use cofferdam_tests::images::{self, MANIFEST};

use crate::desk::{Desk, Setup};

/// Alice may do everything, Bob may pull from `library`, nobody may list; who says nothing is asked.
struct House;

#[async_trait]
impl Access for House {
    async fn decide(&self, question: Question<'_>) -> Decision {
        let name = question.authorization.and_then(|header| header.to_str().ok());
        let allowed = match (name, question.resource) {
            (Some("alice"), Resource::Catalog) => false,
            (Some("alice"), _) | (Some("bob"), Resource::Registry) => true,
            (Some("bob"), Resource::Repository(repository, actions)) => repository.as_str().starts_with("library/") && actions == [Action::Pull],
            _ => false,
        };
        match name {
            Some(actor) if allowed => Decision::Allow { actor: Some(actor.to_owned()) },
            Some(actor) => Decision::Deny { actor: actor.to_owned() },
            None => Decision::Challenge { challenge: "Basic realm=\"house\"".to_owned() },
        }
    }
}

fn guarded() -> Desk {
    Desk::with(Setup::default(), |api| api.with_access(Arc::new(House)))
}

async fn asked(client: &Client, who: Option<&str>, method: Method, path: &str) -> Answer {
    let request = client.request(method, path);
    Answer::of(match who {
        Some(who) => request.header("authorization", who),
        None => request,
    })
    .await
}

/// Pushes a blob as Alice.
async fn pushed(client: &Client, repository: &str) -> String {
    let blob = noise(1, 300);
    let digest = sha256(&blob);
    let request = client.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/?digest={digest}"));
    Answer::of(request.header("authorization", "alice").body(blob)).await.expect(201);
    digest
}

#[tokio::test]
async fn who_says_nothing_is_challenged_everywhere() {
    let desk = guarded();
    let digest = sha256(b"");
    for (method, path) in [
        (Method::GET, "/v2/".to_owned()),
        (Method::GET, "/v2/_catalog".to_owned()),
        (Method::GET, "/v2/library/thing/tags/list".to_owned()),
        (Method::GET, format!("/v2/library/thing/referrers/{digest}")),
        (Method::HEAD, "/v2/library/thing/manifests/latest".to_owned()),
        (Method::PUT, "/v2/library/thing/manifests/latest".to_owned()),
        (Method::DELETE, "/v2/library/thing/manifests/latest".to_owned()),
        (Method::GET, "/v2/library/thing/manifests/.bad".to_owned()),
        (Method::GET, format!("/v2/library/thing/blobs/{digest}")),
        (Method::DELETE, format!("/v2/library/thing/blobs/{digest}")),
        (Method::POST, "/v2/library/thing/blobs/uploads/".to_owned()),
        (Method::PATCH, "/v2/library/thing/blobs/uploads/x".to_owned()),
        (Method::PUT, "/v2/library/thing/blobs/uploads/x".to_owned()),
        (Method::GET, "/v2/library/thing/blobs/uploads/x".to_owned()),
        (Method::DELETE, "/v2/library/thing/blobs/uploads/x".to_owned()),
    ] {
        let answer = asked(&desk.client(), None, method.clone(), &path).await.expect(401);
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"house\""), "{method} {path}");
        if method != Method::HEAD {
            assert_eq!(answer.code(), "UNAUTHORIZED", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn who_may_only_pull_does() {
    let desk = guarded();
    let client = desk.client();
    let digest = pushed(&client, "library/thing").await;
    let blob = format!("/v2/library/thing/blobs/{digest}");
    asked(&client, Some("bob"), Method::GET, "/v2/").await.expect(200);
    asked(&client, Some("bob"), Method::GET, &blob).await.expect(200);
    for (method, path) in [
        (Method::DELETE, blob.as_str()),
        (Method::POST, "/v2/library/thing/blobs/uploads/"),
        (Method::PUT, "/v2/library/thing/manifests/latest"),
        (Method::GET, "/v2/private/thing/tags/list"),
        (Method::GET, "/v2/_catalog"),
    ] {
        asked(&client, Some("bob"), method, path).await.refused(403, "DENIED");
    }
    asked(&client, Some("alice"), Method::GET, &blob).await.expect(200);
}

#[tokio::test]
async fn what_may_not_be_pulled_cannot_be_mounted() {
    struct OwnOnly;
    #[async_trait]
    impl Access for OwnOnly {
        async fn decide(&self, question: Question<'_>) -> Decision {
            match question.resource {
                Resource::Repository(name, actions) if name.as_str() == "theirs/thing" && question.authorization.is_none() => {
                    Decision::Challenge { challenge: format!("Basic realm=\"{}\"", actions.len()) }
                }
                _ => Decision::Allow { actor: None },
            }
        }
    }
    let desk = Desk::with(Setup::default(), |api| api.with_access(Arc::new(OwnOnly)));
    let client = desk.client();
    let digest = pushed(&client, "theirs/thing").await;
    let mount = format!("/v2/mine/thing/blobs/uploads/?mount={digest}&from=theirs/thing");
    // An upload begins, as if it were not there.
    let refused = asked(&client, None, Method::POST, &mount).await.expect(202);
    assert!(refused.header("docker-upload-uuid").is_some());
    assert!(!client.repository("mine/thing").has(&digest).await);
    asked(&client, Some("anybody"), Method::POST, &mount).await.expect(201);
    assert!(client.repository("mine/thing").has(&digest).await);
}

#[tokio::test]
async fn a_body_that_is_refused_does_not_break_the_connection() {
    let desk = guarded();
    let client = desk.client();
    let manifest = images::bytes(&images::manifest(&noise(1, 10), &[]));
    // The same connection, again and again: each body has to be read although nobody wants it.
    for _ in 0..20 {
        let put = client.request(Method::PUT, "/v2/library/thing/manifests/latest").header("content-type", MANIFEST);
        Answer::of(put.body(manifest.clone())).await.refused(401, "UNAUTHORIZED");
    }
}
