//! What the service refuses, as one of the contract's kinds.

use super::*;

#[test]
fn an_error_keeps_the_servers_name_and_its_first_line() {
    let mut driver = start(&[]);
    for (status, code, kind) in [
        (403, "AuthenticationFailed", ErrorKind::Unauthenticated),
        (403, "AuthorizationPermissionMismatch", ErrorKind::PermissionDenied),
        (409, "BlobArchived", ErrorKind::PermissionDenied),
        (409, "ContainerBeingDeleted", ErrorKind::Unavailable),
        (500, "OperationTimedOut", ErrorKind::Unavailable),
        (400, "Md5Mismatch", ErrorKind::Unavailable),
        (400, "InvalidQueryParameterValue", ErrorKind::InvalidArgument),
        (501, "NotImplemented", ErrorKind::Unsupported),
    ] {
        driver.script([error(status, code)]);
        let error = driver.open(&path("/a"), ByteRange::Whole).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)));
        assert_eq!((error.message.as_str(), error.retry_after_ms), ("the server refused /a: What went wrong, in a sentence", None));
    }
}

#[test]
fn a_busy_server_is_given_time() {
    let mut driver = start(&[]);
    driver.script([error(503, "ServerBusy"), error(503, "ServerBusy").header("Retry-After", "7"), answer(502).body("<html>Bad gateway</html>")]);
    let mut asked = || driver.stat(&path("/a")).map_err(|error| (error.kind, error.retry_after_ms)).unwrap_err();
    assert_eq!(asked(), (ErrorKind::RateLimited, Some(1000)));
    assert_eq!(asked(), (ErrorKind::RateLimited, Some(7000)));
    assert_eq!(asked(), (ErrorKind::Unavailable, None));
}
