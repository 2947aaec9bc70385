//! Reading, writing and removing objects.

use cofferdam_guest::testing::content;

use super::*;

fn put(driver: &mut S3, at: &str, content: Content, condition: Condition) -> Result<ObjectInfo> {
    StreamingStore::put(&mut **driver, &path(at), content, condition)
}

fn remove(driver: &mut S3, paths: &[&str]) -> Vec<std::result::Result<(), ErrorKind>> {
    let paths: Vec<_> = paths.iter().map(|at| path(at)).collect();
    StreamingStore::remove(&mut **driver, &paths).into_iter().map(|answer| answer.map_err(|error| error.kind)).collect()
}

#[test]
fn stat_is_a_head() {
    let mut driver = start(&[]);
    driver.script([object(200, "5d41402a").header("Content-Length", "5"), answer(404), answer(403)]);
    assert_eq!(driver.stat(&path("/a")).unwrap(), ObjectInfo::object("/a", 5, TIME, "5d41402a"));
    let missing = driver.stat(&path("/a")).unwrap_err();
    assert_eq!((missing.kind, missing.code.as_deref()), (ErrorKind::NotFound, Some("404")));
    assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::PermissionDenied);
    assert_eq!(asked(&driver), ["HEAD /a", "HEAD /a", "HEAD /a"]);
}

#[test]
fn what_is_opened_is_the_answer_as_it_arrives() {
    let mut driver = start(&[]);
    driver.script([object(200, "1").body("hello")]);
    let opened = driver.open(&path("/a"), ByteRange::Whole).unwrap();
    assert_eq!((opened.info.size, opened.content.size()), (5, Some(5)));
    // Live: nobody has read it, the driver neither.
    assert_eq!(opened.content.bytes(5).unwrap(), b"hello");
    assert_eq!(opened.content.read(0, 1).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(driver.requests()[0].header("range"), None);
}

#[test]
fn ranges_are_asked_for_as_http_writes_them() {
    let mut driver = start(&[]);
    let bounded = |offset, length| ByteRange::Bounded(Span { offset, length });
    for (range, header) in [
        (ByteRange::StartingAt(2), "bytes=2-"),
        (bounded(2, 3), "bytes=2-4"),
        (bounded(2, u64::MAX), "bytes=2-9223372036854775807"),
        (ByteRange::Last(3), "bytes=-3"),
    ] {
        driver.script([object(206, "1").header("Content-Range", "bytes 2-4/5").body("llo")]);
        let opened = driver.open(&path("/a"), range).unwrap();
        assert_eq!((opened.info.size, opened.content.bytes(9).unwrap().as_slice()), (5, &b"llo"[..]));
        assert_eq!(driver.requests()[0].header("range"), Some(header));
    }
}

#[test]
fn a_range_without_bytes_is_empty_and_no_error() {
    let mut driver = start(&[]);
    let bounded = |offset, length| ByteRange::Bounded(Span { offset, length });
    for range in [ByteRange::StartingAt(5), ByteRange::StartingAt(1000), bounded(5, 1)] {
        driver.script([error(416, "InvalidRange"), object(200, "1").header("content-length", "5")]);
        let opened = driver.open(&path("/a"), range).unwrap();
        assert_eq!((opened.info.size, opened.content.size()), (5, Some(0)));
        assert_eq!(asked(&driver), ["GET /a", "HEAD /a"]);
    }
    // S3 has no way to ask for these.
    for range in [ByteRange::Last(0), bounded(2, 0), bounded(u64::MAX, u64::MAX), ByteRange::StartingAt(u64::MAX)] {
        driver.script([object(200, "1").header("content-length", "5")]);
        assert_eq!(driver.open(&path("/a"), range).unwrap().content.size(), Some(0));
    }
    driver.script([error(416, "InvalidRange"), answer(404)]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(4)).unwrap_err().kind, ErrorKind::NotFound);
    // An empty object, of which AWS answers 416 and moto all there is.
    driver.script([error(416, "InvalidRange"), object(200, "1").header("content-length", "0"), object(200, "1").body("")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(4)).unwrap().content.size(), Some(0));
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(4)).unwrap().content.size(), Some(0));
}

