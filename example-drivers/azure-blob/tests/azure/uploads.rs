//! Uploads: their requests, their ends, and finding those that were left.

use cofferdam_guest::testing::content;

use super::*;

fn begin(driver: &mut Azure) -> String {
    driver.script([blob(201, "m")]);
    let token = driver.create(&path("/up/1")).unwrap();
    driver.requests();
    token
}

fn marked() -> Answer {
    blob(200, "m").header("content-length", "0")
}

fn write(driver: &mut Azure, token: &str, number: u32, offset: u64, bytes: &str) -> Result<WrittenPart> {
    let part = Part { number, offset, writer: 1 };
    let id = driver.write_part(token, part, content::held(bytes))?;
    Ok(WrittenPart { number, offset, length: bytes.len() as u64, writer: 1, id })
}

fn complete(driver: &mut Azure, token: &str, parts: &[WrittenPart], condition: Condition) -> Result<ObjectInfo> {
    driver.complete(token, parts.to_vec(), &path("/up/1"), condition)
}

/// The blocks of these parts, as Azure lists what is staged.
fn staged(parts: &[WrittenPart]) -> Answer {
    use base64::Engine;
    let encoded = |id: &str| base64::engine::general_purpose::STANDARD.encode(id);
    let blocks: String = parts.iter().map(|part| format!("<Block><Name>{}</Name><Size>{}</Size></Block>", encoded(&part.id), part.length)).collect();
    xml(&format!("<BlockList><UncommittedBlocks>{blocks}<Block><Name>b3RoZXI=</Name><Size>1</Size></Block></UncommittedBlocks></BlockList>"))
}

#[test]
fn an_upload_is_marked_staged_and_committed_by_any_instance() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([blob(201, "m")]);
    let token = driver.create(&path("/up/1")).unwrap();
    let mut other = driver.again(&[("account", "store1"), ("container", "blobs"), ("prefix", "p")]).unwrap();
    other.script([marked(), answer(201), marked(), answer(201), marked(), blob(201, "0x8D1"), answer(202)]);
    let second = write(&mut other, &token, 7, 5, " there").unwrap();
    let first = write(&mut other, &token, 2, 0, "hello").unwrap();
    let info = complete(&mut other, &token, &[second.clone(), first.clone()], Condition::IfAbsent).unwrap();
    assert_eq!(info, ObjectInfo::object("/up/1", 11, TIME, "0x8D1"));
    let requests = other.requests();
    let marker = requests[0].url.strip_prefix(CONTAINER).unwrap();
    assert!(marker.starts_with("/p/%2Bcofferdam/uploads/"), "{marker}");
    assert_eq!((requests[0].text().as_str(), requests[0].header("x-ms-meta-path")), ("/up/1", Some("/up/1")));
    assert_eq!(shown(&requests[1]), format!("HEAD {marker}"));
    assert!(shown(&requests[2]).starts_with("PUT /p/up/1?comp=block&blockid="));
    assert_eq!((requests[2].text().as_str(), requests[2].header("x-ms-content-crc64").is_some()), (" there", true));
    assert_eq!((shown(&requests[6]).as_str(), requests[6].header("if-none-match")), ("PUT /p/up/1?comp=blocklist", Some("*")));
    let lengths: Vec<_> = requests[6].text().split("<Uncommitted>").skip(1).map(|rest| rest.find('<').unwrap()).collect();
    assert_eq!(lengths, [76, 76], "all names have one length");
    assert_eq!(shown(&requests[7]), format!("DELETE {marker}"));
}

#[test]
fn after_its_end_nothing_is_taken() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([marked(), answer(201)]);
    let part = write(&mut driver, &token, 1, 0, "hello").unwrap();
    driver.script([answer(202), error(404, "BlobNotFound"), error(404, "BlobNotFound"), error(404, "BlobNotFound"), error(404, "BlobNotFound")]);
    driver.abort(&token).unwrap();
    assert_eq!(write(&mut driver, &token, 2, 5, "x").unwrap_err().kind, ErrorKind::UploadExpired);
    assert_eq!(complete(&mut driver, &token, &[part], Condition::Unconditional).unwrap_err().kind, ErrorKind::UploadExpired);
    assert_eq!(driver.written(&token).unwrap_err().kind, ErrorKind::UploadExpired);
    driver.abort(&token).unwrap();
}

