//! Metadata services on loopback, as AWS describes its own.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::error::ErrorKind;
use crate::grant::{AwsCredentials, HttpRule, Signing};
use crate::host::http::tests::{Seen, Server, asked, get, no_names, open};

const KEYS: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAROLE","SecretAccessKey":"hidden-key","Token":"a-session","Expiration":"2999-01-01T00:00:00Z"}"#;

fn answer(stream: &mut std::net::TcpStream, status: &str, body: &str) -> bool {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_ok()
}

/// An instance's metadata service, version 2: without a session it answers 401.
fn metadata(keys: &'static str) -> Server {
    Server::new(move |seen: &Seen, stream| {
        let has = |header: &str| seen.head.contains(&format!("{header}\r\n"));
        match seen.head.split(" HTTP").next().unwrap() {
            "PUT /latest/api/token" if has("x-aws-ec2-metadata-token-ttl-seconds: 60") => answer(stream, "200 OK", "a-token"),
            _ if !has("x-aws-ec2-metadata-token: a-token") => answer(stream, "401 Unauthorized", ""),
            "GET /latest/meta-data/iam/security-credentials/" => answer(stream, "200 OK", "a-role\n"),
            "GET /latest/meta-data/iam/security-credentials/a-role" => answer(stream, "200 OK", keys),
            _ => answer(stream, "404 Not Found", ""),
        }
    })
}

fn rule(store: &Server, metadata: &Server) -> HttpRule {
    let credentials = AwsCredentials::InstanceMetadata { endpoint: Some(Origin::parse(&metadata.url("")).unwrap()) };
    HttpRule { signing: Some(Signing::AwsSigV4 { region: "r".to_owned(), service: "s3".to_owned(), credentials }), ..store.rule() }
}

#[tokio::test]
async fn an_instance_signs_with_the_keys_of_its_role() {
    let (store, metadata) = (Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), metadata(KEYS));
    let http = open(&[rule(&store, &metadata)], &no_names());
    let url = http.presign(asked("GET", store.url("/b/o")), 60).await.unwrap();
    assert!(url.contains("X-Amz-Credential=ASIAROLE%2F") && url.contains("X-Amz-Security-Token=a-session"), "{url}");
    for _ in 0..3 {
        get(&http, store.url("/b/o")).await.unwrap();
        let head = store.last().head;
        assert!(head.contains("authorization: AWS4-HMAC-SHA256 Credential=ASIAROLE/") && head.contains("x-amz-security-token: a-session\r\n"));
    }
    assert_eq!(metadata.seen().len(), 3, "a session, a role and its keys, once");
}

#[tokio::test]
async fn an_instance_without_keys_says_who_did_not_give_them() {
    let store = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for (keys, problem) in [
        ("hidden", "/security-credentials/a-role answers no keys"),
        (r#"{"Code":"Failed","Message":"hidden"}"#, "answers no keys"),
        (r#"{"AccessKeyId":"hidden"}"#, "answers no keys"),
        (r#"{"AccessKeyId":"A","SecretAccessKey":"hidden","Expiration":"2001-01-01T00:00:00Z"}"#, "answers keys that have ended"),
    ] {
        let http = open(&[rule(&store, &metadata(keys))], &no_names());
        let error = get(&http, store.url("/b/o")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("credentials")));
        assert!(error.to_string().contains(problem) && !error.to_string().contains("hidden"), "{error}");
    }
    let none = Server::saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let error = get(&open(&[rule(&store, &none)], &no_names()), store.url("/b/o")).await.unwrap_err();
    assert!(error.to_string().contains("/latest/api/token answers 404"), "version 1 is not asked: {error}");
    assert!(store.seen().is_empty(), "nothing is sent unsigned");
}

#[tokio::test]
async fn a_container_shows_the_token_that_is_in_its_file_now() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("token");
    let agent = Server::new(|seen, stream| match seen.head.contains("authorization: second\r\n") {
        true => answer(stream, "200 OK", KEYS),
        false => answer(stream, "403 Forbidden", "hidden"),
    });
    let refreshed = of_container(Url::parse(&agent.url("/v1/keys?a=b")).unwrap(), Some(SecretSource::File(file.clone()))).unwrap();
    let error = refreshed.get().await.unwrap_err();
    assert!(error.to_string().contains("token cannot be used: No such file"), "{error}");
    std::fs::write(&file, "second\n").unwrap();
    // As after the pause that follows a failure.
    let refreshed = of_container(Url::parse(&agent.url("/v1/keys?a=b")).unwrap(), Some(SecretSource::File(file.clone()))).unwrap();
    assert_eq!(refreshed.get().await.unwrap().access_key_id(), "ASIAROLE");
    assert!(agent.last().head.starts_with("GET /v1/keys?a=b HTTP/1.1\r\n"));
    std::fs::write(&file, "first\n").unwrap();
    let refused = of_container(Url::parse(&agent.url("/v1/keys")).unwrap(), Some(SecretSource::File(file))).unwrap();
    let said = refused.get().await.unwrap_err().to_string();
    assert!(said.contains("/v1/keys answers 403") && !said.contains("hidden") && !said.contains("first"), "{said}");
}

#[test]
fn a_containers_environment_names_its_endpoint() {
    let named = |variables: &[(&str, &str)]| {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        endpoint(find).map(|(url, token)| (url.to_string(), token)).map_err(|error| error.to_string())
    };
    assert_eq!(named(&[(RELATIVE, "/v2/keys")]), Ok(("http://169.254.170.2/v2/keys".to_owned(), None)));
    let file = SecretSource::File(PathBuf::from("/run/token"));
    for url in ["http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials", "http://127.0.0.1:9/", "https://keys.example/"] {
        assert_eq!(named(&[(FULL, url), (TOKEN_FILE, "/run/token"), (TOKEN, "x")]), Ok((url.to_owned(), Some(file.clone()))));
    }
    assert_eq!(named(&[(RELATIVE, "/a"), (TOKEN, "x")]).unwrap().1, Some(SecretSource::Environment(TOKEN.to_owned())));
    for (variables, problem) in [
        (&[][..], "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`, which has the secret, is not set"),
        (&[(RELATIVE, "evil.example/a")], "it must begin with `/`"),
        (&[(FULL, "nothing")], "it is no URL"),
        (&[(FULL, "http://evil.example/")], "`AWS_CONTAINER_CREDENTIALS_FULL_URI` cannot be used: it must be `https://…`"),
        (&[(FULL, "http://169.254.169.254/")], "it must be `https://…`"),
    ] {
        let said = named(variables).unwrap_err();
        assert!(said.contains(problem), "{said}");
    }
}
