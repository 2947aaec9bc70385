//! Copies: at once, in parts, and under conditions.

use super::*;

const LARGE: u64 = 12 << 20;

fn copy(driver: &mut S3, condition: Condition) -> Result<ObjectInfo> {
    driver.copy(&path("/from"), &path("/to"), condition)
}

fn source(size: u64) -> Answer {
    object(200, "s1").header("content-length", size.to_string())
}

fn result(name: &str) -> Answer {
    xml(200, &format!("<{name}><ETag>\"c1\"</ETag><LastModified>2026-11-24T23:45:16.000Z</LastModified></{name}>"))
}

#[test]
fn a_copy_is_one_request_to_the_server() {
    let mut driver = start(&[("prefix", "p"), ("storage-class", "STANDARD_IA")]);
    driver.script([source(7), result("CopyObjectResult")]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap(), ObjectInfo::object("/to", 7, TIME, "c1"));
    let asked = driver.requests();
    assert_eq!([shown(&asked[0]), shown(&asked[1])], ["HEAD /p/from", "PUT /p/to"]);
    assert_eq!(asked[1].header("x-amz-copy-source"), Some("/bucket/p/from"));
    assert_eq!(asked[1].header("x-amz-copy-source-if-match"), Some("\"s1\""));
    assert_eq!((asked[1].header("x-amz-storage-class"), &asked[1].body), (Some("STANDARD_IA"), &None));
}

#[test]
fn a_copy_that_fails_says_so_although_the_status_is_200() {
    let mut driver = start(&[]);
    driver.script([source(7), error(200, "InternalError")]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::Unavailable);
    driver.script([answer(404)]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::NotFound);
    driver.script([source(7), error(404, "NoSuchKey")]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::NotFound);
    driver.script([source(7), error(412, "PreconditionFailed")]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn a_copy_onto_itself_asks_nothing_of_the_server() {
    let mut driver = start(&[]);
    let itself = |driver: &mut S3, condition| {
        driver.script([source(7)]);
        driver.copy(&path("/a"), &path("/a"), condition).map(|info| info.size).map_err(|error| error.kind)
    };
    assert_eq!(itself(&mut driver, Condition::Unconditional), Ok(7));
    assert_eq!(itself(&mut driver, Condition::IfAbsent), Err(ErrorKind::AlreadyExists));
    assert_eq!(itself(&mut driver, Condition::IfMatch("s1".to_owned())), Ok(7));
    assert_eq!(itself(&mut driver, Condition::IfMatch("s2".to_owned())), Err(ErrorKind::PreconditionFailed));
}

#[test]
fn under_a_condition_a_copy_is_a_write_from_host_to_host() {
    let mut driver = start(&[]);
    driver.script([source(5), object(200, "s1").body("hello"), object(200, "c1"), source(5), object(200, "s1").body("hello"), error(412, "x")]);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap().size, 5);
    let asked = driver.requests();
    assert_eq!([shown(&asked[1]), shown(&asked[2])], ["GET /from", "PUT /to"]);
    assert_eq!((asked[2].header("if-none-match"), asked[2].text().as_str()), (Some("*"), "hello"));
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
    let mut without = start(&[("conditional-put", "false")]);
    assert_eq!(copy(&mut without, Condition::IfAbsent).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(without.requests(), []);
}

fn begun() -> Answer {
    xml(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
}

#[test]
fn a_large_object_is_copied_in_parts() {
    let mut driver = start(&[("copy-max", "5242880")]);
    let part = || result("CopyPartResult");
    let done = xml(200, "<CompleteMultipartUploadResult><ETag>\"j-3\"</ETag></CompleteMultipartUploadResult>");
    driver.script([source(LARGE), begun(), part(), part(), part(), done]);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap(), ObjectInfo::object("/to", LARGE, TIME, "j-3"));
    let asked = driver.requests();
    let ranges: Vec<_> = asked.iter().filter_map(|asked| asked.header("x-amz-copy-source-range")).collect();
    assert_eq!(ranges, ["bytes=0-5242879", "bytes=5242880-10485759", "bytes=10485760-12582911"]);
    assert_eq!(shown(&asked[4]), "PUT /to?partNumber=3&uploadId=u1");
    assert_eq!((shown(&asked[5]).as_str(), asked[5].header("if-none-match")), ("POST /to?uploadId=u1", Some("*")));
    assert!(asked[5].text().contains("<PartNumber>3</PartNumber><ETag>\"c1\"</ETag>"), "{}", asked[5].text());
}

#[test]
fn a_copy_in_parts_that_fails_is_given_up() {
    let mut driver = start(&[("copy-max", "5242880")]);
    driver.script([source(LARGE), begun(), error(503, "SlowDown"), answer(204)]);
    assert_eq!(copy(&mut driver, Condition::Unconditional).unwrap_err().kind, ErrorKind::RateLimited);
    assert_eq!(asked(&driver).last().unwrap(), "DELETE /to?uploadId=u1");
}
