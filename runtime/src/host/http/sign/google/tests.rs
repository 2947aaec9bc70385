//! A service account against a token endpoint and a store on loopback.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use jsonwebtoken::{DecodingKey, Validation};

use super::*;
use crate::grant::{HttpRule, Signing};
use crate::host::http::tests::{Server, asked, get, no_names, open};

/// The account of Google's published test vectors, and its key, which is good for nothing else.
pub(super) const EMAIL: &str = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com";

const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCsPzMirIottfQ2
ryjQmPWocSEeGo7f7Q4/tMQXHlXFzo93AGgU2t+clEj9L5loNhLVq+vk+qmnyDz5
Q04y8jVWyMYzzGNNrGRW/yaYqnqlKZCy1O3bmnNjV7EDbC/jE1ZLBY0U3HaSHfn6
S9ND8MXdgD0/ulRTWwq6vU8/w6i5tYsU7n2LLlQTl1fQ7/emO9nYcCFJezHZVa0H
meWsdHwWsok0skwQYQNIzP3JF9BpR5gJT2gNge6KopDesJeLoLzaX7cUnDn+CAnn
LuLDwwSsIVKyVxhBFsFXPplgpaQRwmGzwEbf/Xpt9qo26w2UMgn30jsOaKlSeAX8
cS6ViF+tAgMBAAECggEACKRuJCP8leEOhQziUx8Nmls8wmYqO4WJJLyk5xUMUC22
SI4CauN1e0V8aQmxnIc0CDkFT7qc9xBmsMoF+yvobbeKrFApvlyzNyM7tEa/exh8
DGD/IzjbZ8VfWhDcUTwn5QE9DCoon9m1sG+MBNlokB3OVOt8LieAAREdEBG43kJu
yQTOkY9BGR2AY1FnAl2VZ/jhNDyrme3tp1sW1BJrawzR7Ujo8DzlVcS2geKA9at7
55ua5GbHz3hfzFgjVXDfnkWzId6aHypUyqHrSn1SqGEbyXTaleKTc6Pgv0PgkJjG
hZazWWdSuf1T5Xbs0OhAK9qraoAzT6cXXvMEvvPt6QKBgQDXcZKqJAOnGEU4b9+v
Odoh+nssdrIOBNMu1m8mYbUVYS1aakc1iDGIIWNM3qAwbG+yNEIi2xi80a2RMw2T
9RyCNB7yqCXXVKLBiwg9FbKMai6Vpk2bWIrzahM9on7AhCax/X2AeOp+UyYhFEy6
UFG4aHb8THscL7b515ukSuKb5QKBgQDMq+9PuaB0eHsrmL6q4vHNi3MLgijGg/zu
AXaPygSYAwYW8KglcuLZPvWrL6OG0+CrfmaWTLsyIZO4Uhdj7MLvX6yK7IMnagvk
L3xjgxSklEHJAwi5wFeJ8ai/1MIuCn8p2re3CbwISKpvf7Sgs/W4196P4vKvTiAz
jcTiSYFIKQKBgCjMpkS4O0TakMlGTmsFnqyOneLmu4NyIHgfPb9cA4n/9DHKLKAT
oaWxBPgatOVWs7RgtyGYsk+XubHkpC6f3X0+15mGhFwJ+CSE6tN+l2iF9zp52vqP
Qwkjzm7+pdhZbmaIpcq9m1K+9lqPWJRz/3XXuqi+5xWIZ7NaxGvRjqaNAoGAdK2b
utZ2y48XoI3uPFsuP+A8kJX+CtWZrlE1NtmS7tnicdd19AtfmTuUL6fz0FwfW4Su
lQZfPT/5B339CaEiq/Xd1kDor+J7rvUHM2+5p+1A54gMRGCLRv92FQ4EON0RC1o9
m2I4SHysdO3XmjmdXmfp4BsgAKJIJzutvtbqlakCgYB+Cb10z37NJJ+WgjDt+yT2
yUNH17EAYgWXryfRgTyi2POHuJitd64Xzuy6oBVs3wVveYFM6PIKXlj8/DahYX5I
R2WIzoCNLL3bEZ+nC6Jofpb4kspoAeRporj29SgesK6QBYWHWX2H645RkRGYGpDo
51gjy9m/hSNqBbH2zmh04A==
-----END PRIVATE KEY-----
";

/// The public half of [`KEY`], in hexadecimal.
const MODULUS: &str = "ac3f3322ac8a2db5f436af28d098f5a871211e1a8edfed0e3fb4c4171e55c5ce8f77006814dadf9c9448fd2f99683612d5abebe4faa9a7c83cf9434e32f23556\
    c8c633cc634dac6456ff2698aa7aa52990b2d4eddb9a736357b1036c2fe313564b058d14dc76921df9fa4bd343f0c5dd803d3fba54535b0ababd4f3fc3a8b9b5\
    8b14ee7d8b2e54139757d0eff7a63bd9d87021497b31d955ad0799e5ac747c16b28934b24c10610348ccfdc917d0694798094f680d81ee8aa290deb0978ba0bc\
    da5fb7149c39fe0809e72ee2c3c304ac2152b257184116c1573e9960a5a411c261b3c046dffd7a6df6aa36eb0d943209f7d23b0e68a9527805fc712e95885fad";

