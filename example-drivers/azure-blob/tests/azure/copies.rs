//! Copies by the server.

use super::*;

const SOURCE: &str = "https://store1.blob.core.windows.net/blobs/from?signed=GET&expires=3600";

fn stat(size: &str) -> Answer {
    blob(200, "0x8D1").header("content-length", size)
}

fn copy(driver: &mut Azure, condition: Condition) -> Result<ObjectInfo> {
    driver.copy(&path("/from"), &path("/to"), condition)
}

#[test]
fn a_copy_waits_for_its_end_and_keeps_its_condition() {
    let mut driver = start(&[]);
    driver.script([stat("5"), blob(202, "0x8D2").header("x-ms-copy-status", "success")]);
    assert_eq!(copy(&mut driver, Condition::IfAbsent).unwrap(), ObjectInfo::object("/to", 5, TIME, "0x8D2"));
    let request = driver.requests().remove(1);
    assert_eq!((shown(&request).as_str(), request.header("x-ms-requires-sync")), ("PUT /to", Some("true")));
    assert_eq!((request.header("x-ms-copy-source"), request.header("x-ms-source-if-match")), (Some(SOURCE), Some("\"0x8D1\"")));
    assert_eq!((request.header("if-none-match"), request.body.as_deref()), (Some("*"), Some(&b""[..])));
}

#[test]
fn a_large_blob_is_copied_in_blocks() {
    let mut driver = start(&[("copy-max", "4")]);
    driver.script([stat("10"), answer(201), answer(201), answer(201), blob(201, "0x8D2")]);
    assert_eq!(copy(&mut driver, Condition::IfMatch("0x1".to_owned())).unwrap(), ObjectInfo::object("/to", 10, TIME, "0x8D2"));
    let requests = driver.requests();
    let ranges: Vec<_> = requests[1..4].iter().map(|asked| asked.header("x-ms-source-range").unwrap()).collect();
    assert_eq!(ranges, ["bytes=0-3", "bytes=4-7", "bytes=8-9"]);
    assert!(requests[1..4].iter().all(|asked| asked.header("x-ms-copy-source") == Some(SOURCE) && asked.url.contains("/to?comp=block&blockid=")));
    assert_eq!((shown(&requests[4]).as_str(), requests[4].header("if-match")), ("PUT /to?comp=blocklist", Some("\"0x1\"")));
    assert_eq!(requests[4].text().matches("<Uncommitted>").count(), 3);
}

#[test]
fn what_goes_wrong_is_told_of_the_right_blob() {
    let mut driver = start(&[]);
    let mut kind = |answers: Vec<Answer>, condition| {
        driver.script(answers);
        copy(&mut driver, condition).unwrap_err().kind
    };
    assert_eq!(kind(vec![error(404, "BlobNotFound")], Condition::IfAbsent), ErrorKind::NotFound);
    assert_eq!(kind(vec![stat("5"), error(404, "CannotVerifyCopySource")], Condition::IfAbsent), ErrorKind::NotFound);
    assert_eq!(kind(vec![stat("5"), error(412, "SourceConditionNotMet")], Condition::IfAbsent), ErrorKind::Unavailable);
    assert_eq!(kind(vec![stat("5"), error(409, "BlobAlreadyExists")], Condition::IfAbsent), ErrorKind::AlreadyExists);
    assert_eq!(kind(vec![stat("5"), error(412, "TargetConditionNotMet")], Condition::IfMatch("0x1".to_owned())), ErrorKind::PreconditionFailed);
}

#[test]
fn onto_itself_nothing_is_copied() {
    let mut driver = start(&[]);
    driver.script([stat("5"), stat("5")]);
    assert_eq!(driver.copy(&path("/a"), &path("/a"), Condition::Unconditional).unwrap().size, 5);
    assert_eq!(driver.copy(&path("/a"), &path("/a"), Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
}
