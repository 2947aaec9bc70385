//! Against signatures of OpenSSL. That the service takes them is tested with azurite, in the tests of the driver.
#![allow(clippy::unwrap_used)]

use super::super::shared_key::tests::{KEY, checked};
use super::*;

fn signed(account: &str, method: &str, url: &str, seconds: u32) -> Result<String> {
    presign(account, &Key::parse(KEY).unwrap(), &checked(method, url, &[]), seconds, "2015-06-26T23:39:12Z".parse().unwrap())
}

#[test]
fn the_signature_is_openssls() {
    let url = signed("devstoreaccount1", "GET", "https://devstoreaccount1.blob.core.windows.net/c/a%20b?rsct=text%2Fplain", 3600).unwrap();
    // printf 'r\n\n2015-06-27T00:39:12Z\n/blob/devstoreaccount1/c/a b\n\n\nhttps\n2020-12-06\nb\n\n\n\n\n\n\ntext/plain' \
    //   | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
    let signature: String = url::form_urlencoded::byte_serialize(b"xaKD+VEhIkpusLMBxKqnjje0QXBUJiO2wb6Fz81Ih7U=").collect();
    assert_eq!(
        url,
        format!(
            "https://devstoreaccount1.blob.core.windows.net/c/a%20b?rsct=text%2Fplain&sv=2020-12-06&se=2015-06-27T00%3A39%3A12Z&sr=b&sp=r&spr=https&sig={signature}"
        )
    );
}

#[test]
fn the_account_is_named_once_wherever_it_is() {
    let resource = |url: &str| resource("store1", &Url::parse(url).unwrap()).map_err(|error| error.kind());
    for url in [
        "https://store1.blob.core.windows.net/c/d/e",
        "https://store1-secondary.blob.core.windows.net/c/d/e",
        "http://127.0.0.1:10000/store1/c/d/e",
        "http://azurite:10000/store1/c/d/e",
        "https://blobs.example.com/c/d/e",
        "https://blobs.example.com/c/d%2Fe",
    ] {
        assert_eq!(resource(url).unwrap(), "/blob/store1/c/d/e", "{url}");
    }
    // A container may have the account's name.
    assert_eq!(resource("https://store1.blob.core.windows.net/store1/e").unwrap(), "/blob/store1/store1/e");
    for url in [
        "https://store1.blob.core.windows.net/c",
        "https://store1.blob.core.windows.net/c/",
        "http://127.0.0.1:10000/store1/c",
        "http://127.0.0.1/%ff/a",
    ] {
        assert_eq!(resource(url), Err(ErrorKind::InvalidArgument), "{url}");
    }
}

#[test]
fn a_url_is_good_for_one_thing() {
    for (method, permissions) in [("GET", "sp=r&"), ("HEAD", "sp=r&"), ("PUT", "sp=cw&"), ("DELETE", "sp=d&")] {
        let url = signed("a", method, "http://127.0.0.1:10000/a/c/b", 60).unwrap();
        assert!(url.contains(permissions) && url.contains("&se=2015-06-26T23%3A40%3A12Z&") && !url.contains("spr="), "{url}");
    }
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let kind = |method: &str, url: &str, seconds| signed("a", method, url, seconds).map_err(|error| error.kind());
    assert_eq!(kind("GET", "https://a.b.example/c/b", 0), Err(ErrorKind::InvalidArgument));
    assert_eq!(kind("GET", "https://a.b.example/c/b?sp=rwd", 1), Err(ErrorKind::InvalidArgument));
    assert_eq!(kind("GET", "https://a.b.example/c/b?snapshot=1", 1), Err(ErrorKind::Unsupported));
    assert_eq!(kind("POST", "https://a.b.example/c/b", 1), Err(ErrorKind::Unsupported));
    assert!(kind("GET", "https://a.b.example/c/b", u32::MAX).is_ok());
}
