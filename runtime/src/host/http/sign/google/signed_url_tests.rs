//! Against the vectors that Google publishes for its own libraries: `storage/v1/v4_signatures.json` in `googleapis/conformance-tests`.
#![allow(clippy::unwrap_used)]

use super::super::tests::{EMAIL, key_file};
use super::*;
use crate::error::ErrorKind;
use crate::host::http::Asked;

const DAY: &str = "2019-02-01T09:00:00Z";
const OBJECT: &str = "https://storage.googleapis.com/test-bucket/test-object";

fn checked(method: &str, url: &str, headers: &[(&str, &str)]) -> Checked {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked { method: method.to_owned(), url: url.to_owned(), headers, first_byte: None }.check().unwrap()
}

#[test]
fn what_is_signed_is_what_google_says() {
    let plain: &[(&str, &str)] = &[];
    let query = |query: &str| format!("{OBJECT}?{query}");
    let encoded = query("aA0%C3%A9/%3D%25-_.~=~+._-%25%3D/%C3%A90Aa");
    let ordered = query("prefix=/foo&X-Goog-Meta-Foo=bar");
    for (what, method, url, headers, hash) in [
        ("a simple GET", "GET", OBJECT, plain, "00e2fb794ea93d7adb703edaebdd509821fcc7d4f1a79ac5c8d2b394df109320"),
        ("a simple PUT", "PUT", OBJECT, plain, "78742860705da91404222d5d66ff89850292471199c3c2808d116ad12e6177b4"),
        ("a resumable upload", "POST", OBJECT, &[("X-Goog-Resumable", "start")], "877f8b40179d2753296f2fd6de815ab40503c7a3c446a7b44aa4e74422ff4daf"),
        (
            "slashes",
            "GET",
            "https://storage.googleapis.com/test-bucket//path/with/slashes/under_score/amper&sand/file.ext",
            plain,
            "63c601ecd6ccfec84f1113fc906609cbdf7651395f4300cecd96ddd2c35164f8",
        ),
        (
            "simple headers",
            "GET",
            OBJECT,
            &[("foo", "foo-value"), ("BAR", "BAR-value")],
            "59c1ac1a6ee7d773d5c4487ecc861d60b71c4871dd18fc7d8485fac09df1d296",
        ),
        (
            "headers with spaces",
            "GET",
            OBJECT,
            &[("collapsed", "abc    def"), ("leading", "    xyz"), ("trailing", "abc    "), ("tabs", "\tabc\t\t\t\tdef\t")],
            "19153e83555808dbfeb8969043cc8ce8d5db0cce91dc11fb9df58b8130f09d42",
        ),
        (
            "several values",
            "GET",
            OBJECT,
            &[("multiple", " xyz ,  abc, def  , xyz   ")],
            "4df8e486146c31f1c8cd4e4c730554cde4326791ba48ec11fa969a3de064cd7f",
        ),
        ("a list", "GET", "https://storage.googleapis.com/test-bucket", plain, "51a7426c2a6c6ab80f336855fc629461ff182fb1d2cb552ac68e5ce8e25db487"),
        ("an encoded query", "GET", &encoded, plain, "448f96c23dafa8210900554e138b2b5fd55bc53ef53b8637cecc3edec45a8fcf"),
        ("a query out of order", "GET", &ordered, plain, "4dafe74ad142f32b7c25fc4e6b38fd3b8a6339d7f112247573fb0066f637db6c"),
        (
            "a payload",
            "PUT",
            OBJECT,
            &[
                ("X-Goog-Content-SHA256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982"),
                ("X-TestCaseMetadata-Payload-Value", "hello"),
            ],
            "be21a0841a897930ff5cf72e6e74ec5274efd76c3fe4cde6678f24a0a3d6dbec",
        ),
        (
            "a bucket in the host",
            "GET",
            "https://test-bucket.storage.googleapis.com/test-object",
            plain,
            "89eeae48258eccdcb1f592fb908008e3f5d36a949c002c1e614c94356dc18fc6",
        ),
    ] {
        let prepared = prepare(EMAIL, &checked(method, url, headers), 10, DAY.parse().unwrap()).unwrap();
        assert_eq!(prepared.text, format!("GOOG4-RSA-SHA256\n20190201T090000Z\n20190201/auto/storage/goog4_request\n{hash}"), "{what}");
    }
    let later = prepare(EMAIL, &checked("GET", OBJECT, &[]), 20, "2019-03-01T09:00:00Z".parse().unwrap()).unwrap();
    assert!(later.text.ends_with("779f19fdb6fd381390e2d5af04947cf21750277ee3c20e0c97b7e46a1dff8907"), "{}", later.text);
}

#[test]
fn the_url_is_googles_to_the_last_byte() {
    let account = Account::parse(&key_file(None)).unwrap();
    let url = presign(&account, &checked("GET", OBJECT, &[]), 10, DAY.parse().unwrap()).unwrap();
    let expected = "https://storage.googleapis.com/test-bucket/test-object?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=\
        test-iam-credentials%40dummy-project-id.iam.gserviceaccount.com%2F20190201%2Fauto%2Fstorage%2Fgoog4_request\
        &X-Goog-Date=20190201T090000Z&X-Goog-Expires=10&X-Goog-SignedHeaders=host&X-Goog-Signature=\
        95e6a13d43a1d1962e667f17397f2b80ac9bdd1669210d5e08e0135df9dff4e56113485dbe429ca2266487b9d1796ebdee2d7cf682a6ef3bb9fbb4c351686fba\
        90d7b621cf1c4eb1fdf126460dd25fa0837dfdde0a9fd98662ce60844c458448fb2b352c203d9969cb74efa4bdb742287744a4f2308afa4af0e0773f55e32e92\
        973619249214b97283b2daa14195244444e33f938138d1e5f561088ce8011f4986dda33a556412594db7c12fc40e1ff3f1bedeb7a42f5bcda0b9567f17f65855\
        f65071fabb88ea12371877f3f77f10e1466fff6ff6973b74a933322ff0949ce357e20abe96c3dd5cfab42c9c83e740a4d32b9e11e146f0eb3404d2e975896f74";
    assert_eq!(url, expected);
}

#[test]
fn a_path_is_sent_as_it_is_signed() {
    let said = |url: &str| prepare(EMAIL, &checked("GET", url, &[]), 10, DAY.parse().unwrap()).unwrap().url;
    assert!(said("http://127.0.0.1:4443/b/a'b(c)!%2Fd%20e?x").starts_with("http://127.0.0.1:4443/b/a%27b%28c%29%21%2Fd%20e?X-Goog-Algorithm="));
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let kind = |url: &str, seconds| prepare(EMAIL, &checked("GET", url, &[]), seconds, DAY.parse().unwrap()).map(drop).map_err(|error| error.kind());
    assert_eq!(kind(OBJECT, 0), Err(ErrorKind::InvalidArgument));
    assert_eq!(kind(OBJECT, MAX), Ok(()));
    assert_eq!(kind(OBJECT, MAX + 1), Err(ErrorKind::InvalidArgument));
    assert_eq!(kind(&format!("{OBJECT}?x-goog-expires=99999"), 1), Err(ErrorKind::InvalidArgument));
}
