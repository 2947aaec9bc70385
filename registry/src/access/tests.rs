//! Access as a client sees it: what is answered to whom, with which challenge.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

fn repository(name: &str) -> RepositoryName {
    RepositoryName::new(name).unwrap()
}

fn rule(repositories: &[&str], users: &[&str], allow: &[Right]) -> Rule {
    Rule {
        repositories: repositories.iter().map(|text| Pattern::new(text).unwrap()).collect(),
        users: users.iter().map(|text| Who::parse(text)).collect(),
        allow: allow.iter().fold(Rights::default(), |rights, right| rights.with(*right)),
    }
}

fn password(name: &str, password: &str) -> HeaderValue {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))).parse().unwrap()
}

fn htpasswd(directory: &Path, rules: Vec<Rule>, catalog: Option<Vec<Who>>) -> Access {
    let file = directory.join("users");
    std::fs::write(&file, format!("# users\nalice:{}\n\nbob:{}\n", bcrypt::hash("wonder", 4).unwrap(), bcrypt::hash("builder", 5).unwrap())).unwrap();
    let scheme = Scheme::Htpasswd(HtpasswdOptions { file, realm: "the \"realm\"".to_owned() });
    Access::open(AccessOptions { scheme, rules, catalog }).unwrap()
}

/// The challenge of a 401, or the message of a 403.
fn refusal(result: Result<()>) -> String {
    match result.unwrap_err() {
        RegistryError::Unauthorized { challenge } => challenge,
        error => {
            assert_eq!(error.status(), StatusCode::FORBIDDEN);
            error.to_string()
        }
    }
}

const ALL: [Right; 3] = [Right::Pull, Right::Push, Right::Delete];
const BASIC: &str = "Basic realm=\"the \\\"realm\\\"\", charset=\"UTF-8\"";

#[tokio::test]
async fn without_a_scheme_everybody_may_do_everything_whatever_they_send() {
    let access = Access::anonymous();
    let caller = access.identify(Some(&password("who", "ever"))).await.unwrap();
    access.require_identity(&caller).unwrap();
    access.require(&caller, &repository("a/b"), &ALL).unwrap();
    access.require_catalog(&caller).unwrap();
    assert_eq!(caller.name(), None);
}

#[tokio::test]
async fn a_right_password_is_taken_and_any_wrong_header_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), Vec::new(), None);
    // The second time it is remembered.
    for _ in 0..2 {
        let caller = access.identify(Some(&password("alice", "wonder"))).await.unwrap();
        assert_eq!(caller.name(), Some("alice"));
        access.require(&caller, &repository("a"), &ALL).unwrap();
        access.require_catalog(&caller).unwrap();
    }
    for header in ["Basic", "Basic !", "Basic YWxpY2U=", "Bearer abc", "basic"] {
        let refused = access.identify(Some(&HeaderValue::from_static(header))).await.map(drop);
        assert_eq!(refusal(refused), BASIC, "{header}");
    }
    for header in [password("alice", "builder"), password("nobody", ""), password("alice", ""), password("", "wonder")] {
        assert_eq!(refusal(access.identify(Some(&header)).await.map(drop)), BASIC);
    }
    let nobody = access.identify(None).await.unwrap();
    assert_eq!(refusal(access.require_identity(&nobody)), BASIC);
    assert_eq!(refusal(access.require(&nobody, &repository("a"), &[Right::Pull])), BASIC);
    assert_eq!(refusal(access.require_catalog(&nobody)), BASIC);
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let directory = tempfile::tempdir().unwrap();
    let rules = vec![
        rule(&["secret/**"], &["bob"], &[Right::Pull]),
        rule(&["secret/**"], &["*"], &[]),
        rule(&["**"], &["alice"], &ALL),
        rule(&["library/*", "public"], &["anonymous", "users"], &[Right::Pull]),
    ];
    let access = htpasswd(directory.path(), rules, None);
    let alice = access.identify(Some(&password("alice", "wonder"))).await.unwrap();
    let bob = access.identify(Some(&password("bob", "builder"))).await.unwrap();
    let nobody = Caller::anonymous();
    assert!(access.allows(&bob, &repository("secret/a/b"), Right::Pull) && !access.allows(&alice, &repository("secret/a/b"), Right::Pull));
    assert!(access.allows(&alice, &repository("library/debian"), Right::Delete));
    for caller in [&bob, &nobody] {
        assert!(access.allows(caller, &repository("library/debian"), Right::Pull));
        assert!(!access.allows(caller, &repository("library/debian"), Right::Push));
        assert!(!access.allows(caller, &repository("elsewhere"), Right::Pull));
    }
    assert_eq!(refusal(access.require(&bob, &repository("public"), &[Right::Pull, Right::Push])), "bob may not push to public");
    assert_eq!(refusal(access.require(&nobody, &repository("public"), &[Right::Push])), BASIC);
    assert_eq!(refusal(access.require_catalog(&alice)), "alice may not list all repositories");
}

