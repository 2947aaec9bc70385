//! What statuses mean, wherever they come.

use super::*;

#[test]
fn statuses_are_errors_of_the_contracts_kinds() {
    let mut driver = start(&[]);
    for (status, kind) in [
        (302, ErrorKind::InvalidArgument),
        (401, ErrorKind::Unauthenticated),
        (408, ErrorKind::Unavailable),
        (413, ErrorKind::InvalidArgument),
        (423, ErrorKind::Unavailable),
        (429, ErrorKind::RateLimited),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (507, ErrorKind::QuotaExceeded),
    ] {
        driver.serve(move |_| Ok(answer(status)));
        let error = put(&mut driver, "/a", Condition::Unconditional).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(status.to_string().as_str())), "{error:?}");
        let error = driver.open(&path("/a"), ByteRange::Whole).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(status.to_string().as_str())), "{error:?}");
        let error = StreamingStore::list(&mut *driver, &Prefix::new("/p").unwrap(), options()).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(status.to_string().as_str())), "{error:?}");
    }
}

fn options() -> ListOptions {
    ListOptions { recursive: false, start_after: None, cursor: None, limit: 10 }
}

#[test]
fn how_long_to_wait_is_what_the_server_says() {
    let mut driver = start(&[]);
    for (answer, expected) in [
        (answer(429), Some(1000)),
        (answer(429).header("Retry-After", "7"), Some(7000)),
        (answer(503).header("Retry-After", "3"), Some(3000)),
        (answer(503), None),
        (answer(401).header("Retry-After", "3"), None),
    ] {
        driver.script([answer]);
        assert_eq!(driver.stat(&path("/a")).unwrap_err().retry_after_ms, expected);
    }
}

#[test]
fn a_redirect_is_an_error_that_does_not_repeat_where_it_leads() {
    let mut driver = start(&[]);
    for location in ["http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/"] {
        driver.serve(move |_| Ok(answer(302).header("Location", location)));
        let error = driver.stat(&path("/a")).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::InvalidArgument, Some("302")));
        assert!(error.message.contains("redirect") && !error.message.contains("169"), "{}", error.message);
        assert!(driver.requests().iter().all(|asked| asked.url.starts_with(URL)));
    }
}

#[test]
fn health_is_one_question_about_the_collection() {
    let mut driver = start(&[("prefix", "not/there/yet")]);
    driver.script([multistatus(&[resource("/files/me/")])]);
    driver.health().unwrap();
    let requests = driver.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].url.as_str(), requests[0].header("depth")), ("PROPFIND", URL, Some("0")));
    for (answer, kind) in [
        (answer(404), ErrorKind::Unavailable),
        (answer(405), ErrorKind::Unsupported),
        (answer(401), ErrorKind::Unauthenticated),
        (answer(200).body("<html/>"), ErrorKind::Unavailable),
        (multistatus(&[resource("/files/me")]), ErrorKind::Unavailable),
        (multistatus(&[resource("/elsewhere/")]), ErrorKind::Unavailable),
    ] {
        driver.script([answer]);
        assert_eq!(driver.health().unwrap_err().kind, kind);
    }
    driver.set_reachable(false);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn settings_without_meaning_are_refused_by_name() {
    for (settings, name) in [
        (&[("url", "http://u:p@host/")][..], "`url`"),
        (&[("url", URL), ("prefix", "../up")][..], "`prefix`"),
        (&[("url", URL), ("conditional-put", "true"), ("put-through-move", "true")][..], "`put-through-move`"),
    ] {
        let error = Dav::start(settings).err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidArgument);
        assert!(error.message.contains(name), "{}", error.message);
    }
}