/// A key file as Google writes it.
pub(super) fn key_file(token_uri: Option<&str>) -> String {
    let token_uri = token_uri.unwrap_or(TOKEN_URI);
    serde_json::json!({
        "type": "service_account", "client_email": EMAIL, "private_key": KEY, "private_key_id": "the-key", "token_uri": token_uri,
    })
    .to_string()
}

/// A rule for `store` that signs as the account, whose tokens come from `endpoint`.
fn rule(store: &Server, endpoint: &Server, scratch: &tempfile::TempDir) -> HttpRule {
    let file = scratch.path().join("key.json");
    std::fs::write(&file, key_file(Some(&endpoint.url("/token")))).unwrap();
    let signing = Signing::GoogleServiceAccount { key: SecretSource::File(file), scope: "a-scope".to_owned() };
    HttpRule { signing: Some(signing), ..store.rule() }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_sent_with_each_request() {
    let token = r#"{"access_token":"hidden-token","expires_in":3599,"token_type":"Bearer"}"#;
    let endpoint = Server::new(move |_, stream| write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{token}", token.len()).is_ok());
    let store = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let scratch = tempfile::tempdir().unwrap();
    let http = open(&[rule(&store, &endpoint, &scratch)], &no_names());
    for answered in join_all((0..10).map(|_| get(&http, store.url("/b/o")))).await {
        assert_eq!(answered.unwrap().status, 200);
    }
    assert!(store.seen().iter().all(|seen| seen.head.contains("authorization: Bearer hidden-token\r\n")));
    assert_eq!(endpoint.seen().len(), 1, "one token for ten requests at once");
    let said = endpoint.last();
    assert!(said.head.starts_with("POST /token HTTP/1.1\r\n") && said.head.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(&said.body).into_owned().collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let modulus = base16ct::lower::decode_vec(MODULUS).unwrap();
    let mut expected = Validation::new(Algorithm::RS256);
    expected.set_audience(&[endpoint.url("/token")]);
    let claims =
        jsonwebtoken::decode::<serde_json::Value>(&form["assertion"], &DecodingKey::from_rsa_raw_components(&modulus, &[1, 0, 1]), &expected);
    let claims = claims.unwrap();
    assert_eq!((claims.claims["iss"].as_str(), claims.claims["scope"].as_str()), (Some(EMAIL), Some("a-scope")));
    assert_eq!(claims.claims["exp"].as_u64().unwrap() - claims.claims["iat"].as_u64().unwrap(), 3600);
    assert_eq!(claims.header.kid.as_deref(), Some("the-key"));
    let url = http.presign(asked("GET", store.url("/b/o")), 60).await.unwrap();
    assert!(url.contains("X-Goog-Signature=") && !url.contains("hidden"), "{url}");
}

#[tokio::test]
async fn an_account_that_gets_no_token_says_where_and_shows_nothing() {
    let store = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let scratch = tempfile::tempdir().unwrap();
    for (answer, expected) in [
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 14\r\n\r\nhidden-echoing", "/token answers 400 Bad Request"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nhidden-echoing", "/token answers no `access_token`"),
        ("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "/token answers 302 Found"),
    ] {
        let endpoint = Server::saying(answer);
        let http = open(&[rule(&store, &endpoint, &scratch)], &no_names());
        let error = get(&http, store.url("/b/o")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("credentials")));
        let said = error.to_string();
        assert!(said.contains(expected) && said.contains("key.json") && !said.contains("hidden") && !said.contains("assertion"), "{said}");
    }
    assert_eq!(store.accepted.load(Ordering::Relaxed), 0, "nothing is sent unsigned");
}

#[test]
fn what_is_no_key_file_is_said_without_showing_it() {
    let with = |name: &str, value: &str| {
        let mut file: serde_json::Value = serde_json::from_str(&key_file(None)).unwrap();
        file[name] = value.into();
        file.to_string()
    };
    for (text, problem) in [
        ("hidden".to_owned(), "it is no key file"),
        (r#"{"type": "service_account", "client_email": "hidden"}"#.to_owned(), "it is no key file"),
        (with("type", "authorized_user"), "its `type` is not"),
        (with("private_key", "hidden"), "its `private_key` is no RSA key"),
        (with("token_uri", "http://oauth2.googleapis.com/token"), "its `token_uri` must be"),
        (with("token_uri", "hidden"), "its `token_uri` must be"),
    ] {
        let Err(said) = Account::parse(&text) else { panic!("it is taken: {problem}") };
        assert!(said.starts_with(problem) && !said.contains("hidden"), "{said}");
    }
    assert!(Account::parse(&with("token_uri", "http://[::1]:1/token")).is_ok());
}
