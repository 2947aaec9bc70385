//! Uploads: their requests, their ends, and finding those that were left.

use cofferdam_guest::testing::content;

use super::*;

const MIB: u64 = 1 << 20;
const BEGUN: &str = "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>bucket</Bucket>\
    <Key>up/1</Key><UploadId>VXBsb2Fk.ID_~1</UploadId></InitiateMultipartUploadResult>";

fn begin(driver: &mut S3) -> String {
    driver.script([xml(200, BEGUN)]);
    let token = driver.create(&path("/up/1")).unwrap();
    driver.requests();
    token
}

fn part(number: u32, offset: u64, length: u64, id: &str) -> WrittenPart {
    WrittenPart { number, offset, length, writer: 1, id: id.to_owned() }
}

fn complete(driver: &mut S3, token: &str, parts: &[WrittenPart], condition: Condition) -> Result<ObjectInfo> {
    driver.complete(token, parts.to_vec(), &path("/up/1"), condition)
}

fn completed() -> Answer {
    xml(200, "<CompleteMultipartUploadResult><Key>up/1</Key><ETag>\"3858f62230ac3c91-2\"</ETag></CompleteMultipartUploadResult>")
}

#[test]
fn an_upload_goes_through_four_requests_on_any_instance() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([xml(200, BEGUN)]);
    let token = driver.create(&path("/up/1")).unwrap();
    let mut other = driver.again(&[("bucket", "bucket"), ("prefix", "p")]).unwrap();
    other.script([object(200, "e1"), completed(), answer(204)]);
    let id = other.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, content::held("hello")).unwrap();
    assert_eq!(id, "e1 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    let info = complete(&mut other, &token, &[part(1, 0, 5, &id)], Condition::Unconditional).unwrap();
    assert_eq!(info, ObjectInfo::object("/up/1", 5, TIME, "3858f62230ac3c91-2"));
    other.abort(&token).unwrap();
    let asked = other.requests();
    let urls: Vec<_> = asked.iter().map(shown).collect();
    assert_eq!(
        urls,
        [
            "POST /p/up/1?uploads=",
            "PUT /p/up/1?partNumber=1&uploadId=VXBsb2Fk.ID_~1",
            "POST /p/up/1?uploadId=VXBsb2Fk.ID_~1",
            "DELETE /p/up/1?uploadId=VXBsb2Fk.ID_~1"
        ]
    );
    assert_eq!(asked[0].header("x-amz-checksum-algorithm"), Some("SHA256"));
    assert!(asked[2].text().contains(
        "<Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag><ChecksumSHA256>LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=</ChecksumSHA256></Part>"
    ));
}

#[test]
fn a_checksum_of_the_whole_object_needs_none_of_parts() {
    let mut driver = start(&[("checksum", "crc64nvme")]);
    driver.script([xml(200, BEGUN), object(200, "e1")]);
    let token = driver.create(&path("/up/1")).unwrap();
    let id = driver.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, content::held("hello")).unwrap();
    assert_eq!(id, "e1");
    let asked = driver.requests();
    assert_eq!((asked[0].header("x-amz-checksum-type"), asked[1].header("x-amz-checksum-crc64nvme")), (Some("FULL_OBJECT"), Some("M3eFcAZSQlc=")));
}

#[test]
fn parts_are_joined_in_the_order_of_their_numbers() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([completed()]);
    let parts = [part(7, 5 * MIB, 3, "e7 c7"), part(2, 0, 5 * MIB, "e2 c2")];
    assert_eq!(complete(&mut driver, &token, &parts, Condition::IfAbsent).unwrap().size, 5 * MIB + 3);
    let asked = driver.requests().remove(0);
    let (first, second) = (asked.text().find(">2<").unwrap(), asked.text().find(">7<").unwrap());
    assert!(first < second);
    assert_eq!(asked.header("if-none-match"), Some("*"));
}

