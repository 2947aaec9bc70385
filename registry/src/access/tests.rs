//! Access as a client sees it: what is answered to whom, with which challenge.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

fn repository(name: &str) -> RepositoryName {
    RepositoryName::new(name).unwrap()
}

fn rule(repositories: &[&str], users: &[&str], allow: &[Action]) -> Rule {
    Rule {
        repositories: repositories.iter().map(|text| Pattern::new(text).unwrap()).collect(),
        users: users.iter().map(|text| Who::parse(text)).collect(),
        allow: allow.iter().fold(Rights::default(), |rights, right| rights.with(*right)),
    }
}

fn password(name: &str, password: &str) -> HeaderValue {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))).parse().unwrap()
}

fn htpasswd(directory: &Path, rules: Vec<Rule>, catalog: Option<Vec<Who>>) -> AccessControl {
    let file = directory.join("users");
    std::fs::write(&file, format!("# users\nalice:{}\n\nbob:{}\n", bcrypt::hash("wonder", 4).unwrap(), bcrypt::hash("builder", 5).unwrap())).unwrap();
    let scheme = Scheme::Htpasswd(HtpasswdOptions { file, realm: "the \"realm\"".to_owned() });
    AccessControl::open(AccessOptions { scheme, rules, catalog }).unwrap()
}

/// What is decided: the actor (`-` is nobody), a challenge, or who is denied.
async fn decide(access: &AccessControl, header: Option<&HeaderValue>, resource: Resource<'_>) -> String {
    let peer = "127.0.0.1:1".parse().unwrap();
    match access.decide(Question { resource, authorization: header, peer }).await {
        Decision::Allow { actor } => actor.unwrap_or_else(|| "-".to_owned()),
        Decision::Challenge { challenge } => challenge,
        Decision::Deny { actor } => format!("no, {actor}"),
    }
}

async fn at(access: &AccessControl, header: Option<&HeaderValue>, name: &str, actions: &[Action]) -> String {
    decide(access, header, Resource::Repository(&repository(name), actions)).await
}

const ALL: [Action; 3] = [Action::Pull, Action::Push, Action::Delete];
const PULL: [Action; 1] = [Action::Pull];
const PUSH: [Action; 2] = [Action::Pull, Action::Push];
const BASIC: &str = "Basic realm=\"the \\\"realm\\\"\", charset=\"UTF-8\"";

#[tokio::test]
async fn without_a_scheme_everybody_may_do_everything_whatever_they_send() {
    let access = AccessControl::open(AccessOptions::default()).unwrap();
    let header = password("who", "ever");
    for header in [None, Some(&header)] {
        assert_eq!(decide(&access, header, Resource::Registry).await, "-");
        assert_eq!(decide(&access, header, Resource::Catalog).await, "-");
        assert_eq!(at(&access, header, "a/b", &ALL).await, "-");
    }
}

#[tokio::test]
async fn a_right_password_is_taken_and_any_wrong_header_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), Vec::new(), None);
    let alice = password("alice", "wonder");
    // The second time it is remembered.
    for _ in 0..2 {
        assert_eq!(decide(&access, Some(&alice), Resource::Registry).await, "alice");
        assert_eq!(decide(&access, Some(&alice), Resource::Catalog).await, "alice");
        assert_eq!(at(&access, Some(&alice), "a", &ALL).await, "alice");
    }
    let broken = ["Basic", "Basic !", "Basic YWxpY2U=", "Bearer abc", "basic"].map(HeaderValue::from_static);
    let wrong = [password("alice", "builder"), password("nobody", ""), password("alice", ""), password("", "wonder")];
    for header in broken.iter().chain(&wrong).map(Some).chain([None]) {
        assert_eq!(decide(&access, header, Resource::Registry).await, BASIC, "{header:?}");
        assert_eq!(decide(&access, header, Resource::Catalog).await, BASIC);
        assert_eq!(at(&access, header, "a", &PULL).await, BASIC);
    }
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let directory = tempfile::tempdir().unwrap();
    let rules = vec![
        rule(&["secret/**"], &["bob"], &PULL),
        rule(&["secret/**"], &["*"], &[]),
        rule(&["**"], &["alice"], &ALL),
        rule(&["library/*", "public"], &["anonymous", "users"], &PULL),
    ];
    let access = htpasswd(directory.path(), rules, None);
    let (alice, bob) = (password("alice", "wonder"), password("bob", "builder"));
    assert_eq!(at(&access, Some(&bob), "secret/a/b", &PULL).await, "bob");
    assert_eq!(at(&access, Some(&alice), "secret/a/b", &PULL).await, "no, alice");
    assert_eq!(at(&access, Some(&alice), "library/debian", &ALL).await, "alice");
    assert_eq!(at(&access, Some(&bob), "library/debian", &PULL).await, "bob");
    assert_eq!(at(&access, Some(&bob), "library/debian", &PUSH).await, "no, bob");
    assert_eq!(at(&access, Some(&bob), "elsewhere", &PULL).await, "no, bob");
    assert_eq!(at(&access, None, "library/debian", &PULL).await, "-");
    assert_eq!(at(&access, Some(&password("", "")), "library/debian", &PULL).await, "-", "what podman sends without a name");
    assert_eq!(decide(&access, Some(&password("", "")), Resource::Registry).await, BASIC);
    assert_eq!(at(&access, None, "library/debian", &PUSH).await, BASIC, "somebody else may");
    assert_eq!(decide(&access, Some(&alice), Resource::Catalog).await, "no, alice");
}

