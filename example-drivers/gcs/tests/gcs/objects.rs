//! Reading, writing, removing, listing and copying objects.

use cofferdam_guest::testing::content;

use super::*;

fn media() -> Answer {
    Answer::new(200).header("x-goog-generation", "17").header("Last-Modified", DATE)
}

fn put(driver: &mut Gcs, condition: Condition) -> Result<ObjectInfo> {
    StreamingStore::put(&mut **driver, &path("/a"), content::held("hello"), condition)
}

#[test]
fn stat_asks_for_the_resource_and_its_generation_is_the_etag() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([object("p/a/b", 5, "17"), missing(), error(404, "notFound", "The specified bucket does not exist.")]);
    assert_eq!(driver.stat(&path("/a/b")).unwrap(), ObjectInfo::object("/a/b", 5, TIME, "17"));
    let gone = driver.stat(&path("/a/b")).unwrap_err();
    assert_eq!((gone.kind, gone.code.as_deref()), (ErrorKind::NotFound, Some("notFound")));
    assert_eq!(driver.stat(&path("/a/b")).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(asked(&driver)[0], "GET /storage/v1/b/blobs/o/p%2Fa%2Fb?fields=name%2Csize%2Cgeneration%2Cupdated%2Ccrc32c");
}

#[test]
fn what_is_opened_is_the_answer_as_it_arrives() {
    let mut driver = start(&[]);
    let piece = Answer::new(206).header("x-goog-generation", "17").header("Last-Modified", DATE).header("Content-Range", "bytes 2-4/5");
    driver.script([media().body("hello"), piece.body("llo")]);
    let opened = driver.open(&path("/a"), ByteRange::Whole).unwrap();
    assert_eq!((opened.info, opened.content.size()), (ObjectInfo::object("/a", 5, TIME, "17"), Some(5)));
    // Live: nobody has read it, the driver neither.
    assert_eq!(opened.content.bytes(5).unwrap(), b"hello");
    assert_eq!(opened.content.read(0, 1).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(3)).unwrap().info.size, 5);
    let requests = driver.requests();
    assert_eq!(shown(&requests[0]), "GET /storage/v1/b/blobs/o/a?alt=media");
    assert_eq!((requests[0].header("range"), requests[1].header("range")), (None, Some("bytes=-3")));
}

#[test]
fn a_server_that_says_little_of_a_download_is_asked_first() {
    let mut driver = start(&[]);
    let bare = || Answer::new(200).body("hello");
    let piece = || Answer::new(206).header("Content-Range", "bytes 3-4/5").body("lo");
    driver.script([bare(), object("a", 5, "17"), bare(), object("a", 5, "17"), piece(), object("a", 5, "17"), missing()]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap().info, ObjectInfo::object("/a", 5, TIME, "17"));
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(2)).unwrap().content.bytes(9).unwrap(), b"lo");
    // That generation is gone.
    assert_eq!(driver.open(&path("/a"), ByteRange::Whole).unwrap_err().kind, ErrorKind::Unavailable);
    let requests = driver.requests();
    assert_eq!(shown(&requests[2]), "GET /storage/v1/b/blobs/o/a?alt=media&generation=17");
    assert_eq!(requests[4].header("range"), Some("bytes=3-4"));
    assert_eq!(requests.len(), 7, "only the first time is it found out");
}