#[test]
fn parts_that_do_not_join_are_refused_without_asking() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    let five = 5 * MIB;
    for parts in [
        vec![part(1, 0, five, "a"), part(2, five + 1, 1, "b")],
        vec![part(1, 0, five, "a"), part(2, five - 1, 1, "b")],
        vec![part(1, 1, five, "a")],
        vec![part(1, 0, five, "a"), part(1, five, 1, "b")],
        vec![part(1, 0, five - 1, "a"), part(2, five - 1, 1, "b")],
        vec![part(1, 0, u64::MAX, "a"), part(2, 0, 1, "b")],
    ] {
        assert_eq!(complete(&mut driver, &token, &parts, Condition::Unconditional).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    for number in [0, 10_001] {
        let refused = driver.write_part(&token, Part { number, offset: 0, writer: 1 }, content::held("x"));
        assert_eq!(refused.unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    let unknown = driver.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, content::live("x"));
    assert_eq!(unknown.unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(driver.requests(), []);
}

#[test]
fn what_is_not_claimed_is_unsupported() {
    let mut driver = start(&[("conditional-put", "false")]);
    let token = begin(&mut driver);
    let parts = [part(1, 0, 5, "e1")];
    for condition in [Condition::IfAbsent, Condition::IfMatch("1".to_owned())] {
        assert_eq!(complete(&mut driver, &token, &parts, condition).unwrap_err().kind, ErrorKind::Unsupported);
    }
    let elsewhere = driver.complete(&token, parts.to_vec(), &path("/up/2"), Condition::Unconditional);
    assert_eq!(elsewhere.unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(driver.requests(), []);
}

#[test]
fn nothing_is_joined_from_an_empty_part() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([object(200, "d41d8cd9"), completed()]);
    assert_eq!(complete(&mut driver, &token, &[], Condition::Unconditional).unwrap().size, 0);
    let asked = driver.requests();
    assert_eq!(asked[0].body.as_deref(), Some(&b""[..]));
    assert!(asked[1].text().contains("<ETag>\"d41d8cd9\"</ETag>"));
}

#[test]
fn the_end_of_an_upload_is_told_by_its_error() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    let parts = [part(1, 0, 5, "e1")];
    // A status of 200, white space while the server works, and then an error.
    let late = answer(200).body(format!("{XML}   \n  <Error><Code>InternalError</Code><Message>Try again.</Message></Error>"));
    for (answer, kind) in [
        (error(404, "NoSuchUpload"), ErrorKind::UploadExpired),
        (error(400, "InvalidPart"), ErrorKind::InvalidArgument),
        (error(400, "EntityTooSmall"), ErrorKind::InvalidArgument),
        (error(412, "PreconditionFailed"), ErrorKind::AlreadyExists),
        (answer(404), ErrorKind::UploadExpired),
        (xml(200, "<CompleteMultipartUploadResult><ETag>").header("content-length", "9999"), ErrorKind::Unavailable),
    ] {
        driver.script([answer]);
        assert_eq!(complete(&mut driver, &token, &parts, Condition::IfAbsent).unwrap_err().kind, kind);
    }
    driver.script([late, xml(200, "<ListPartsResult></ListPartsResult>")]);
    assert_eq!(complete(&mut driver, &token, &parts, Condition::IfAbsent).unwrap_err().kind, ErrorKind::Unavailable);
    driver.script([error(404, "NoSuchUpload")]);
    let gone = driver.write_part(&token, Part { number: 2, offset: 5, writer: 1 }, content::held("x")).unwrap_err();
    assert_eq!((gone.kind, gone.code.as_deref()), (ErrorKind::UploadExpired, Some("NoSuchUpload")));
    driver.script([error(404, "NoSuchUpload"), error(403, "AccessDenied")]);
    driver.abort(&token).unwrap();
    assert_eq!(driver.abort(&token).unwrap_err().kind, ErrorKind::PermissionDenied);
}

#[test]
fn a_server_that_fails_over_an_upload_that_is_gone_is_asked_whether_it_is() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    let mut write = |answers: Vec<Answer>| {
        driver.script(answers);
        let failed = driver.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, content::held("x")).unwrap_err();
        (failed.kind, driver.requests().len())
    };
    let failure = || [answer(500), error(500, "InternalError")];
    for failed in failure() {
        assert_eq!(write(vec![failed, error(404, "NoSuchUpload")]), (ErrorKind::UploadExpired, 2));
    }
    for failed in failure() {
        assert_eq!(write(vec![failed, xml(200, "<ListPartsResult></ListPartsResult>")]), (ErrorKind::Unavailable, 2));
    }
    assert_eq!(write(vec![answer(500), answer(503)]), (ErrorKind::Unavailable, 2));
    // Busy is not broken.
    assert_eq!(write(vec![error(503, "SlowDown")]), (ErrorKind::RateLimited, 1));
    assert_eq!(write(vec![answer(503)]), (ErrorKind::Unavailable, 1));
}

