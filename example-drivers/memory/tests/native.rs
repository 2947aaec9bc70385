//! The driver run natively: what a unit test can say without a host. The contract as a whole is the certifier's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::{Harness, content};
use memory_driver::MemoryDriver;

type Memory = Harness<MemoryDriver>;

fn start(capacity: &str) -> Memory {
    Harness::start(&[("capacity", capacity)]).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

fn try_put(driver: &mut Memory, at: &str, content: Content) -> std::result::Result<ObjectInfo, ErrorKind> {
    StreamingStore::put(&mut **driver, &path(at), content, Condition::Unconditional).map_err(|error| error.kind)
}

fn get(driver: &mut Memory, at: &str, range: ByteRange) -> Vec<u8> {
    let opened = driver.open(&path(at), range).unwrap();
    driver.read(&opened.content).unwrap()
}

fn keys(driver: &mut Memory, recursive: bool, start_after: Option<&str>) -> Vec<String> {
    let options =
        |cursor| ListOptions { recursive, start_after: start_after.filter(|_| Option::is_none(&cursor)).map(str::to_owned), cursor, limit: 2 };
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = StreamingStore::list(&mut **driver, &Prefix::new("/").unwrap(), options(cursor)).unwrap();
        found.extend(page.entries.iter().map(ObjectInfo::sort_key));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

#[test]
fn reads_are_generated_and_keep_their_version() {
    let mut driver = start("1000");
    try_put(&mut driver, "/a", content::held("the first version")).unwrap();
    let old = driver.open(&path("/a"), ByteRange::StartingAt(4)).unwrap();
    assert_eq!((old.info.size, old.content.size()), (17, Some(13)));
    try_put(&mut driver, "/a", content::held("second")).unwrap();
    assert_eq!(driver.read(&old.content).unwrap(), b"first version");
    assert_eq!(get(&mut driver, "/a", ByteRange::Last(3)), b"ond");
    assert_eq!(get(&mut driver, "/a", ByteRange::StartingAt(1000)), b"");
    assert!(driver.read(&old.content).is_err(), "a closed cursor is gone");
}

#[test]
fn a_failed_put_changes_nothing() {
    let mut driver = start("10");
    try_put(&mut driver, "/a", content::held("old")).unwrap();
    assert_eq!(try_put(&mut driver, "/a", content::lying("three", 7)), Err(ErrorKind::InvalidArgument));
    assert_eq!(try_put(&mut driver, "/a", content::lying("three", 2)), Err(ErrorKind::InvalidArgument));
    assert_eq!(try_put(&mut driver, "/a", content::breaking("half")), Err(ErrorKind::Unavailable));
    assert_eq!(try_put(&mut driver, "/a", content::held("more than ten")), Err(ErrorKind::QuotaExceeded));
    assert_eq!(try_put(&mut driver, "/a", content::live("more than ten")), Err(ErrorKind::QuotaExceeded));
    assert_eq!(get(&mut driver, "/a", ByteRange::Whole), b"old");
    try_put(&mut driver, "/a", content::held("0123456789")).unwrap();
}

#[test]
fn capacity_is_given_back() {
    let mut driver = start("10");
    for _ in 0..3 {
        try_put(&mut driver, "/a", content::held("0123456789")).unwrap();
        assert_eq!(try_put(&mut driver, "/b", content::held("x")), Err(ErrorKind::QuotaExceeded));
        assert_eq!(StreamingStore::remove(&mut *driver, &[path("/a"), path("/a")]), [Ok(()), Ok(())]);
        let token = driver.create(&path("/u")).unwrap();
        driver.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, content::held("0123456789")).unwrap();
        let key = Key::new("k").unwrap();
        assert_eq!(AtomicStore::put(&mut *driver, &key, b"x", Condition::Unconditional).unwrap_err().kind, ErrorKind::QuotaExceeded);
        driver.abort(&token).unwrap();
        AtomicStore::put(&mut *driver, &key, b"0123456789", Condition::IfAbsent).unwrap();
        AtomicStore::remove(&mut *driver, &key, Condition::Unconditional).unwrap();
    }
}

#[test]
fn lists_are_in_byte_order() {
    let mut driver = start("1000");
    for at in ["/p", "/p/y", "/p/z/1", "/p-x", "/p0", "/q"] {
        try_put(&mut driver, at, content::held("x")).unwrap();
    }
    assert_eq!(keys(&mut driver, false, None), ["/p", "/p-x", "/p/", "/p0", "/q"]);
    assert_eq!(keys(&mut driver, true, None), ["/p", "/p-x", "/p/y", "/p/z/1", "/p0", "/q"]);
    assert_eq!(keys(&mut driver, false, Some("/p/")), ["/p0", "/q"]);
    assert_eq!(keys(&mut driver, false, Some("/p-x")), ["/p/", "/p0", "/q"]);
    assert_eq!(keys(&mut driver, true, Some("/p/")), ["/p/y", "/p/z/1", "/p0", "/q"]);
    let missing = StreamingStore::list(
        &mut *driver,
        &Prefix::new("/none").unwrap(),
        ListOptions { recursive: false, start_after: None, cursor: None, limit: 1 },
    );
    assert_eq!(missing.unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn uploads_join_their_parts_by_number() {
    let mut driver = start("1000");
    let token = driver.create(&path("/x")).unwrap();
    let mut parts = Vec::new();
    for (number, offset, bytes) in [(2, 2, "bb"), (1, 0, "aa")] {
        let id = driver.write_part(&token, Part { number, offset, writer: 1 }, content::held(bytes)).unwrap();
        parts.push(WrittenPart { number, offset, length: 2, writer: 1, id });
    }
    let gap = driver.complete(&token, vec![parts[0].clone()], &path("/y"), Condition::Unconditional);
    assert_eq!(gap.unwrap_err().kind, ErrorKind::InvalidArgument);
    driver.complete(&token, parts.clone(), &path("/y"), Condition::IfAbsent).unwrap();
    assert_eq!(get(&mut driver, "/y", ByteRange::Whole), b"aabb");
    let again = driver.complete(&token, parts, &path("/y"), Condition::Unconditional);
    assert_eq!(again.unwrap_err().kind, ErrorKind::UploadExpired);
}

#[test]
fn content_and_values() {
    let mut driver = start("1000");
    let key = driver.store(content::held("hello"), "sha256").unwrap();
    assert_eq!(driver.store(content::held("hello"), "sha256").unwrap(), key);
    assert_eq!(get(&mut driver, &key, ByteRange::Whole), b"hello");
    assert_eq!(driver.store(content::held("hello"), "crc32c").unwrap_err().kind, ErrorKind::Unsupported);
    for name in ["a", "a/b", "b"] {
        AtomicStore::put(&mut *driver, &Key::new(name).unwrap(), b"v", Condition::IfAbsent).unwrap();
    }
    let page = AtomicStore::list(&mut *driver, "a", Some("a"), 10).unwrap();
    assert_eq!((page.keys, page.more), (vec!["a/b".to_owned()], false));
    assert_eq!(driver.count("").unwrap(), 3);
    let etag = driver.get(&Key::new("a").unwrap()).unwrap().etag;
    AtomicStore::put(&mut *driver, &Key::new("a").unwrap(), b"w", Condition::IfMatch(etag.clone())).unwrap();
    let stale = AtomicStore::remove(&mut *driver, &Key::new("a").unwrap(), Condition::IfMatch(etag)).unwrap_err();
    assert_eq!(stale.kind, ErrorKind::PreconditionFailed);
}
