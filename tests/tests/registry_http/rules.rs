//! What an operator has switched off.

use cofferdam_registry::Rules;
use cofferdam_tests::client::{Method, noise, sha256};
use cofferdam_tests::images::{self, MANIFEST};

use crate::desk::{Desk, Setup};

fn ruled(change: impl FnOnce(&mut Rules)) -> Desk {
    let mut setup = Setup::default();
    change(&mut setup.rules);
    Desk::with(setup, |api| api)
}

#[tokio::test]
async fn a_read_only_registry_is_read() {
    let desk = ruled(|rules| rules.read_only = true);
    let repository = desk.repository();
    let digest = sha256(b"");
    for (method, path) in [
        (Method::POST, "blobs/uploads/".to_owned()),
        (Method::POST, format!("blobs/uploads/?digest={digest}")),
        (Method::POST, format!("blobs/uploads/?mount={digest}&from=a")),
        (Method::PUT, "manifests/latest".to_owned()),
        (Method::DELETE, "manifests/latest".to_owned()),
        (Method::DELETE, format!("blobs/{digest}")),
    ] {
        let answer = cofferdam_tests::client::Answer::of(repository.request(method.clone(), &path).header("content-length", 0)).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "UNSUPPORTED"), "{method} {path}");
    }
    desk.client().get("/v2/").await.expect(200);
    repository.get("manifests/latest").await.expect(404);
}

#[tokio::test]
async fn deletion_can_be_disabled() {
    let desk = ruled(|rules| rules.deletes = false);
    let repository = desk.repository();
    let digest = repository.push(noise(1, 100)).await;
    let manifest = images::push(&repository, "latest", 2).await;
    for path in [format!("blobs/{digest}"), "manifests/latest".to_owned(), format!("manifests/{}", sha256(&manifest))] {
        repository.delete(&path).await.refused(405, "UNSUPPORTED");
    }
    repository.put_manifest("again", MANIFEST, manifest).await.expect(201);
    assert!(repository.has(&digest).await);
}
