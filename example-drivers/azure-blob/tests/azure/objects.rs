//! Reading, writing and removing blobs.

use cofferdam_guest::testing::content;

use super::*;

fn put(driver: &mut Azure, content: Content, condition: Condition) -> Result<ObjectInfo> {
    StreamingStore::put(&mut **driver, &path("/a"), content, condition)
}

fn bounded(offset: u64, length: u64) -> ByteRange {
    ByteRange::Bounded(Span { offset, length })
}

#[test]
fn stat_is_a_head_whose_error_has_its_name_in_a_header() {
    let mut driver = start(&[]);
    driver.script([blob(200, "0x8D1").header("Content-Length", "5"), error(404, "BlobNotFound"), error(404, "ContainerNotFound"), answer(404)]);
    assert_eq!(driver.stat(&path("/a")).unwrap(), ObjectInfo::object("/a", 5, TIME, "0x8D1"));
    let missing = driver.stat(&path("/a")).unwrap_err();
    assert_eq!((missing.kind, missing.code.as_deref()), (ErrorKind::NotFound, Some("BlobNotFound")));
    assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(driver.stat(&path("/a")).unwrap_err().kind, ErrorKind::NotFound);
    let requests = driver.requests();
    assert!(requests.iter().all(|asked| shown(asked) == "HEAD /a" && asked.header("x-ms-version") == Some("2026-02-06")));
}

#[test]
fn what_is_opened_is_the_answer_as_it_arrives() {
    let mut driver = start(&[]);
    driver.script([blob(200, "1").body("hello"), blob(206, "1").header("Content-Range", "bytes 2-4/5").body("llo")]);
    let opened = driver.open(&path("/a"), ByteRange::Whole).unwrap();
    assert_eq!((opened.info.size, opened.content.size()), (5, Some(5)));
    // Live: nobody has read it, the driver neither.
    assert_eq!(opened.content.bytes(5).unwrap(), b"hello");
    assert_eq!(opened.content.read(0, 1).unwrap_err().kind, ErrorKind::Unsupported);
    let opened = driver.open(&path("/a"), bounded(2, 100)).unwrap();
    assert_eq!((opened.info.size, opened.content.bytes(9).unwrap().as_slice()), (5, &b"llo"[..]));
    let ranges: Vec<_> = driver.requests().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some("bytes=2-101".to_owned())]);
}

#[test]
fn the_last_bytes_are_asked_for_by_where_they_are_as_long_as_they_stay_there() {
    let mut driver = start(&[]);
    let stat = || blob(200, "0x8D1").header("content-length", "5");
    driver.script([stat(), blob(206, "0x8D1").header("Content-Range", "bytes 2-4/5").body("llo"), stat(), error(412, "ConditionNotMet")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(3)).unwrap().content.bytes(9).unwrap(), b"llo");
    assert_eq!(driver.open(&path("/a"), ByteRange::Last(9)).unwrap_err().kind, ErrorKind::Unavailable);
    let requests = driver.requests();
    assert_eq!((requests[1].header("range"), requests[1].header("if-match")), (Some("bytes=2-4"), Some("\"0x8D1\"")));
    assert_eq!(requests[3].header("range"), Some("bytes=0-4"));
}

