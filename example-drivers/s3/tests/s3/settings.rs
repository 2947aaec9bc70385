//! Settings, claims and health.

use super::*;

fn refused(settings: &[(&str, &str)], name: &str) {
    let error = Harness::<S3Driver>::start(settings).err().unwrap();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains(&format!("`{name}`")), "{}", error.message);
}

#[test]
fn settings_without_meaning_are_refused_by_name() {
    refused(&[], "bucket");
    for (name, value) in [
        ("bucket", "A_b"),
        ("checksum", "sha1"),
        ("storage-class", ""),
        ("storage-class", "glacier\r\n"),
        ("server-side-encryption", "rot13"),
        ("kms-key", "k"),
        ("put-max", "0"),
        ("put-max", "5368709121"),
        ("copy-max", "1"),
        ("secret-access-key", "never"),
    ] {
        let mut settings = vec![("bucket", "bucket")];
        settings.retain(|(given, _)| *given != name);
        settings.push((name, value));
        refused(&settings, name);
    }
}

#[test]
fn conditions_are_claimed_by_the_setting() {
    assert_eq!(start(&[]).claims().get("put-if-match"), Some("true"));
    let without = start(&[("conditional-put", "false")]);
    assert_eq!(without.claims().get("put-if-absent"), None);
    assert_eq!(without.claims().get("part-min"), Some("5242880"));
}

#[test]
fn everything_that_is_written_goes_with_the_settings_headers() {
    let mut driver = start(&[("storage-class", "STANDARD_IA"), ("server-side-encryption", "aws:kms"), ("kms-key", "arn:key/1")]);
    driver.script([object(200, "1"), xml(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")]);
    StreamingStore::put(&mut *driver, &path("/a"), Content::from_bytes(b"1"), Condition::Unconditional).unwrap();
    driver.create(&path("/a")).unwrap();
    for asked in driver.requests() {
        assert_eq!(asked.header("x-amz-storage-class"), Some("STANDARD_IA"));
        assert_eq!(asked.header("x-amz-server-side-encryption"), Some("aws:kms"));
        assert_eq!(asked.header("x-amz-server-side-encryption-aws-kms-key-id"), Some("arn:key/1"));
        assert_eq!(asked.header("authorization"), None);
    }
}

#[test]
fn health_is_one_round_trip_that_writes_nothing_where_conditions_are_kept() {
    let mut driver = start(&[]);
    driver.script([error(412, "PreconditionFailed"), error(404, "NoSuchKey"), error(404, "NoSuchBucket"), error(403, "AccessDenied")]);
    driver.health().unwrap();
    let probe = driver.requests().remove(0);
    assert_eq!(shown(&probe), "PUT /%2Bcofferdam/probe");
    assert!(probe.header("if-match").is_some());
    driver.health().unwrap();
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::PermissionDenied);
    driver.set_reachable(false);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn health_takes_away_what_a_server_without_conditions_wrote() {
    let mut driver = start(&[("prefix", "ours")]);
    driver.script([object(200, "1"), answer(204)]);
    driver.health().unwrap();
    assert_eq!(asked(&driver), ["PUT /ours/%2Bcofferdam/probe", "DELETE /ours/%2Bcofferdam/probe"]);
    let mut without = start(&[("conditional-put", "false"), ("prefix", "ours")]);
    without.script([xml(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")]);
    without.health().unwrap();
    assert_eq!(asked(&without), ["GET /?list-type=2&max-keys=1&prefix=ours%2F"]);
}

#[test]
fn presigned_urls_are_of_one_object_and_one_method() {
    let mut driver = start(&[("endpoint", "http://127.0.0.1:9000"), ("path-style", "true"), ("prefix", "p")]);
    let read = driver.presign(&path("/a/b"), Access::Read, 60).unwrap();
    assert_eq!(read, "http://127.0.0.1:9000/bucket/p/a/b?signed=GET&expires=60");
    assert!(driver.presign(&path("/a/b"), Access::Stat, 60).unwrap().contains("signed=HEAD"));
}
