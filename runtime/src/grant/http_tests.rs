//! HTTP rules as a file says them, and what is wrong with some.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use url::Url;

use super::super::Grant;
use super::*;

fn parsed(text: &str) -> HttpRule {
    Grant::parse(text, Path::new("/etc/grant.toml")).unwrap().http.remove(0)
}

fn refusal(text: &str) -> String {
    Grant::parse(text, Path::new("/etc/grant.toml")).unwrap_err().to_string()
}

#[test]
fn an_origin_covers_its_own_urls_and_no_others() {
    let cases: [(&str, &[&str], &[&str]); 5] = [
        (
            "https://s3.example.com",
            &["https://s3.example.com/a?b", "https://S3.Example.com:443/"],
            &[
                "http://s3.example.com/",
                "https://s3.example.com:444/",
                "https://x.s3.example.com/",
                "https://s3.example.com.evil.org/",
                "https://s3.example.com./",
            ],
        ),
        (
            "https://*.example.com",
            &["https://a.example.com/", "https://a-b.example.com/"],
            &["https://example.com/", "https://a.b.example.com/", "https://.example.com.evil.org/", "https://aexample.com/"],
        ),
        (
            "http://127.0.0.1:9000",
            &["http://127.0.0.1:9000/", "http://2130706433:9000/", "http://0x7f.1:9000/"],
            &["http://127.0.0.1/", "http://localhost:9000/"],
        ),
        ("http://[::1]:9000", &["http://[::1]:9000/", "http://[0:0::1]:9000/"], &["http://127.0.0.1:9000/"]),
        ("https://bücher.example", &["https://xn--bcher-kva.example/"], &["https://bucher.example/"]),
    ];
    for (origin, covered, others) in cases {
        let origin = Origin::parse(origin).unwrap();
        for url in covered {
            assert!(origin.covers(&Url::parse(url).unwrap()), "{origin} {url}");
        }
        for url in others {
            // What is no URL cannot be asked for at all.
            assert!(!Url::parse(url).is_ok_and(|url| origin.covers(&url)), "{origin} {url}");
        }
    }
}

#[test]
fn what_is_no_origin_is_refused() {
    for text in [
        "",
        "example.com",
        "ftp://example.com",
        "https://",
        "https://a/b",
        "https://user@a",
        "https://*",
        "https://*.com",
        "https://a.*.com",
        "https://*a.example.com",
        "https://*.1.2.3.4",
        "https://a b",
    ] {
        assert!(Origin::parse(text).is_err(), "{text}");
    }
    for text in ["https://example.com", "http://example.com:8080", "https://*.example.com:444", "http://[::1]:9000"] {
        assert_eq!(Origin::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_rule_is_read_with_everything_it_may_say() {
    let rule = parsed(
        "[[http]]\nallow = 'https://*.example.com'\nmethods = ['GET', 'HEAD']\npath = '/bucket/'\naddresses = ['10.0.0.0/8', '::1/128']\n\
         ca = 'ca.pem'\nconnections = 3\nconnect-timeout = '1s'\nfirst-byte-timeout = '2s'\nidle-timeout = '3s'\n\
         sign = { scheme = 'bearer', token-file = 'token' }",
    );
    assert_eq!(rule.methods.as_deref(), Some(&["GET".to_owned(), "HEAD".to_owned()][..]));
    assert_eq!(rule.path.as_deref(), Some("/bucket"));
    assert_eq!(rule.addresses.len(), 2);
    assert_eq!(rule.ca.as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!((rule.connections, rule.connect_timeout, rule.first_byte_timeout, rule.idle_timeout), {
        let seconds = Duration::from_secs;
        (3, seconds(1), seconds(2), seconds(3))
    });
    assert!(rule.signing.is_some());
}

#[test]
fn a_rule_that_is_wrong_names_its_place() {
    let rule = |line: &str| refusal(&format!("[[http]]\nallow = 'http://a.example'\n{line}"));
    assert!(refusal("[[http]]\n").contains("`allow` is missing in [[http]]"));
    assert!(refusal("[[http]]\nallow = 'https://a.example/b'").contains(":2:9: `allow` in [[http]] has a path"));
    assert!(rule("methods = ['get']").contains("written in capitals"));
    assert!(rule("methods = ['CONNECT']").contains("granted to no driver"));
    assert!(rule("methods = 'GET'").contains("must be methods"));
    for path in ["", "a", "/a/../b", "/a//b", "/a%2fb", "/..", "/a/..", "/a?b"] {
        assert!(rule(&format!("path = '{path}'")).contains("must be an absolute path"), "{path}");
    }
    assert!(rule("addresses = ['127.0.0.1/99']").contains("`addresses` in [[http]]"));
    assert!(rule("ca = 'ca.pem'").contains("of no use without `https`"));
    assert!(rule("connections = 0").contains("must be between"));
    assert!(rule("certificate = 'x'").contains("unknown key"));
}