#[test]
fn parts_that_do_not_join_or_were_never_written_are_refused_without_asking() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([marked(), answer(201)]);
    let part = write(&mut driver, &token, 1, 0, "hello").unwrap();
    driver.requests();
    for wrong in [
        WrittenPart { offset: 1, ..part.clone() },
        WrittenPart { number: 17, ..part.clone() },
        WrittenPart { writer: 2, ..part.clone() },
        WrittenPart { id: "no-driver-ever-answered-this".to_owned(), ..part.clone() },
    ] {
        assert_eq!(complete(&mut driver, &token, &[wrong], Condition::Unconditional).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    for number in [0, 50_001] {
        assert_eq!(write(&mut driver, &token, number, 0, "x").unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    assert_eq!(write(&mut driver, &token, 2, 0, "").unwrap_err().kind, ErrorKind::InvalidArgument);
    for garbage in ["", "x", "../x", &token[1..], &format!("{token}x")] {
        assert_eq!(driver.abort(garbage).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    let elsewhere = driver.complete(&token, vec![part.clone()], &path("/up/2"), Condition::Unconditional);
    assert_eq!(elsewhere.unwrap_err().kind, ErrorKind::Unsupported);
    let matched = complete(&mut driver, &token, &[part], Condition::IfMatch("0x1".to_owned()));
    assert_eq!(matched.unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(driver.requests(), []);
}

#[test]
fn blocks_that_are_gone_are_told_from_blocks_that_never_were() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([marked(), answer(201)]);
    let parts = [write(&mut driver, &token, 1, 0, "hello").unwrap()];
    let lost = || error(400, "InvalidBlockList");
    let mut ends = |answers: Vec<Answer>, condition| {
        driver.script(answers);
        complete(&mut driver, &token, &parts, condition).unwrap_err().kind
    };
    // Others' blocks are staged, and ours are not.
    assert_eq!(ends(vec![marked(), lost(), staged(&[])], Condition::Unconditional), ErrorKind::UploadExpired);
    assert_eq!(ends(vec![marked(), lost(), error(404, "BlobNotFound")], Condition::Unconditional), ErrorKind::UploadExpired);
    assert_eq!(ends(vec![marked(), lost(), staged(&parts)], Condition::Unconditional), ErrorKind::InvalidArgument);
    // Who won the race has thrown ours away.
    assert_eq!(ends(vec![marked(), lost(), marked()], Condition::IfAbsent), ErrorKind::AlreadyExists);
    assert_eq!(ends(vec![marked(), error(409, "BlobAlreadyExists")], Condition::IfAbsent), ErrorKind::AlreadyExists);
    assert_eq!(ends(vec![marked(), error(503, "ServerBusy")], Condition::IfAbsent), ErrorKind::RateLimited);
}

#[test]
fn nothing_is_joined_from_no_blocks() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([marked(), blob(201, "0x8D1"), answer(202)]);
    assert_eq!(complete(&mut driver, &token, &[], Condition::Unconditional).unwrap().size, 0);
    assert!(driver.requests()[1].text().ends_with("<BlockList></BlockList>"));
}

#[test]
fn the_parts_of_an_upload_are_read_from_the_names_of_its_blocks() {
    let mut driver = start(&[]);
    let token = begin(&mut driver);
    driver.script([marked(), answer(201), marked(), answer(201)]);
    let parts = [write(&mut driver, &token, 1, 0, "hello").unwrap(), write(&mut driver, &token, 3, 1 << 40, "there").unwrap()];
    driver.script([marked(), staged(&[parts[1].clone(), parts[0].clone()]), marked(), error(404, "BlobNotFound")]);
    assert_eq!(driver.written(&token).unwrap(), parts.clone().map(FoundPart::from));
    assert_eq!(driver.written(&token).unwrap(), []);
}

fn markers(uploads: &[(&str, &str)], next: &str) -> Answer {
    let shown: String = uploads
        .iter()
        .map(|(upload, path)| {
            format!(
                "<Blob><Name>p/+cofferdam/uploads/{upload}</Name><Properties><Last-Modified>{DATE}</Last-Modified></Properties>\
                 <Metadata><path>{path}</path></Metadata></Blob>"
            )
        })
        .collect();
    xml(&format!("<EnumerationResults><Blobs>{shown}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"))
}

#[test]
fn unfinished_uploads_are_found_page_by_page() {
    let mut driver = start(&[("prefix", "p")]);
    driver.script([markers(&[("01", "/a"), ("02", "/a")], "m1"), markers(&[("03", "no path")], "m2"), markers(&[("04", "/b")], "")]);
    let (page, next) = driver.find(None, 2).unwrap();
    assert_eq!((page.len(), page[0].created), (2, Some(TIME)));
    assert_eq!(next.as_deref(), Some(page[1].token.as_str()));
    let (page, next) = driver.find(next.as_deref(), 2).unwrap();
    assert_eq!((page.len(), next), (1, None));
    let urls = asked(&driver);
    assert!(urls[0].ends_with("&maxresults=2&include=metadata&prefix=p%2F%2Bcofferdam%2Fuploads%2F"), "{urls:?}");
    assert!(urls[1].ends_with("&startFrom=p%2F%2Bcofferdam%2Fuploads%2F02-") && urls[2].ends_with("02-&marker=m2"), "{urls:?}");
    driver.script([marked(), answer(201)]);
    driver.write_part(&page[0].token, Part { number: 1, offset: 0, writer: 1 }, content::held("x")).unwrap();
    assert!(asked(&driver)[1].starts_with("PUT /p/b?comp=block&"));
    assert_eq!(driver.find(Some("x"), 1).unwrap_err().kind, ErrorKind::InvalidArgument);
    driver.script([markers(&[], "m1"), markers(&[], "m1")]);
    assert_eq!(driver.find(None, 1).unwrap_err().kind, ErrorKind::Unavailable);
}
