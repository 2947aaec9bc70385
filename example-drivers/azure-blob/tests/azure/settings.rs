//! Settings, claims, health and URLs for clients.

use super::*;

#[test]
fn settings_without_meaning_are_refused_by_name() {
    for (name, value) in [
        ("account", "A"),
        ("container", ""),
        ("checksum", "sha1"),
        ("access-tier", ""),
        ("access-tier", "Cool\r\n"),
        ("put-max", "0"),
        ("put-max", "5242880001"),
        ("copy-max", "0"),
        ("copy-max", "268435457"),
        ("account-key", "never"),
    ] {
        let mut settings = vec![("account", "store1"), ("container", "blobs")];
        settings.retain(|(given, _)| *given != name);
        settings.push((name, value));
        let error = Harness::<AzureBlobDriver>::start(&settings).err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidArgument);
        assert!(error.message.contains(&format!("`{name}`")), "{}", error.message);
    }
}

#[test]
fn health_is_one_round_trip() {
    let mut driver = start(&[("prefix", "ours")]);
    driver.script([
        xml("<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>"),
        error(404, "ContainerNotFound"),
        error(403, "AuthenticationFailed"),
    ]);
    driver.health().unwrap();
    assert_eq!(asked(&driver), ["GET ?restype=container&comp=list&maxresults=1&prefix=ours%2F"]);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unauthenticated);
    driver.set_reachable(false);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn presigned_urls_are_of_one_blob_and_one_method() {
    let mut driver = start(&[("endpoint", "http://127.0.0.1:10000"), ("path-style", "true"), ("prefix", "p")]);
    let read = driver.presign(&path("/a/b"), Access::Read, 60).unwrap();
    assert_eq!(read, "http://127.0.0.1:10000/store1/blobs/p/a/b?signed=GET&expires=60");
    assert!(driver.presign(&path("/a/b"), Access::Stat, 60).unwrap().contains("signed=HEAD"));
}