#[tokio::test]
async fn the_catalog_needs_its_own_right() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), vec![rule(&["**"], &["users"], &ALL)], Some(vec![Who::parse("alice")]));
    let alice = access.identify(Some(&password("alice", "wonder"))).await.unwrap();
    let bob = access.identify(Some(&password("bob", "builder"))).await.unwrap();
    access.require_catalog(&alice).unwrap();
    assert_eq!(refusal(access.require_catalog(&bob)), "bob may not list all repositories");
}

#[tokio::test]
async fn rules_bind_those_too_whom_nobody_asks_for_a_name() {
    let access = Access::open(AccessOptions { rules: vec![rule(&["public"], &["*"], &[Right::Pull])], ..AccessOptions::default() }).unwrap();
    let nobody = access.identify(None).await.unwrap();
    access.require_identity(&nobody).unwrap();
    access.require(&nobody, &repository("public"), &[Right::Pull]).unwrap();
    assert_eq!(refusal(access.require(&nobody, &repository("public"), &[Right::Push])), "an anonymous client may not push to public");
    assert_eq!(refusal(access.require_catalog(&nobody)), "an anonymous client may not list all repositories");
}

#[tokio::test]
async fn a_password_that_was_changed_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let access = htpasswd(directory.path(), Vec::new(), None);
    let old = password("alice", "wonder");
    assert!(access.identify(Some(&old)).await.is_ok());
    let file = directory.path().join("users");
    std::fs::write(&file, format!("alice:{}\n", bcrypt::hash("other", 4).unwrap())).unwrap();
    // The file is looked at every two seconds.
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while access.identify(Some(&old)).await.is_ok() {
        assert!(std::time::Instant::now() < until, "the old password is still taken");
        tokio::task::yield_now().await;
    }
    assert!(access.identify(Some(&password("alice", "other"))).await.is_ok());
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
        assert_eq!(Access::open(AccessOptions { scheme, ..AccessOptions::default() }).unwrap_err().to_string(), expected);
    }
    let scheme = Scheme::Htpasswd(HtpasswdOptions { file: directory.path().join("none"), realm: String::new() });
    let error = Access::open(AccessOptions { scheme, ..AccessOptions::default() }).unwrap_err().to_string();
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

fn tokens(directory: &Path, text: &str, rules: Vec<Rule>) -> std::result::Result<Access, AccessError> {
    let file = directory.join("keys");
    std::fs::write(&file, text).unwrap();
    let scheme = Scheme::Token(TokenOptions {
        realm: "https://auth.example/token".to_owned(),
        service: "registry.example".to_owned(),
        issuer: "auth.example".to_owned(),
        keys: vec![file],
        leeway: Duration::from_secs(30),
    });
    Access::open(AccessOptions { scheme, rules, catalog: None })
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
    let caller = access.identify(Some(&bearer(&key, None, &claims(scope("a/b", &["pull"]))))).await.unwrap();
    assert_eq!(caller.name(), Some("alice"));
    access.require_identity(&caller).unwrap();
    access.require(&caller, &repository("a/b"), &[Right::Pull]).unwrap();
    let wanted = [Right::Pull, Right::Push];
    let insufficient = format!("{REALM},scope=\"repository:a/b:pull,push\",error=\"insufficient_scope\"");
    assert_eq!(refusal(access.require(&caller, &repository("a/b"), &wanted)), insufficient);
    assert!(access.require(&caller, &repository("a/c"), &[Right::Pull]).is_err());
    assert_eq!(refusal(access.require_catalog(&caller)), format!("{REALM},scope=\"registry:catalog:*\",error=\"insufficient_scope\""));

    let nobody = Caller::anonymous();
    assert_eq!(refusal(access.require_identity(&nobody)), REALM);
    assert_eq!(refusal(access.require(&nobody, &repository("a/b"), &[Right::Pull])), format!("{REALM},scope=\"repository:a/b:pull\""));
    // A token without a name is a client's that pulls without logging in.
    let mut anonymous = claims(scope("a/b", &["*"]));
    anonymous["sub"] = "".into();
    let caller = access.identify(Some(&bearer(&key, None, &anonymous))).await.unwrap();
    access.require(&caller, &repository("a/b"), &ALL).unwrap();
    let catalog = json!([{ "type": "registry", "name": "catalog", "actions": ["*"] }]);
    let caller = access.identify(Some(&bearer(&key, None, &claims(catalog)))).await.unwrap();
    access.require_catalog(&caller).unwrap();
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
        let refused = access.identify(Some(&header)).await.map(drop);
        assert_eq!(refusal(refused), format!("{REALM},error=\"invalid_token\""), "{header:?}");
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
    let access = tokens(directory.path(), &set.to_string(), vec![rule(&["a"], &["alice"], &[Right::Pull])]).unwrap();
    let all = claims(scope("a", &["pull", "push"]));
    let caller = access.identify(Some(&bearer(&new, Some("new"), &all))).await.unwrap();
    access.require(&caller, &repository("a"), &[Right::Pull]).unwrap();
    assert_eq!(refusal(access.require(&caller, &repository("a"), &[Right::Push])), "alice may not push to a");
    assert!(access.identify(Some(&bearer(&new, None, &all))).await.is_ok(), "without an id every key is tried");
    for id in ["old", "gone"] {
        assert!(access.identify(Some(&bearer(&new, Some(id), &all))).await.is_err(), "{id}");
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