#[test]
fn a_range_without_bytes_is_empty_and_no_error() {
    let mut driver = start(&[]);
    for range in [ByteRange::StartingAt(5), bounded(1000, 1)] {
        driver.script([error(416, "InvalidRange"), blob(200, "1").header("content-length", "5")]);
        let opened = driver.open(&path("/a"), range).unwrap();
        assert_eq!((opened.info.size, opened.content.size()), (5, Some(0)));
    }
    for (range, size) in [(ByteRange::Last(0), "5"), (bounded(2, 0), "5"), (ByteRange::Last(3), "0")] {
        driver.script([blob(200, "1").header("content-length", size)]);
        assert_eq!(driver.open(&path("/a"), range).unwrap().content.size(), Some(0));
    }
    // It grew between the two requests.
    driver.script([error(416, "InvalidRange"), blob(200, "1").header("content-length", "50")]);
    assert_eq!(driver.open(&path("/a"), ByteRange::StartingAt(7)).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn a_put_is_a_block_blob_with_a_checksum() {
    let mut driver = start(&[("access-tier", "Cool")]);
    driver.script([blob(201, "0x8D1")]);
    let info = put(&mut driver, content::held("hello"), Condition::Unconditional).unwrap();
    assert_eq!(info, ObjectInfo::object("/a", 5, TIME, "0x8D1"));
    let asked = driver.requests().remove(0);
    assert_eq!((shown(&asked).as_str(), asked.text().as_str(), asked.header("x-ms-blob-type")), ("PUT /a", "hello", Some("BlockBlob")));
    assert_eq!(asked.header("x-ms-access-tier"), Some("Cool"));
    assert_eq!((asked.header("if-match"), asked.header("if-none-match"), asked.header("authorization")), (None, None, None));
    // The same number as S3's, with its lowest byte first.
    assert_eq!(asked.header("x-ms-content-crc64"), Some("V0JSBnCFdzM="));
    for (checksum, header, value) in [("md5", "content-md5", Some("XUFAKrxLKna5cZ2REBfFkg==")), ("none", "x-ms-content-crc64", None)] {
        let mut driver = start(&[("checksum", checksum)]);
        driver.script([blob(201, "1")]);
        put(&mut driver, content::held("hello"), Condition::Unconditional).unwrap();
        assert_eq!(driver.requests()[0].header(header), value);
    }
}

#[test]
fn conditions_are_the_servers_to_check() {
    let mut driver = start(&[]);
    let mut answers = |answer: Answer, condition: Condition| {
        driver.script([answer]);
        let kind = put(&mut driver, content::held("1"), condition).map(drop).map_err(|error| error.kind);
        let asked = driver.requests().remove(0);
        (kind, asked.header("if-none-match").or(asked.header("if-match")).map(str::to_owned))
    };
    let stale = || Condition::IfMatch("0x1".to_owned());
    assert_eq!(answers(blob(201, "1"), Condition::IfAbsent), (Ok(()), Some("*".to_owned())));
    assert_eq!(answers(error(409, "BlobAlreadyExists"), Condition::IfAbsent).0, Err(ErrorKind::AlreadyExists));
    assert_eq!(answers(error(412, "ConditionNotMet"), stale()), (Err(ErrorKind::PreconditionFailed), Some("\"0x1\"".to_owned())));
    assert_eq!(answers(error(404, "BlobNotFound"), stale()).0, Err(ErrorKind::PreconditionFailed));
    assert_eq!(answers(error(412, "LeaseIdMissing"), Condition::Unconditional).0, Err(ErrorKind::PermissionDenied));
    for never in ["", "*", "a\", \"b", "a\r\nx: y", "ä"] {
        let error = put(&mut driver, content::held("1"), Condition::IfMatch(never.to_owned())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::PreconditionFailed);
    }
    assert_eq!(asked(&driver), <[String; 0]>::default());
}

#[test]
fn content_that_breaks_is_the_error_of_the_put() {
    let mut driver = start(&[("put-max", "4")]);
    driver.script([]);
    for (bad, kind) in [
        (content::lying("three", 3), ErrorKind::InvalidArgument),
        (content::held("five5"), ErrorKind::InvalidArgument),
        (content::live("?"), ErrorKind::InvalidArgument),
    ] {
        assert_eq!(put(&mut driver, bad, Condition::Unconditional).unwrap_err().kind, kind);
    }
}

#[test]
fn each_blob_is_removed_by_a_request_of_its_own_and_what_is_missing_is_as_good_as_removed() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([answer(202), error(404, "BlobNotFound"), error(404, "ContainerNotFound"), error(403, "AuthorizationFailure")]);
    let paths = ["/a", "/b", "/c", "/d"].map(path);
    let answers: Vec<_> = StreamingStore::remove(&mut *driver, &paths).into_iter().map(|answer| answer.map_err(|error| error.kind)).collect();
    assert_eq!(answers, [Ok(()), Ok(()), Err(ErrorKind::Unavailable), Err(ErrorKind::PermissionDenied)]);
    assert_eq!(asked(&driver), ["DELETE /p/a", "DELETE /p/b", "DELETE /p/c", "DELETE /p/d"]);
}