#[test]
fn a_token_of_nobody_is_refused_without_asking() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    for garbage in ["", "x", "../x", &token[1..], &format!("{token}x")] {
        assert_eq!(driver.abort(garbage).unwrap_err().kind, ErrorKind::InvalidArgument);
        assert_eq!(driver.written(garbage).unwrap_err().kind, ErrorKind::InvalidArgument);
        assert_eq!(complete(&mut driver, garbage, &[], Condition::Unconditional).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    assert_eq!(driver.requests(), []);
}

fn found(uploads: &[(&str, &str)], rest: &str) -> Answer {
    let shown: String = uploads
        .iter()
        .map(|(key, id)| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>2026-11-24T23:45:16.000Z</Initiated></Upload>"))
        .collect();
    xml(200, &format!("<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rest}{shown}</ListMultipartUploadsResult>"))
}

const MORE: &str = "<IsTruncated>true</IsTruncated><NextKeyMarker>p/%2Bx</NextKeyMarker><NextUploadIdMarker>u9</NextUploadIdMarker>";

#[test]
fn unfinished_uploads_are_found_page_by_page() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([
        found(&[("p/a", "u1"), ("p/a", "u2")], "<IsTruncated>true</IsTruncated>"),
        // Others' only, and then the end.
        found(&[("p/%2Bx", "u9")], MORE),
        found(&[("p/b", "u3")], "<IsTruncated>false</IsTruncated>"),
    ]);
    let (page, next) = driver.find(None, 2).unwrap();
    assert_eq!((page.len(), page[0].created), (2, Some(TIME)));
    assert_eq!(next.as_deref(), Some(page[1].token.as_str()));
    let (page, next) = driver.find(next.as_deref(), 2).unwrap();
    assert_eq!((page.len(), next), (1, None));
    let urls = asked(&driver);
    assert_eq!(urls[0], "GET /?uploads=&encoding-type=url&max-uploads=2&prefix=p%2F");
    assert!(urls[1].ends_with("&key-marker=p%2Fa&upload-id-marker=u2") && urls[2].ends_with("&key-marker=p%2F%2Bx&upload-id-marker=u9"), "{urls:?}");
    driver.script([object(200, "e")]);
    driver.write_part(&page[0].token, Part { number: 1, offset: 0, writer: 1 }, content::held("x")).unwrap();
    assert_eq!(asked(&driver), ["PUT /p/b?partNumber=1&uploadId=u3"]);
}

#[test]
fn a_server_that_has_no_pages_is_listed_all_the_same() {
    let mut driver = start(&[]);
    let everything = [("a", "u1"), ("a", "u2"), ("b", "u3")];
    driver.serve(move |_| Ok(found(&everything, "<IsTruncated>false</IsTruncated>")));
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let (page, next) = driver.find(cursor.as_deref(), 1).unwrap();
        shown.extend(page.into_iter().map(|found| found.token));
        cursor = next;
    }
    assert_eq!((shown.len(), cursor), (3, None));
    assert!(shown[0] != shown[1] && shown[1] != shown[2]);
    assert_eq!(driver.find(Some("x"), 1).unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn the_parts_of_an_upload_are_listed_with_what_completes_them() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    let listed = |number: u32, size: u64, rest: &str| {
        xml(
            200,
            &format!(
                "<ListPartsResult>{rest}<Part><PartNumber>{number}</PartNumber><ETag>\"e{number}\"</ETag><Size>{size}</Size>\
             <ChecksumSHA256>c{number}=</ChecksumSHA256></Part></ListPartsResult>"
            ),
        )
    };
    driver.script([
        listed(1, 5 * MIB, "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"),
        listed(3, 9, "<IsTruncated>false</IsTruncated>"),
        error(404, "NoSuchUpload"),
    ]);
    assert_eq!(driver.written(&token).unwrap(), [part(1, 0, 5 * MIB, "e1 c1="), part(3, 5 * MIB, 9, "e3 c3=")].map(FoundPart::from));
    assert!(asked(&driver)[1].ends_with("&part-number-marker=1"));
    assert_eq!(driver.written(&token).unwrap_err().kind, ErrorKind::UploadExpired);
}
