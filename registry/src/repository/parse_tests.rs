//! Every rule of a manifest, broken once.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn digest(n: u8) -> String {
    format!("sha256:{}", format!("{n:02x}").repeat(32))
}

fn descriptor(n: u8) -> Value {
    json!({ "mediaType": "application/octet-stream", "digest": digest(n), "size": 1 })
}

fn image() -> Value {
    json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(1), "layers": [descriptor(2), descriptor(3)] })
}

fn index() -> Value {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(4)] })
}

fn with(mut document: Value, key: &str, value: Value) -> Value {
    document[key] = value;
    document
}

fn without(mut document: Value, key: &str) -> Value {
    document.as_object_mut().unwrap().remove(key);
    document
}

fn parse(document: &Value, content_type: Option<&str>) -> Result<Parsed> {
    Parsed::new(document.to_string().as_bytes(), content_type)
}

/// Checks that the document is refused, with a message that says why.
fn refused(document: &Value, content_type: Option<&str>, why: &str) {
    let error = parse(document, content_type).unwrap_err();
    assert!(matches!(error, RegistryError::ManifestInvalid { .. }), "{error:?}");
    assert!(error.to_string().contains(why), "{error} does not say {why:?}");
}

fn names(digests: &[BlobDigest]) -> Vec<String> {
    digests.iter().map(BlobDigest::to_string).collect()
}

#[test]
fn an_image_needs_its_config_and_layers() {
    let parsed = parse(&image(), Some(OCI_MANIFEST)).unwrap();
    assert_eq!(names(&parsed.blobs), [digest(1), digest(2), digest(3)]);
    assert_eq!((parsed.media_type.as_str(), parsed.children.len(), parsed.subject), (OCI_MANIFEST, 0, None));
    assert_eq!(parsed.artifact_type.as_deref(), Some("application/octet-stream"));
    let docker = with(image(), "mediaType", json!(DOCKER_MANIFEST));
    assert_eq!(parse(&docker, Some(DOCKER_MANIFEST)).unwrap().media_type, DOCKER_MANIFEST);
}

#[test]
fn an_index_names_manifests() {
    let parsed = parse(&index(), Some(OCI_INDEX)).unwrap();
    assert_eq!((names(&parsed.children), parsed.blobs.len()), (vec![digest(4)], 0));
    let list = with(index(), "mediaType", json!(DOCKER_LIST));
    assert_eq!(parse(&list, None).unwrap().media_type, DOCKER_LIST);
}

