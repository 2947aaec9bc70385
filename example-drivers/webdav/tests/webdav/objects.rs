//! Reading and writing objects.

use cofferdam_guest::testing::content;

use super::*;

#[test]
fn stat_is_a_head() {
    let mut driver = start(&[]);
    driver.script([head("\"e1\""), head("W/\"e1\""), answer(404), object(200, "").header("Content-Length", "5")]);
    for _ in 0..2 {
        assert_eq!(driver.stat(&path("/a")).unwrap(), ObjectInfo::object("/a", 5, TIME, "e1"), "weak and strong are one");
    }
    let missing = driver.stat(&path("/a")).unwrap_err();
    assert_eq!((missing.kind, missing.code.as_deref()), (ErrorKind::NotFound, Some("404")));
    let made = driver.stat(&path("/a")).unwrap().etag.unwrap();
    assert!(made.ends_with("-5"), "{made}");
    assert_eq!(asked(&driver), ["HEAD /a"; 4]);
}

#[test]
fn what_a_head_does_not_tell_is_asked_for() {
    let mut driver = start(&[]);
    // Apache, of an object without bytes.
    let empty = resource("/files/me/a").replace(">5<", ">0<");
    driver.script([object(200, "\"e0\""), multistatus(&[empty])]);
    assert_eq!(driver.stat(&path("/a")).unwrap(), ObjectInfo::object("/a", 0, TIME, "e0"));
    assert_eq!(asked(&driver), ["HEAD /a", "PROPFIND /a"]);
    // A collection, as servers tell of one that is asked for as if it were none.
    for of_collection in [answer(200).body("<html>"), answer(301).header("Location", "https://dav.test/files/me/a/"), answer(403), answer(405)] {
        driver.script([of_collection.clone(), multistatus(&[resource("/files/me/a/")])]);
        assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::NotFound);
        driver.script([of_collection, multistatus(&[resource("/files/me/a/")])]);
        assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap_err().kind, ErrorKind::NotFound);
    }
}