#[tokio::test]
async fn rules_bind_those_too_whom_nobody_asks_for_a_name() {
    let options = AccessOptions { rules: vec![rule(&["public"], &["*"], &PULL)], ..AccessOptions::default() };
    let access = AccessControl::open(options).unwrap();
    assert_eq!(decide(&access, None, Resource::Registry).await, "-");
    assert_eq!(at(&access, None, "public", &PULL).await, "-");
    assert_eq!(at(&access, None, "public", &PUSH).await, "no, an anonymous client");
    assert_eq!(decide(&access, None, Resource::Catalog).await, "no, an anonymous client");
}

#[tokio::test]
async fn the_catalog_needs_its_own_right() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), vec![rule(&["**"], &["users"], &ALL)], Some(vec![Who::parse("alice")]));
    assert_eq!(decide(&access, Some(&password("alice", "wonder")), Resource::Catalog).await, "alice");
    assert_eq!(decide(&access, Some(&password("bob", "builder")), Resource::Catalog).await, "no, bob");
    assert_eq!(decide(&access, None, Resource::Catalog).await, BASIC);
}

#[tokio::test]
async fn a_password_that_was_changed_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), Vec::new(), None);
    let old = password("alice", "wonder");
    assert_eq!(at(&access, Some(&old), "a", &PULL).await, "alice");
    let file = directory.path().join("users");
    std::fs::write(&file, format!("alice:{}\n", bcrypt::hash("other", 4).unwrap())).unwrap();
    // The file is looked at every two seconds.
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while at(&access, Some(&old), "a", &PULL).await != BASIC {
        assert!(std::time::Instant::now() < until, "the old password is still taken");
        tokio::task::yield_now().await;
    }
    assert_eq!(at(&access, Some(&password("alice", "other")), "a", &PULL).await, "alice");
}

#[test]
fn a_file_of_users_that_is_wrong_is_located() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users");
    let shown = file.display().to_string();
    let hash = bcrypt::hash("x", 4).unwrap();
    let help = format!("; write `htpasswd -B {shown} NAME`");
    for (text, expected) in [
        ("alice\n".to_owned(), format!("{shown}:1: this line is not `name:hash`{help}")),
        ("\nalice:secret\n".to_owned(), format!("{shown}:2: the password is not hashed with bcrypt{help}")),
        (format!(":{hash}"), format!("{shown}:1: the name before the `:` is empty{help}")),
        (format!("a:{hash}\na:{hash}"), format!("{shown}:2: this user stands in the file twice{help}")),
        ("# nobody\n".to_owned(), format!("{shown} has no users; add one: `htpasswd -B {shown} NAME`")),
    ] {
        std::fs::write(&file, text).unwrap();
        let scheme = Scheme::Htpasswd(HtpasswdOptions { file: file.clone(), realm: String::new() });
        assert_eq!(AccessControl::open(AccessOptions { scheme, ..AccessOptions::default() }).unwrap_err().to_string(), expected);
    }
    let scheme = Scheme::Htpasswd(HtpasswdOptions { file: directory.path().join("none"), realm: String::new() });
    let error = AccessControl::open(AccessOptions { scheme, ..AccessOptions::default() }).unwrap_err().to_string();
    assert!(error.starts_with("cannot read users from ") && error.contains("none: No such file"), "{error}");
}

/// An Ed25519 key, made from `seed`: the private key as PKCS #8 (RFC 8410).
fn signing_key(seed: u8) -> EncodingKey {
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[&prefix[..], &[seed; 32]].concat())
}

/// Its public half in PEM.
fn public_pem(key: &EncodingKey) -> String {
    let jwk = serde_json::to_value(Jwk::from_encoding_key(key, Algorithm::EdDSA).unwrap()).unwrap();
    let point = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let prefix = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode([&prefix[..], &point].concat()))
}

fn tokens(directory: &Path, text: &str, rules: Vec<Rule>) -> std::result::Result<AccessControl, AccessError> {
    let file = directory.join("keys");
    std::fs::write(&file, text).unwrap();
    let scheme = Scheme::Token(TokenOptions {
        realm: "https://auth.example/token".to_owned(),
        service: "registry.example".to_owned(),
        issuer: "auth.example".to_owned(),
        keys: vec![file],
        leeway: Duration::from_secs(30),
    });
    AccessControl::open(AccessOptions { scheme, rules, catalog: None })
}

fn claims(access: Value) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    json!({ "iss": "auth.example", "aud": "registry.example", "sub": "alice", "iat": now, "nbf": now, "exp": now + 60, "access": access })
}

fn bearer(key: &EncodingKey, id: Option<&str>, claims: &Value) -> HeaderValue {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = id.map(str::to_owned);
    format!("Bearer {}", jsonwebtoken::encode(&header, claims, key).unwrap()).parse().unwrap()
}