#[test]
fn sender_and_manifest_agree_on_what_it_is() {
    refused(&image(), Some(OCI_INDEX), "was sent as");
    refused(&image(), Some("application/json"), "was sent as");
    refused(&without(image(), "mediaType"), Some(OCI_INDEX), "looks like");
    refused(&without(image(), "mediaType"), Some(DOCKER_MANIFEST), "no `mediaType`");
    assert_eq!(
        parse(&without(image(), "mediaType"), Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8")).unwrap().media_type,
        OCI_MANIFEST
    );
    assert_eq!(parse(&without(image(), "mediaType"), None).unwrap().media_type, OCI_MANIFEST);
    assert_eq!(parse(&without(index(), "mediaType"), None).unwrap().media_type, OCI_INDEX);
    assert_eq!(parse(&image(), Some("")).unwrap().media_type, OCI_MANIFEST);
    refused(&with(image(), "mediaType", json!("text/plain")), None, "what can be pushed is");
}

#[test]
fn schema_1_is_refused() {
    for media_type in SCHEMA_1 {
        refused(&json!({ "schemaVersion": 1, "mediaType": media_type, "fsLayers": [] }), Some(media_type), "schema 1");
    }
    refused(&json!({ "schemaVersion": 1, "fsLayers": [] }), None, "schema 1");
    refused(&with(image(), "fsLayers", json!([])), None, "schema 1");
}

#[test]
fn what_is_no_manifest_is_refused() {
    for text in ["", "{", "[]", "null", "{}}"] {
        let error = Parsed::new(text.as_bytes(), Some(OCI_MANIFEST)).unwrap_err();
        assert!(matches!(error, RegistryError::ManifestInvalid { .. }), "{text}: {error:?}");
    }
    refused(&with(image(), "schemaVersion", json!(3)), None, "schemaVersion");
    refused(&without(image(), "schemaVersion"), None, "schemaVersion");
    refused(&without(image(), "config"), None, "no `config`");
    refused(&without(image(), "layers"), None, "no `layers`");
    refused(&without(index(), "manifests"), Some(OCI_INDEX), "no `manifests`");
    refused(&with(image(), "annotations", json!({ "a": 1 })), None, "JSON");
    let twice = image().to_string().replacen("{", &format!("{{\"config\":{},", descriptor(9)), 1);
    assert!(Parsed::new(twice.as_bytes(), None).unwrap_err().to_string().contains("duplicate"));
}

#[test]
fn an_image_that_is_an_index_too_is_refused() {
    refused(&with(image(), "manifests", json!([])), None, "as only an index does");
    refused(&with(index(), "layers", json!([])), None, "as only an image does");
    refused(&with(index(), "config", descriptor(1)), None, "as only an image does");
}

#[test]
fn descriptors_have_digests_and_sizes() {
    for (key, value) in [("digest", json!("sha256:abc")), ("digest", json!("md5:abc"))] {
        refused(&with(image(), "config", with(descriptor(1), key, value.clone())), None, "a config with the digest");
        refused(&with(image(), "layers", json!([with(descriptor(1), key, value.clone())])), None, "a layer with the digest");
        refused(&with(index(), "manifests", json!([with(descriptor(1), key, value.clone())])), None, "a manifest with the digest");
        refused(&with(image(), "subject", with(descriptor(1), key, value)), None, "a subject with the digest");
    }
    refused(&with(image(), "config", with(descriptor(1), "size", json!(-1))), None, "JSON");
    refused(&with(image(), "config", without(descriptor(1), "size")), None, "size");
    refused(&with(image(), "config", without(descriptor(1), "mediaType")), None, "mediaType");
}

#[test]
fn layers_that_may_not_be_pushed_stay_where_their_urls_say() {
    let foreign = |media_type: &str| with(with(descriptor(5), "mediaType", json!(media_type)), "urls", json!(["https://example.com/layer"]));
    for media_type in [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ] {
        let parsed = parse(&with(image(), "layers", json!([descriptor(2), foreign(media_type)])), None).unwrap();
        assert_eq!((names(&parsed.blobs), names(&parsed.foreign)), (vec![digest(1), digest(2)], vec![digest(5)]));
        // Without a URL nobody could have it.
        let parsed = parse(&with(image(), "layers", json!([without(foreign(media_type), "urls")])), None).unwrap();
        assert_eq!(names(&parsed.blobs), [digest(1), digest(5)]);
    }
    let parsed = parse(&with(image(), "layers", json!([foreign("application/vnd.oci.image.layer.v1.tar")])), None).unwrap();
    assert_eq!(parsed.foreign.len(), 0);
}

#[test]
fn referrers_say_what_they_are_and_to_what_they_refer() {
    let signature = with(with(image(), "subject", descriptor(7)), "artifactType", json!("application/x-signature"));
    let parsed = parse(&with(signature, "annotations", json!({ "a": "b" })), None).unwrap();
    assert_eq!(parsed.subject.unwrap().to_string(), digest(7));
    assert_eq!(parsed.artifact_type.as_deref(), Some("application/x-signature"));
    assert_eq!(parsed.annotations.unwrap()["a"], "b");
    let parsed = parse(&with(index(), "subject", descriptor(7)), None).unwrap();
    assert_eq!((parsed.subject.unwrap().to_string(), parsed.artifact_type), (digest(7), None));
}

#[test]
fn what_others_stored_is_served_as_what_it_is() {
    let cases = [
        (image(), OCI_MANIFEST),
        (without(image(), "mediaType"), OCI_MANIFEST),
        (without(index(), "mediaType"), OCI_INDEX),
        (with(image(), "mediaType", json!(DOCKER_MANIFEST)), DOCKER_MANIFEST),
        (json!({ "schemaVersion": 1, "fsLayers": [] }), SCHEMA_1[1]),
        (with(image(), "mediaType", json!("application/x-other")), "application/x-other"),
    ];
    for (document, media_type) in cases {
        assert_eq!(media_type_of(document.to_string().as_bytes()), media_type);
    }
}

#[test]
fn a_collection_sees_all_that_a_manifest_names() {
    let all = |document: Value| {
        let named = references_of(document.to_string().as_bytes()).unwrap();
        named.into_iter().map(|named| named.digest.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(all(image()), [digest(1), digest(2), digest(3)]);
    assert_eq!(all(index()), [digest(4)]);
    assert_eq!(all(json!({ "schemaVersion": 1, "fsLayers": [{ "blobSum": digest(6) }] })), [digest(6)]);
    assert!(references_of(b"{").is_err());
}
