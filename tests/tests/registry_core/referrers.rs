//! Referrers: records, the tag that clients keep, filters.

use cofferdam::upload::BlobDigest;
use cofferdam_registry::Repository;
use serde_json::{Value, json};

use crate::world::{OCI_INDEX, OCI_MANIFEST, descriptor, digest, each, image, push, push_image, put, reference};

fn referring(to: &BlobDigest, artifact_type: Option<&str>, note: &str) -> Value {
    let mut manifest = image("config", &[]);
    manifest["subject"] = json!({ "mediaType": OCI_MANIFEST, "digest": to.to_string(), "size": 1 });
    manifest["annotations"] = json!({ "note": note });
    if let Some(artifact_type) = artifact_type {
        manifest["artifactType"] = json!(artifact_type);
    }
    manifest
}

async fn digests(repository: &Repository, subject: &BlobDigest, artifact_type: Option<&str>) -> Vec<BlobDigest> {
    repository.referrers(subject, artifact_type).await.unwrap().into_iter().map(|descriptor| descriptor.digest).collect()
}

#[tokio::test]
async fn a_subject_lists_what_refers_to_it() {
    each(|world| async move {
        let repository = world.repository("a");
        let subject = push_image(&repository, "latest", "config", &[]).await;
        assert!(repository.referrers(&subject, None).await.unwrap().is_empty());
        let (signature, other) = (referring(&subject, Some("x/signature"), "one"), referring(&subject, None, "two"));
        let (one, two) = (digest(signature.to_string()), digest(other.to_string()));
        assert_eq!(put(&repository, &one, &signature).await.unwrap().subject, Some(subject.clone()));
        put(&repository, &two, &other).await.unwrap();
        let mut both = vec![one.clone(), two.clone()];
        both.sort();
        assert_eq!(digests(&repository, &subject, None).await, both);
        assert_eq!(digests(&repository, &subject, Some("x/signature")).await, std::slice::from_ref(&one));
        assert_eq!(
            digests(&repository, &subject, Some("application/octet-stream")).await,
            std::slice::from_ref(&two),
            "the media type of its config"
        );
        let described = repository.referrers(&subject, Some("x/signature")).await.unwrap().remove(0);
        assert_eq!(described.annotations.unwrap()["note"], "one");
        assert_eq!((described.media_type.as_str(), described.size), (OCI_MANIFEST, signature.to_string().len() as u64));
        assert!(world.repository("b").referrers(&subject, None).await.unwrap().is_empty(), "another repository has its own");
        repository.delete_manifest(&reference(&one)).await.unwrap();
        assert_eq!(digests(&repository, &subject, None).await, [two]);
    })
    .await;
}

#[tokio::test]
async fn the_tag_of_clients_that_know_no_referrers_is_merged() {
    each(|world| async move {
        let repository = world.repository("a");
        let subject = digest("subject");
        push(&repository, "config").await;
        let known = referring(&subject, Some("x/known"), "known");
        let known_digest = put(&repository, "known", &known).await.unwrap().digest;
        push_image(&repository, "child", "config", &["layer"]).await;
        let child = image("config", &["layer"]).to_string();
        let mut line = descriptor(&child);
        line["artifactType"] = json!("x/tagged");
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [line, descriptor(known.to_string())] });
        put(&repository, format!("sha256-{}", subject.hex()), &index).await.unwrap();
        let mut both = vec![known_digest.clone(), digest(child)];
        both.sort();
        assert_eq!(digests(&repository, &subject, None).await, both);
        assert_eq!(digests(&repository, &subject, Some("x/known")).await, [known_digest], "the registry's own record counts");
        assert_eq!(digests(&repository, &subject, Some("x/tagged")).await.len(), 1);
    })
    .await;
}