#[test]
fn a_range_without_bytes_is_empty_and_no_error() {
    let mut driver = start(&[]);
    let out = || Answer::new(416).body("Request range not satisfiable");
    driver.script([out(), object("a", 5, "17"), object("a", 5, "17"), out(), object("a", 50, "18")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(5)).unwrap().content.size(), Some(0));
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(0)).unwrap().content.size(), Some(0));
    // It grew between the two requests.
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(7)).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn a_put_keeps_its_condition_by_the_generation() {
    let mut driver = start(&[]);
    let unmet = || error(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    driver.script([object("a", 5, "17"), unmet(), unmet(), object("a", 5, "18")]);
    assert_eq!(put(&mut driver, Condition::IfAbsent).unwrap(), ObjectInfo::object("/a", 5, TIME, "17"));
    assert_eq!(put(&mut driver, Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(put(&mut driver, Condition::IfMatch("17".to_owned())).unwrap_err().kind, ErrorKind::PreconditionFailed);
    put(&mut driver, Condition::Unconditional).unwrap();
    let requests = driver.requests();
    assert_eq!(shown(&requests[0]), "POST /upload/storage/v1/b/blobs/o?uploadType=media&name=a&ifGenerationMatch=0");
    assert!(requests[2].url.ends_with("&ifGenerationMatch=17") && requests[3].url.ends_with("&name=a"));
    assert_eq!((requests[0].text().as_str(), requests[0].header("authorization")), ("hello", None));
    // Generation 0 would be no object at all.
    for never in ["", "0", "017", "+17", "x", "-1"] {
        assert_eq!(put(&mut driver, Condition::IfMatch(never.to_owned())).unwrap_err().kind, ErrorKind::PreconditionFailed);
    }
    assert_eq!(driver.requests(), []);
}

#[test]
fn what_arrived_damaged_is_removed_again() {
    let mut driver = start(&[]);
    let with = |crc32c: &str| {
        let mut made = resource("a", 5, "17");
        made["crc32c"] = json!(crc32c);
        answer(200, &made)
    };
    driver.script([with("mnG7TA=="), with("AAAAAA=="), Answer::new(204)]);
    put(&mut driver, Condition::Unconditional).unwrap();
    assert_eq!(put(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(asked(&driver)[2], "DELETE /storage/v1/b/blobs/o/a?ifGenerationMatch=17");
}

#[test]
fn what_the_server_refuses_is_of_the_contracts_kinds() {
    let mut driver = start(&[]);
    for (status, reason, kind, after) in [
        (403, "forbidden", ErrorKind::PermissionDenied, None),
        (401, "authError", ErrorKind::Unauthenticated, None),
        (429, "rateLimitExceeded", ErrorKind::RateLimited, Some(1000)),
        (403, "userRateLimitExceeded", ErrorKind::RateLimited, Some(1000)),
        (503, "backendError", ErrorKind::Unavailable, None),
        (400, "invalid", ErrorKind::InvalidArgument, None),
    ] {
        driver.script([error(status, reason, "What went wrong.")]);
        let error = driver.stat(&path("/a")).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref(), error.retry_after_ms), (kind, Some(reason), after));
        assert_eq!(error.message, "the server refused /a: What went wrong");
    }
    driver.script([Answer::new(502).body("<html>Bad gateway</html>"), Answer::new(200).body("<html>log in</html>")]);
    assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn each_object_is_removed_by_a_request_of_its_own() {
    let mut driver = start(&[]);
    driver.script([Answer::new(204), missing(), error(403, "forbidden", "No.")]);
    let answers: Vec<_> =
        StreamingStore::remove(&mut *driver, &["/a", "/b", "/c"].map(path)).into_iter().map(|one| one.map_err(|error| error.kind)).collect();
    assert_eq!(answers, [Ok(()), Ok(()), Err(ErrorKind::PermissionDenied)]);
}

#[test]
fn lists_begin_at_a_name_and_are_in_byte_order() {
    let mut driver = start(&[("prefix", "r")]);
    let items = ["r/p/a-x", "r/p/a0", "r/p/a b"].map(|name| resource(name, 5, "17"));
    driver.script([answer(200, &json!({ "items": items, "prefixes": ["r/p/a/", "r/p/+x/"], "nextPageToken": "t" })), answer(200, &json!({}))]);
    let options = |cursor| ListOptions { recursive: false, start_after: None, cursor, limit: 3 };
    let page = StreamingStore::list(&mut *driver, &Prefix::new("/p").unwrap(), options(None)).unwrap();
    let keys: Vec<_> = page.entries.iter().map(ObjectInfo::sort_key).collect();
    assert_eq!((keys, page.next.as_deref()), (["/p/a-x", "/p/a/", "/p/a0"].map(str::to_owned).to_vec(), Some(">/p/a0")));
    assert_eq!(page.entries[0], ObjectInfo::object("/p/a-x", 5, TIME, "17"));
    StreamingStore::list(&mut *driver, &Prefix::new("/p").unwrap(), options(page.next)).unwrap();
    let urls = asked(&driver);
    assert!(urls[0].starts_with("GET /storage/v1/b/blobs/o?maxResults=3&fields=") && urls[0].ends_with("&prefix=r%2Fp%2F&delimiter=%2F"), "{urls:?}");
    assert!(urls[1].ends_with("&startOffset=r%2Fp%2Fa0-"), "{urls:?}");
}

#[test]
fn a_copy_goes_on_until_it_is_done_and_says_which_condition_failed() {
    let mut driver = start(&[]);
    let copy = |driver: &mut Gcs, condition| driver.copy(&path("/from"), &path("/to"), condition);
    let more = || answer(200, &json!({ "done": false, "rewriteToken": "t" }));
    let done = || answer(200, &json!({ "done": true, "resource": resource("to", 5, "18") }));
    driver.script([object("from", 5, "17"), more(), done()]);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap(), ObjectInfo::object("/to", 5, TIME, "18"));
    let urls = asked(&driver);
    assert_eq!(urls[1], "POST /storage/v1/b/blobs/o/from/rewriteTo/b/blobs/o/to?ifSourceGenerationMatch=17&ifGenerationMatch=0");
    assert!(urls[2].ends_with("&rewriteToken=t"));
    let unmet = || error(412, "conditionNotMet", "It did not hold.");
    driver.script([object("from", 5, "17"), unmet(), object("to", 5, "18"), object("from", 5, "17"), unmet(), missing(), missing()]);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn health_is_one_round_trip_and_clients_get_urls_of_the_xml_api() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([answer(200, &json!({})), error(404, "notFound", "Not Found"), error(404, "notFound", "The specified bucket does not exist.")]);
    driver.health().unwrap();
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(asked(&driver)[0], "GET /storage/v1/b/blobs/o?maxResults=1&prefix=p%2F");
    assert_eq!(driver.presign(&path("/a/b"), Access::Read, 60).unwrap(), format!("{SERVER}/blobs/p/a/b?signed=GET&expires=60"));
    assert!(driver.presign(&path("/a/b"), Access::Stat, 60).unwrap().contains("signed=HEAD"));
    assert!(Harness::<GcsDriver>::start(&[("bucket", "blobs"), ("put-max", "0")]).err().unwrap().message.contains("`put-max`"));
}