#[test]
fn what_is_opened_is_the_answer_as_it_arrives() {
    let mut driver = start(&[]);
    driver.script([object(200, "\"1\"").body("hello")]);
    let opened = driver.open(&path("/a"), ByteRange::Whole).unwrap();
    assert_eq!((opened.info, opened.content.size()), (ObjectInfo::object("/a", 5, TIME, "1"), Some(5)));
    assert_eq!(opened.content.bytes(5).unwrap(), b"hello");
    assert_eq!(opened.content.read(0, 1).unwrap_err().kind, ErrorKind::Unsupported, "live: nobody has read it");
    driver.script([object(206, "\"1\"").header("Content-Range", "bytes 2-4/5").body("llo")]);
    let opened = driver.open(&path("/a"), ByteRange::StartingAt(2)).unwrap();
    assert_eq!((opened.info.size, opened.content.bytes(9).unwrap().as_slice()), (5, &b"llo"[..]));
    assert_eq!(driver.requests()[1].header("range"), Some("bytes=2-"));
    driver.script([object(200, "\"1\"").body("hello")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(2)).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn a_range_without_bytes_is_empty_and_no_error() {
    let mut driver = start(&[]);
    driver.script([answer(416), head("\"1\"")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(5)).unwrap().content.size(), Some(0));
    driver.script([head("\"1\"")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(0)).unwrap().content.size(), Some(0));
    driver.script([answer(416), head("\"1\"")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(4)).unwrap_err().kind, ErrorKind::Unavailable, "it grew meanwhile");
}

#[test]
fn what_is_opened_is_of_one_version() {
    let mut driver = start(&[("check-reads", "true")]);
    let get = |etag: &str| object(200, etag).body("hello");
    driver.script([get("W/\"1\""), head("\"1\"")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap().info.etag.as_deref(), Some("1"));
    // It was replaced, and removed and made again, while it was opened.
    driver.script([get("\"1\""), head("\"2\""), get("\"2\""), answer(404), get("\"3\""), head("\"3\"")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap().info.etag.as_deref(), Some("3"));
    driver.script([get("\"1\""), answer(404), answer(404)]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap_err().kind, ErrorKind::NotFound);
    let mut version = 0;
    driver.serve(move |_| {
        version += 1;
        Ok(object(200, &format!("\"{version}\"")).body("hello"))
    });
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn a_put_answers_what_the_server_has_then() {
    let mut driver = start(&[]);
    driver.script([answer(201), head("\"new\"")]);
    assert_eq!(put(&mut driver, "/a", Condition::Unconditional).unwrap(), ObjectInfo::object("/a", 5, TIME, "new"));
    let requests = driver.requests();
    assert_eq!((shown(&requests[0]).as_str(), requests[0].text().as_str()), ("PUT /a", "hello"));
    driver.script([object(204, "\"told\"")]);
    assert_eq!(put(&mut driver, "/a", Condition::Unconditional).unwrap().etag.as_deref(), Some("told"));
    // Replaced or removed by others since: what was written had the size that it had.
    for since in [object(200, "\"x\"").header("Content-Length", "99"), answer(404)] {
        driver.script([answer(201), since]);
        let info = put(&mut driver, "/a", Condition::Unconditional).unwrap();
        assert_eq!((info.size, info.modified), (5, Some(TIME)));
        assert_ne!(info.etag.as_deref(), Some("x"));
    }
}

#[test]
fn a_condition_is_the_servers_to_keep_where_the_setting_says_so() {
    let mut driver = start(&[]);
    for condition in [Condition::IfAbsent, Condition::IfMatch("e".to_owned())] {
        assert_eq!(put(&mut driver, "/a", condition).unwrap_err().kind, ErrorKind::Unsupported);
    }
    assert_eq!(driver.requests(), []);
    let mut driver = start(&[("conditional-put", "true")]);
    for (condition, header, kind) in [
        (Condition::IfAbsent, ("if-none-match", "*"), ErrorKind::AlreadyExists),
        (Condition::IfMatch("e".to_owned()), ("if-match", "\"e\""), ErrorKind::PreconditionFailed),
    ] {
        driver.script([answer(412)]);
        assert_eq!(put(&mut driver, "/a", condition).unwrap_err().kind, kind);
        assert_eq!(driver.requests()[0].header(header.0), Some(header.1));
    }
    for evil in ["a\"b", "a\r\nb", ""] {
        let error = put(&mut driver, "/a", Condition::IfMatch(evil.to_owned()));
        assert!(error.is_err(), "{evil:?}");
    }
}

#[test]
fn a_server_that_shows_halves_gets_a_name_of_our_own_first() {
    let mut driver = start(&[("put-through-move", "true")]);
    driver.script([answer(201), answer(404), answer(201), head("\"1\"")]);
    put(&mut driver, "/a", Condition::Unconditional).unwrap();
    let requests = driver.requests();
    assert!(requests[0].method == "PUT" && requests[0].url.contains("/%2Bcofferdam/"), "{requests:?}");
    assert_eq!((requests[2].method.as_str(), &requests[2].url), ("MOVE", &requests[0].url));
    assert_eq!((requests[2].header("destination"), requests[2].header("overwrite")), (Some(format!("{URL}/a").as_str()), Some("F")));
    driver.script([answer(201), multistatus(&[resource("/files/me/a")]), answer(204), head("\"1\"")]);
    put(&mut driver, "/a", Condition::Unconditional).unwrap();
    assert_eq!(driver.requests()[2].header("overwrite"), Some("T"));
    // A prefix is never moved over, for that would remove it with all that is in it.
    let prefix = || multistatus(&[resource("/files/me/a/")]);
    driver.script([answer(201), prefix(), prefix(), answer(204)]);
    assert_eq!(put(&mut driver, "/a", Condition::Unconditional).unwrap_err().kind, ErrorKind::InvalidArgument);
    let requests = driver.requests();
    assert!(requests.iter().all(|asked| asked.method != "MOVE") && requests[3].method == "DELETE" && requests[3].url == requests[0].url);
}

#[test]
fn content_that_breaks_is_its_own_error() {
    let mut driver = start(&[]);
    driver.serve(|_| Ok(answer(201)));
    let breaking = content::breaking("hel");
    assert!(StreamingStore::put(&mut *driver, &path("/a"), breaking, Condition::Unconditional).is_err());
}
