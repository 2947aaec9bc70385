//! Blobs by presigned URLs: the client is sent to the store itself, and is served by the registry where the store makes no URL.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::drivers;
use cofferdam_tests::s3::{BUCKET, S3Server};
use cofferdam_tests::server::Server;
use reqwest::RequestBuilder;

const CREDENTIALS: &str = "[test]\naws_access_key_id = AKIDTEST\naws_secret_access_key = hidden\n";

/// A registry on the driver `s3`, with these lines more about its mount.
fn serve(home: &Path, s3: &S3Server, sign: &str, of_mount: &str) -> Server {
    let (driver, endpoint) = (drivers::path("s3"), s3.endpoint());
    std::fs::write(home.join("credentials"), CREDENTIALS).unwrap();
    let text = format!(
        "[mount.main]\ndriver = {driver:?}\n{of_mount}\n\
         [mount.main.settings]\nbucket = \"{BUCKET}\"\nendpoint = \"{endpoint}\"\npath-style = true\nconditional-put = true\nchecksum = \"crc64nvme\"\n\
         [[mount.main.http]]\nallow = \"{endpoint}\"\npath = \"/{BUCKET}\"\naddresses = [\"127.0.0.1\"]\n{sign}\n"
    );
    Server::with_file(home, text)
}

const SIGN: &str = "sign = { scheme = \"aws-sigv4\", region = \"us-east-1\", credentials-file = \"credentials\", profile = \"test\" }";

/// What a client asks that has no credentials and does what the registry told it.
fn follow(answer: &Answer) -> RequestBuilder {
    reqwest::Client::new().get(answer.location())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_fetched_from_the_store_itself() {
    let Some(s3) = S3Server::moto().await else { return };
    let home = tempfile::tempdir().unwrap();
    let server = serve(home.path(), &s3, SIGN, "redirect = \"10m\"");
    let repository = server.client().repository("library/thing");
    let bytes = noise(1, 100_000);
    let digest = repository.push(bytes.clone()).await;
    let blob = format!("blobs/{digest}");

    let answer = repository.get(&blob).await.expect(307);
    assert!(answer.location().starts_with(&format!("{}/{BUCKET}/", s3.endpoint())) && answer.location().contains("X-Amz-Expires=600&"));
    assert_eq!((answer.header("docker-content-digest"), answer.header("cache-control")), (Some(digest.as_str()), Some("no-store")));
    assert!(answer.body.is_empty());
    assert_eq!(Answer::of(follow(&answer)).await.expect(200).body, bytes);
    let part = Answer::of(follow(&answer).header("range", "bytes=10-19")).await.expect(206);
    assert_eq!(part.body, bytes.slice(10..20));

    // What is no transfer of bytes is the registry's own.
    assert_eq!(repository.head(&blob).await.expect(200).header("content-length"), Some("100000"));
    let known = repository.request(Method::GET, &blob).header("if-none-match", format!("\"{digest}\""));
    Answer::of(known).await.expect(304);
    repository.get(&format!("blobs/{}", sha256(b"nothing"))).await.refused(404, "BLOB_UNKNOWN");
    server.client().repository("library/other").get(&blob).await.refused(404, "BLOB_UNKNOWN");
    assert!(!server.log().contains("X-Amz-Signature"), "a URL that lets anybody in is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_url_can_be_had_the_registry_serves_the_bytes() {
    let Some(s3) = S3Server::moto().await else { return };
    let home = tempfile::tempdir().unwrap();
    // Moto takes whoever says anything at all; by a token nobody can sign a URL.
    std::fs::write(home.path().join("token"), "hidden").unwrap();
    let server = serve(home.path(), &s3, "sign = { scheme = \"bearer\", token-file = \"token\" }", "redirect = \"10m\"");
    let repository = server.client().repository("library/thing");
    let bytes = noise(2, 50_000);
    let digest = repository.push(bytes.clone()).await;
    for _ in 0..3 {
        assert_eq!(repository.blob(&digest).await, bytes);
    }
    let told = server.log().matches("no presigned URL could be had").count();
    assert_eq!(told, 1, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_anywhere_unasked() {
    let Some(s3) = S3Server::moto().await else { return };
    let home = tempfile::tempdir().unwrap();
    let server = serve(home.path(), &s3, SIGN, "");
    let repository = server.client().repository("library/thing");
    let bytes = noise(3, 50_000);
    assert_eq!(repository.blob(&repository.push(bytes.clone()).await).await, bytes);
}
