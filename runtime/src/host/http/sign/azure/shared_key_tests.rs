//! Against the strings of Microsoft's documentation, and signatures of OpenSSL.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::host::http::Asked;

/// The emulator's, which everybody knows.
pub(in super::super) const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn open(account: &str) -> SharedKey {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    SharedKey::open(account, &SecretSource::File(file)).unwrap()
}

pub(in super::super) fn checked(method: &str, url: &str, headers: &[(&str, &str)]) -> Checked {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked { method: method.to_owned(), url: url.to_owned(), headers, first_byte: None }.check().unwrap()
}

/// What is signed of a request at the time of the documentation's examples.
fn text(account: &str, mut checked: Checked, length: u64) -> String {
    let key = open(account);
    key.sign_at(&mut checked, length, "2015-06-26T23:39:12Z".parse().unwrap()).unwrap();
    key.text(&checked, length).unwrap()
}

#[test]
fn the_documentations_example_is_signed_as_it_says() {
    let url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
    let asked = checked("GET", url, &[("x-ms-version", "2015-02-21")]);
    let expected = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
                    /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20";
    assert_eq!(text("myaccount", asked, 0), expected);
}

#[test]
fn a_list_has_its_values_sorted_and_decoded() {
    let url =
        "https://myaccount.blob.core.windows.net/mycontainer?restype=container&Comp=list&include=snapshots&include=metadata&prefix=a%2Fb+c&marker";
    let said = text("myaccount", checked("GET", url, &[]), 0);
    let resource = "\n/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots\nmarker:\nprefix:a/b c\nrestype:container";
    assert!(said.ends_with(resource), "{said}");
    assert!(said.contains("\nx-ms-version:2021-12-02\n"), "a driver that names no version gets the host's: {said}");
}

#[test]
fn every_header_that_is_signed_has_its_place() {
    let headers = [
        ("Content-Encoding", "gzip"),
        ("Content-Language", "en"),
        ("Content-MD5", "Q2hlY2s="),
        ("Content-Type", "text/plain"),
        ("Date", "never"),
        ("If-Modified-Since", "a"),
        ("If-Match", "\"b\""),
        ("If-None-Match", "*"),
        ("If-Unmodified-Since", "c"),
        ("Range", "bytes=0-9"),
        ("X-Other", "not signed"),
        ("x-ms-meta-b", "  spaced  "),
        ("x-ms-meta-a", "1"),
        ("x-ms-meta-a", "2"),
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-version", "2021-12-02"),
    ];
    let asked = checked("PUT", "https://myaccount.blob.core.windows.net/c/a%20b%2Fc", &headers);
    let expected = "PUT\ngzip\nen\n11\nQ2hlY2s=\ntext/plain\n\na\n\"b\"\n*\nc\nbytes=0-9\n\
                    x-ms-blob-type:BlockBlob\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-a:1,2\nx-ms-meta-b:spaced\nx-ms-version:2021-12-02\n\
                    /myaccount/c/a%20b%2Fc";
    assert_eq!(text("myaccount", asked, 11), expected);
}

#[test]
fn the_emulators_account_is_there_twice_and_the_signature_is_openssls() {
    let mut asked = checked("PUT", "http://127.0.0.1:10000/devstoreaccount1/c/b", &[("x-ms-blob-type", "BlockBlob"), ("x-ms-version", "2021-12-02")]);
    open("devstoreaccount1").sign_at(&mut asked, 5, "2015-06-26T23:39:12Z".parse().unwrap()).unwrap();
    // printf 'PUT\n\n\n5\n\n\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2021-12-02\n' \
    //   '/devstoreaccount1/devstoreaccount1/c/b' | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
    assert_eq!(asked.headers[AUTHORIZATION], "SharedKey devstoreaccount1:ZN3TN9N+gwA3ehTCq4ksMEEui3pNwLCHOKnN0zBQsbs=");
    assert!(asked.headers[AUTHORIZATION].is_sensitive());
}

#[test]
fn names_come_in_the_services_order() {
    let mut names = ["x-ms-meta-fooa", "x-ms-meta-foo-z", "x-ms-meta-foo_z", "x-ms-meta-foo0", "x-ms-meta-co-op", "x-ms-meta-coop"];
    names.sort_by_cached_key(|name| place(name));
    assert_eq!(names, ["x-ms-meta-coop", "x-ms-meta-co-op", "x-ms-meta-foo_z", "x-ms-meta-foo0", "x-ms-meta-fooa", "x-ms-meta-foo-z"]);
}

#[test]
fn a_key_that_is_none_is_said_without_showing_it() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("key");
    std::fs::write(&file, "hidden!").unwrap();
    let Err(error) = SharedKey::open("a", &SecretSource::File(file)) else { panic!("it is taken") };
    let said = error.to_string();
    assert!(said.contains("key cannot be used: it is not base64") && !said.contains("hidden"), "{said}");
    let Err(error) = SharedKey::open("a", &SecretSource::Environment("CARGO_PKG_DESCRIPTION".to_owned())) else { panic!("it is taken") };
    assert!(error.to_string().starts_with("the secret in the environment variable `CARGO_PKG_DESCRIPTION` cannot be used: it is not base64"));
}