fn scope(name: &str, actions: &[&str]) -> Value {
    json!([{ "type": "repository", "name": name, "actions": actions }])
}

const REALM: &str = "Bearer realm=\"https://auth.example/token\",service=\"registry.example\"";

#[tokio::test]
async fn a_token_gives_what_it_says_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let key = signing_key(7);
    let access = tokens(directory.path(), &public_pem(&key), Vec::new()).unwrap();
    let pull = bearer(&key, None, &claims(scope("a/b", &["pull"])));
    assert_eq!(decide(&access, Some(&pull), Resource::Registry).await, "alice");
    assert_eq!(at(&access, Some(&pull), "a/b", &PULL).await, "alice");
    let insufficient = format!("{REALM},scope=\"repository:a/b:pull,push\",error=\"insufficient_scope\"");
    assert_eq!(at(&access, Some(&pull), "a/b", &PUSH).await, insufficient);
    assert!(at(&access, Some(&pull), "a/c", &PULL).await.starts_with(REALM));
    let catalog = format!("{REALM},scope=\"registry:catalog:*\"");
    assert_eq!(decide(&access, Some(&pull), Resource::Catalog).await, format!("{catalog},error=\"insufficient_scope\""));

    assert_eq!(decide(&access, None, Resource::Registry).await, REALM);
    assert_eq!(decide(&access, None, Resource::Catalog).await, catalog);
    assert_eq!(at(&access, None, "a/b", &PULL).await, format!("{REALM},scope=\"repository:a/b:pull\""));
    // A token without a name is a client's that pulls without logging in.
    let mut nameless = claims(scope("a/b", &["*"]));
    nameless["sub"] = "".into();
    assert_eq!(at(&access, Some(&bearer(&key, None, &nameless)), "a/b", &ALL).await, "-");
    let lists = bearer(&key, None, &claims(json!([{ "type": "registry", "name": "catalog", "actions": ["*"] }])));
    assert_eq!(decide(&access, Some(&lists), Resource::Catalog).await, "alice");
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (key, other) = (signing_key(1), signing_key(2));
    let access = tokens(directory.path(), &public_pem(&key), Vec::new()).unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = claims(scope("a", &["pull"]));
        claims[name] = value;
        claims
    };
    let mut eternal = claims(json!([]));
    eternal.as_object_mut().unwrap().remove("exp");
    let now = claims(json!([]))["iat"].as_u64().unwrap();
    let wrong = [
        bearer(&other, None, &claims(json!([]))),
        bearer(&key, None, &with("iss", "elsewhere".into())),
        bearer(&key, None, &with("aud", "other.example".into())),
        bearer(&key, None, &with("exp", (now - 60).into())),
        bearer(&key, None, &with("nbf", (now + 60).into())),
        bearer(&key, None, &eternal),
        HeaderValue::from_static("Bearer eyJhbGciOiJub25lIn0.e30."),
        HeaderValue::from_static("Bearer x"),
        format!("Bearer {}", "x".repeat(60_000)).parse().unwrap(),
        password("alice", "wonder"),
    ];
    for header in wrong {
        assert_eq!(decide(&access, Some(&header), Resource::Registry).await, format!("{REALM},error=\"invalid_token\""), "{header:?}");
    }
}

#[tokio::test]
async fn a_key_set_finds_the_key_by_its_id_and_rules_bind_tokens_too() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (signing_key(3), signing_key(4));
    let jwk = |key: &EncodingKey, id: &str| {
        let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        jwk
    };
    let set = json!({ "keys": [jwk(&old, "old"), jwk(&new, "new")] });
    let access = tokens(directory.path(), &set.to_string(), vec![rule(&["a"], &["alice"], &PULL)]).unwrap();
    let all = claims(scope("a", &["pull", "push"]));
    for id in [Some("new"), None] {
        assert_eq!(at(&access, Some(&bearer(&new, id, &all)), "a", &PULL).await, "alice", "without an id every key is tried");
    }
    assert_eq!(at(&access, Some(&bearer(&new, None, &all)), "a", &PUSH).await, "no, alice");
    for id in ["old", "gone"] {
        assert!(at(&access, Some(&bearer(&new, Some(id), &all)), "a", &PULL).await.starts_with(REALM), "{id}");
    }
}

#[test]
fn files_without_a_public_key_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let shown = directory.path().join("keys").display().to_string();
    let symmetric = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }).to_string();
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";
    for (text, problem) in [
        ("", "it is empty"),
        ("{\"keys\": []}", "it is empty"),
        (symmetric.as_str(), "it has a symmetric key"),
        (private, "a PEM block is no public key"),
        ("-----BEGIN NONSENSE-----\n", "a PEM block is no public key"),
    ] {
        let error = tokens(directory.path(), text, Vec::new()).unwrap_err().to_string();
        let help = "give public keys or certificates as PEM, or a JSON Web Key Set";
        assert_eq!(error, format!("{shown} has no key that verifies tokens: {problem}; {help}"));
    }
}