#[test]
fn bytes_that_were_not_asked_for_are_not_handed_on() {
    let mut driver = start(&[]);
    // It grew between the two requests.
    driver.script([error(416, "InvalidRange"), object(200, "1").header("content-length", "50")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(7)).unwrap_err().kind, ErrorKind::Unavailable);
    // It reads no ranges.
    driver.script([object(200, "1").body("hello")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(1)).unwrap_err().kind, ErrorKind::Unsupported);
    driver.script([object(200, "1").body("hello")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(10)).unwrap().content.size(), Some(5));
}

#[test]
fn a_put_carries_a_checksum_and_tells_what_it_made() {
    let mut driver = start(&[]);
    driver.script([answer(200).header("ETag", "\"5d41402a\"")]);
    let info = put(&mut driver, "/a/b", content::held("hello"), Condition::Unconditional).unwrap();
    assert_eq!(info, ObjectInfo::object("/a/b", 5, TIME, "5d41402a"));
    let asked = driver.requests().remove(0);
    assert_eq!((shown(&asked).as_str(), asked.text().as_str()), ("PUT /a/b", "hello"));
    assert_eq!(asked.header("x-amz-checksum-sha256"), Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
    assert_eq!((asked.header("if-match"), asked.header("if-none-match")), (None, None));
}

#[test]
fn the_checksum_is_the_settings() {
    for (checksum, header, value) in [
        ("md5", "content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("crc32c", "x-amz-checksum-crc32c", "mnG7TA=="),
        ("crc64nvme", "x-amz-checksum-crc64nvme", "M3eFcAZSQlc="),
    ] {
        let mut driver = start(&[("checksum", checksum)]);
        driver.script([object(200, "1")]);
        put(&mut driver, "/a", content::held("hello"), Condition::Unconditional).unwrap();
        assert_eq!(driver.requests()[0].header(header), Some(value));
    }
    let mut driver = start(&[("checksum", "none")]);
    driver.script([object(200, "1")]);
    put(&mut driver, "/a", content::held("hello"), Condition::Unconditional).unwrap();
    assert_eq!(driver.requests()[0].headers, []);
}

#[test]
fn an_answer_without_etag_or_time_is_completed_by_asking() {
    let mut driver = start(&[]);
    driver.script([Answer::new(200), object(200, "7").header("content-length", "5")]);
    let info = put(&mut driver, "/a", content::held("hello"), Condition::Unconditional).unwrap();
    assert_eq!(info, ObjectInfo::object("/a", 5, TIME, "7"));
}

#[test]
fn conditions_are_the_servers_to_check() {
    let mut driver = start(&[]);
    let mut answers = |answer: Answer, condition: Condition| {
        driver.script([answer]);
        let kind = put(&mut driver, "/a", content::held("1"), condition).map(drop).map_err(|error| error.kind);
        let asked = driver.requests().remove(0);
        (kind, asked.header("if-none-match").or(asked.header("if-match")).map(str::to_owned))
    };
    let stale = || Condition::IfMatch("1".to_owned());
    assert_eq!(answers(object(200, "1"), Condition::IfAbsent), (Ok(()), Some("*".to_owned())));
    assert_eq!(answers(error(412, "PreconditionFailed"), Condition::IfAbsent).0, Err(ErrorKind::AlreadyExists));
    assert_eq!(answers(error(412, "PreconditionFailed"), stale()), (Err(ErrorKind::PreconditionFailed), Some("\"1\"".to_owned())));
    // Where nothing is stored.
    assert_eq!(answers(error(404, "NoSuchKey"), stale()).0, Err(ErrorKind::PreconditionFailed));
    // Two at once, and S3 cannot say which was first.
    assert_eq!(answers(error(409, "ConditionalRequestConflict"), Condition::IfAbsent).0, Err(ErrorKind::Unavailable));
    for never in ["a\", \"b", "W/\"1\"", "a\r\nx: y", "ä"] {
        let error = put(&mut driver, "/a", content::held("1"), Condition::IfMatch(never.to_owned())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::PreconditionFailed);
    }
    assert_eq!(asked(&driver), <[String; 0]>::default());
}

#[test]
fn what_is_not_claimed_is_not_even_asked_for() {
    let mut driver = start(&[("conditional-put", "false"), ("put-max", "4")]);
    for condition in [Condition::IfAbsent, Condition::IfMatch("1".to_owned())] {
        assert_eq!(put(&mut driver, "/a", content::held("1"), condition).unwrap_err().kind, ErrorKind::Unsupported);
    }
    for bad in [content::held("five5"), content::live("?")] {
        assert_eq!(put(&mut driver, "/a", bad, Condition::Unconditional).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    assert_eq!(asked(&driver), <[String; 0]>::default());
}

#[test]
fn content_that_breaks_is_the_error_of_the_put() {
    let mut driver = start(&[]);
    driver.script([]);
    let kind = |bad, driver: &mut S3| put(driver, "/a", bad, Condition::Unconditional).unwrap_err().kind;
    assert_eq!(kind(content::breaking("half"), &mut driver), ErrorKind::Unavailable);
    assert_eq!(kind(content::lying("three", 7), &mut driver), ErrorKind::InvalidArgument);
}

#[test]
fn one_object_is_removed_by_a_delete() {
    let mut driver = start(&[]);
    driver.script([answer(204), error(404, "NoSuchKey"), error(404, "NoSuchBucket"), error(403, "AccessDenied")]);
    assert_eq!(remove(&mut driver, &["/a"]), [Ok(())]);
    assert_eq!(remove(&mut driver, &["/a"]), [Ok(())]);
    assert_eq!(remove(&mut driver, &["/a"]), [Err(ErrorKind::Unavailable)]);
    assert_eq!(remove(&mut driver, &["/a"]), [Err(ErrorKind::PermissionDenied)]);
    assert_eq!(remove(&mut driver, &[]), []);
    assert_eq!(asked(&driver), ["DELETE /a"; 4]);
}

#[test]
fn a_batch_is_one_request_with_an_error_for_each_key_that_stays() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([xml(
        200,
        "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Deleted><Key>p/a</Key></Deleted>\
         <Error><Key>p/b</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>\
         <Error><Key>p/c</Key><Code>NoSuchKey</Code><Message/></Error>\
         <Error><Key>p/d</Key><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error></DeleteResult>",
    )]);
    let answers = remove(&mut driver, &["/a", "/b", "/c", "/d", "/e"]);
    assert_eq!(answers, [Ok(()), Err(ErrorKind::PermissionDenied), Ok(()), Err(ErrorKind::Unavailable), Ok(())]);
    let asked = driver.requests().remove(0);
    assert_eq!(shown(&asked), "POST /?delete=");
    assert!(asked.text().contains("<Quiet>true</Quiet><Object><Key>p/a</Key></Object><Object><Key>p/b</Key></Object>"));
    assert!(asked.header("content-md5").is_some());
}

#[test]
fn a_batch_that_fails_fails_for_each_of_its_paths() {
    let mut driver = start(&[]);
    let paths: Vec<_> = (0..1500).map(|index| path(&format!("/{index}"))).collect();
    driver.script([error(503, "SlowDown"), xml(200, "<DeleteResult></DeleteResult>")]);
    let answers = StreamingStore::remove(&mut *driver, &paths);
    let failed = answers.iter().filter(|answer| answer.as_ref().is_err_and(|error| error.kind == ErrorKind::RateLimited)).count();
    assert_eq!((answers.len(), failed), (1500, 1000));
    assert!(answers[..1000].iter().all(std::result::Result::is_err));
}
