//! Errors of servers, with and without a document.

use super::*;

fn of(answer: Answer) -> Error {
    let mut driver = start(&[]);
    driver.script([answer]);
    driver.open(&path("/a"), ByteRange::Whole).unwrap_err()
}

#[test]
fn names_of_s3_become_kinds_and_stay_codes() {
    for (status, code, kind) in [
        (404, "NoSuchKey", ErrorKind::NotFound),
        (404, "NoSuchBucket", ErrorKind::Unavailable),
        (404, "NoSuchUpload", ErrorKind::UploadExpired),
        (403, "AccessDenied", ErrorKind::PermissionDenied),
        (403, "SignatureDoesNotMatch", ErrorKind::Unauthenticated),
        (403, "RequestTimeTooSkewed", ErrorKind::Unauthenticated),
        (400, "ExpiredToken", ErrorKind::Unauthenticated),
        (400, "EntityTooLarge", ErrorKind::InvalidArgument),
        (400, "EntityTooSmall", ErrorKind::InvalidArgument),
        (400, "InvalidPart", ErrorKind::InvalidArgument),
        (400, "RequestTimeout", ErrorKind::Unavailable),
        (400, "BadDigest", ErrorKind::Unavailable),
        (412, "PreconditionFailed", ErrorKind::PreconditionFailed),
        (409, "OperationAborted", ErrorKind::Unavailable),
        (500, "InternalError", ErrorKind::Unavailable),
        (501, "NotImplemented", ErrorKind::Unsupported),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (503, "SlowDown", ErrorKind::RateLimited),
        (507, "XMinioStorageFull", ErrorKind::QuotaExceeded),
    ] {
        let error = of(error(status, code));
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)), "{code}");
        assert!(!error.message.ends_with('.'), "{}", error.message);
    }
}

#[test]
fn without_a_document_the_status_says_what_it_is() {
    for (status, kind) in [
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (429, ErrorKind::RateLimited),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (599, ErrorKind::Internal),
    ] {
        let page = answer(status).header("content-type", "text/html").body("<html><title>Bad <b>Gateway</title></html>");
        let error = of(page);
        assert_eq!((error.kind, error.code), (kind, Some(status.to_string())));
    }
    // The document itself is cut off.
    let error = of(xml(503, "<Error><Code>SlowDown</Code>").header("content-length", "999"));
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unavailable, Some("503")));
}

#[test]
fn a_server_says_when_to_come_back() {
    assert_eq!(of(error(503, "SlowDown")).retry_after_ms, Some(1000));
    assert_eq!(of(error(503, "SlowDown").header("Retry-After", "7")).retry_after_ms, Some(7000));
    assert_eq!(of(error(503, "ServiceUnavailable").header("retry-after", "2")).retry_after_ms, Some(2000));
    assert_eq!(of(error(500, "InternalError")).retry_after_ms, None);
    // The host would try again whatever has it.
    assert_eq!(of(error(403, "AccessDenied").header("retry-after", "2")).retry_after_ms, None);
}

#[test]
fn a_bucket_elsewhere_is_told_where() {
    let error = of(error(301, "PermanentRedirect").header("x-amz-bucket-region", "eu-west-1"));
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains("eu-west-1"), "{}", error.message);
}

#[test]
fn a_long_message_is_cut() {
    let long = "ä".repeat(5000);
    let error = of(xml(400, &format!("<Error><Code>InvalidRequest</Code><Message>{long}</Message></Error>")));
    assert!(error.message.len() < 700, "{}", error.message.len());
}
