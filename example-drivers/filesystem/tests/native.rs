//! The driver run natively: what a unit test can say without a host. The contract as a whole is the certifier's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::{Harness, content};
use filesystem_driver::FilesystemDriver;

type Fs = Harness<FilesystemDriver>;

fn start() -> Fs {
    Harness::start(&[("root", "/data")]).unwrap()
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

fn put(driver: &mut Fs, at: &str, bytes: &str) -> ObjectInfo {
    StreamingStore::put(&mut **driver, &path(at), content::held(bytes), Condition::Unconditional).unwrap()
}

fn get(driver: &mut Fs, at: &str) -> String {
    let opened = driver.open(&path(at), ByteRange::Whole).unwrap();
    String::from_utf8(opened.content.bytes(1 << 20).unwrap()).unwrap()
}

fn list(driver: &mut Fs, prefix: &str, options: ListOptions) -> Result<Page> {
    StreamingStore::list(&mut **driver, &Prefix::new(prefix)?, options)
}

fn options(recursive: bool, limit: u32) -> ListOptions {
    ListOptions { recursive, start_after: None, cursor: None, limit }
}

fn keys(page: &Page) -> Vec<String> {
    page.entries.iter().map(ObjectInfo::sort_key).collect()
}

fn all(driver: &mut Fs, prefix: &str, recursive: bool, limit: u32) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(driver, prefix, ListOptions { cursor, ..options(recursive, limit) }).unwrap();
        assert!(page.entries.len() <= limit as usize);
        found.extend(keys(&page));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
        *driver = driver.again(&[]).unwrap();
    }
}

fn part(number: u32, offset: u64, writer: u64) -> Part {
    Part { number, offset, writer }
}

fn write(driver: &mut Fs, token: &str, part: Part, bytes: &str) -> WrittenPart {
    let Part { number, offset, writer } = part;
    let id = driver.write_part(token, part, content::live(bytes)).unwrap();
    WrittenPart { number, offset, length: bytes.len() as u64, writer, id }
}

fn complete(driver: &mut Fs, token: &str, parts: &[WrittenPart], at: &str) -> std::result::Result<ObjectInfo, ErrorKind> {
    driver.complete(token, parts.to_vec(), &path(at), Condition::Unconditional).map_err(|error| error.kind)
}

fn own_files(driver: &Fs) -> Vec<String> {
    let found = std::fs::read_dir(driver.host_path("/data/+cofferdam/uploads"));
    found.map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()).unwrap_or_default()
}

#[test]
fn an_object_is_a_plain_file() {
    let mut driver = start();
    put(&mut driver, "/docker/blob", "bytes");
    assert_eq!(std::fs::read(driver.host_path("/data/docker/blob")).unwrap(), b"bytes");
    std::fs::write(driver.host_path("/data/docker/other"), "by hand").unwrap();
    assert_eq!(get(&mut driver, "/docker/other"), "by hand");
    assert_eq!(driver.stat(&path("/docker")).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(driver.open(&path("/docker"), ByteRange::Whole).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(driver.open(&path("/docker/blob/x"), ByteRange::Whole).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_failed_put_leaves_the_old_object_and_no_directories() {
    let mut driver = start();
    put(&mut driver, "/a", "old");
    for bad in [content::breaking("half"), content::lying("three", 7)] {
        assert!(StreamingStore::put(&mut *driver, &path("/a"), bad, Condition::Unconditional).is_err());
    }
    assert_eq!(get(&mut driver, "/a"), "old");
    assert!(StreamingStore::put(&mut *driver, &path("/x/y/z"), content::breaking("half"), Condition::Unconditional).is_err());
    assert_eq!(all(&mut driver, "/", false, 10), ["/a"]);
}

#[test]
fn an_object_beside_a_prefix_is_refused_and_neither_is_lost() {
    let mut driver = start();
    put(&mut driver, "/a", "object");
    let below = StreamingStore::put(&mut *driver, &path("/a/b"), content::held("x"), Condition::Unconditional);
    assert_eq!(below.unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(get(&mut driver, "/a"), "object");
    put(&mut driver, "/p/q", "below");
    assert!(StreamingStore::put(&mut *driver, &path("/p"), content::held("x"), Condition::Unconditional).is_err());
    assert!(driver.rename(&path("/a"), &path("/a/b"), Condition::Unconditional).is_err());
    assert_eq!((get(&mut driver, "/a"), get(&mut driver, "/p/q")), ("object".into(), "below".into()));
}

#[test]
fn an_empty_directory_is_in_nobodys_way() {
    let mut driver = start();
    std::fs::create_dir(driver.host_path("/data/left")).unwrap();
    put(&mut driver, "/left", "here");
    assert_eq!(get(&mut driver, "/left"), "here");
}

#[test]
fn conditions_are_checked() {
    let mut driver = start();
    let first = put(&mut driver, "/a", "1").etag.unwrap();
    let mut put_if = |condition| StreamingStore::put(&mut *driver, &path("/a"), content::held("2"), condition).map_err(|error| error.kind);
    assert_eq!(put_if(Condition::IfAbsent), Err(ErrorKind::AlreadyExists));
    let second = put_if(Condition::IfMatch(first.clone())).unwrap().etag.unwrap();
    assert_ne!(first, second);
    assert_eq!(put_if(Condition::IfMatch(first)), Err(ErrorKind::PreconditionFailed));
}

#[test]
fn lists_are_in_byte_order_page_by_page() {
    let mut driver = start();
    for at in ["/f/1", "/f-x", "/f.x", "/f0", "/f/2/3", "/g"] {
        put(&mut driver, at, "x");
    }
    AtomicStore::put(&mut *driver, &Key::new("hidden").unwrap(), b"", Condition::Unconditional).unwrap();
    std::fs::write(driver.host_path("/data/not a path"), "").unwrap();
    for limit in [1, 2, 3, 100] {
        assert_eq!(all(&mut driver, "/", false, limit), ["/f-x", "/f.x", "/f/", "/f0", "/g"], "pages of {limit}");
        assert_eq!(all(&mut driver, "/", true, limit), ["/f-x", "/f.x", "/f/1", "/f/2/3", "/f0", "/g"], "pages of {limit}");
        assert_eq!(all(&mut driver, "/f", true, limit), ["/f/1", "/f/2/3"]);
    }
}

#[test]
fn start_after_need_not_exist() {
    let mut driver = start();
    for at in ["/p", "/p-x", "/q/y", "/q/z/1", "/r"] {
        put(&mut driver, at, "x");
    }
    let mut after =
        |recursive, key: &str| keys(&list(&mut driver, "/", ListOptions { start_after: Some(key.to_owned()), ..options(recursive, 10) }).unwrap());
    assert_eq!(after(false, "/p"), ["/p-x", "/q/", "/r"]);
    assert_eq!(after(false, "/q/"), ["/r"]);
    assert_eq!(after(false, "/q"), ["/q/", "/r"]);
    assert_eq!(after(true, "/q/"), ["/q/y", "/q/z/1", "/r"]);
    assert_eq!(after(true, "/q/y"), ["/q/z/1", "/r"]);
    assert_eq!(after(true, "/q/z/0"), ["/q/z/1", "/r"]);
    assert_eq!(after(true, "/q/zz/0"), ["/r"]);
    assert_eq!(after(true, "/q/../../x"), ["/q/y", "/q/z/1", "/r"]);
    assert_eq!(after(false, "s"), Vec::<String>::new());
}

#[test]
fn a_missing_prefix_is_not_found_on_the_first_page_only() {
    let mut driver = start();
    assert_eq!(all(&mut driver, "/", false, 10), Vec::<String>::new());
    assert_eq!(list(&mut driver, "/no", options(false, 1)).unwrap_err().kind, ErrorKind::NotFound);
    let later = list(&mut driver, "/no", ListOptions { cursor: Some(">/no/a".to_owned()), ..options(false, 1) }).unwrap();
    assert!(later.entries.is_empty() && later.next.is_none());
    let garbage = list(&mut driver, "/", ListOptions { cursor: Some("garbage".to_owned()), ..options(false, 1) });
    assert_eq!(garbage.unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn the_last_object_takes_its_empty_parents_with_it() {
    let mut driver = start();
    put(&mut driver, "/d/e/f", "x");
    put(&mut driver, "/d/g", "x");
    let answers = StreamingStore::remove(&mut *driver, &[path("/d/e/f"), path("/d"), path("/none")]);
    assert_eq!(answers, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(all(&mut driver, "/d", false, 10), ["/d/g"]);
    StreamingStore::remove(&mut *driver, &[path("/d/g")]);
    assert_eq!(all(&mut driver, "/", false, 10), Vec::<String>::new());
    assert!(driver.host_path("/data").is_dir());
}

#[test]
fn copies_and_moves_lose_nothing() {
    let mut driver = start();
    put(&mut driver, "/a", "one");
    put(&mut driver, "/b", "two");
    driver.copy(&path("/a"), &path("/a"), Condition::Unconditional).unwrap();
    driver.rename(&path("/a"), &path("/a"), Condition::Unconditional).unwrap();
    assert_eq!(driver.rename(&path("/a"), &path("/b"), Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(driver.copy(&path("/none"), &path("/b"), Condition::Unconditional).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(driver.rename(&path("/none"), &path("/b"), Condition::Unconditional).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!((get(&mut driver, "/a"), get(&mut driver, "/b")), ("one".into(), "two".into()));
    driver.copy(&path("/a"), &path("/c/d"), Condition::IfAbsent).unwrap();
    driver.rename(&path("/c/d"), &path("/b"), Condition::Unconditional).unwrap();
    assert_eq!(get(&mut driver, "/b"), "one");
    assert_eq!(all(&mut driver, "/", true, 10), ["/a", "/b"]);
}

#[test]
fn content_is_kept_under_its_digest() {
    let mut driver = start();
    let key = driver.store(content::held("hello"), "sha256").unwrap();
    assert_eq!(key, "/sha256/2c/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(driver.store(content::held("hello"), "sha256").unwrap(), key);
    assert_eq!(get(&mut driver, &key), "hello");
    assert_eq!(driver.store(content::held("hello"), "md5").unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn an_upload_goes_on_at_another_instance() {
    let mut driver = start();
    let token = driver.create(&path("/big")).unwrap();
    let third = write(&mut driver, &token, part(3, 8, 1), "ccc");
    let first = write(&mut driver, &token, part(1, 0, 1), "aaaa");
    driver = driver.again(&[]).unwrap();
    let second = write(&mut driver, &token, part(2, 4, 1), "bbbb");
    assert_eq!(driver.find(None, 10).unwrap().0[0].token, token);
    assert_eq!(driver.written(&token).unwrap(), [first.clone(), second.clone(), third.clone()].map(FoundPart::from));
    assert_eq!(driver.stat(&path("/big")).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(complete(&mut driver, &token, &[first.clone(), third.clone()], "/late"), Err(ErrorKind::InvalidArgument));
    let forged = WrittenPart { id: "0".repeat(16), ..third.clone() };
    assert_eq!(complete(&mut driver, &token, &[first.clone(), second.clone(), forged], "/late"), Err(ErrorKind::InvalidArgument));
    let parts = [third, first, second];
    assert_eq!(complete(&mut driver, &token, &parts, "/late").unwrap().size, 11);
    assert_eq!(get(&mut driver, "/late"), "aaaabbbbccc");
    assert_eq!(complete(&mut driver, &token, &parts, "/late"), Err(ErrorKind::UploadExpired));
    assert!(own_files(&driver).is_empty());
}

#[test]
fn parts_of_two_writers_are_assembled() {
    let mut driver = start();
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aaaa");
    write(&mut driver, &token, part(2, 4, 1), "bbbb");
    let second = write(&mut driver, &token, part(3, 4, 2), "cc");
    complete(&mut driver, &token, &[first, second], "/x").unwrap();
    assert_eq!(get(&mut driver, "/x"), "aaaacc");
}

#[test]
fn nothing_of_a_failed_part_is_in_the_object() {
    let mut driver = start();
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aa");
    assert!(driver.write_part(&token, part(2, 2, 1), content::breaking("longer than its successor")).is_err());
    let third = write(&mut driver, &token, part(3, 2, 1), "bb");
    assert_eq!(driver.written(&token).unwrap().len(), 2);
    complete(&mut driver, &token, &[first, third], "/x").unwrap();
    assert_eq!(get(&mut driver, "/x"), "aabb");
}

/// A gigabyte must not be copied to be completed.
#[test]
fn the_parts_of_one_writer_complete_by_a_rename() {
    use std::os::unix::fs::MetadataExt;
    let mut driver = start();
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aa");
    assert!(driver.write_part(&token, part(2, 2, 1), content::breaking("b")).is_err());
    let third = write(&mut driver, &token, part(3, 2, 1), "bb");
    let written = std::fs::metadata(driver.host_path(&format!("/data/+cofferdam/uploads/{token}/w1"))).unwrap();
    complete(&mut driver, &token, &[first, third], "/x").unwrap();
    assert_eq!(std::fs::metadata(driver.host_path("/data/x")).unwrap().ino(), written.ino());
}

/// A host that was stopped in the middle of a part has the writer's file open: it must not become the object.
#[test]
fn a_file_that_somebody_may_be_writing_to_is_copied() {
    let mut driver = start();
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aa");
    let upload = format!("/data/+cofferdam/uploads/{token}");
    std::fs::write(driver.host_path(&format!("{upload}/p{:010}-{:020}", 2, 1)), "").unwrap();
    let zombie = std::fs::OpenOptions::new().write(true).open(driver.host_path(&format!("{upload}/w1"))).unwrap();
    complete(&mut driver, &token, &[first], "/x").unwrap();
    std::io::Write::write_all(&mut &zombie, b"zombie").unwrap();
    assert_eq!(get(&mut driver, "/x"), "aa");
}

/// Killed behind the commit: the object is there, the upload's files are, the journal asks again.
#[test]
fn complete_after_a_crash_behind_the_commit_is_expired() {
    let mut driver = start();
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aa");
    let file = driver.host_path(&format!("/data/+cofferdam/uploads/{token}/w1"));
    std::fs::rename(file, driver.host_path("/data/x")).unwrap();
    assert_eq!(complete(&mut driver, &token, &[first], "/x"), Err(ErrorKind::UploadExpired));
    assert_eq!(get(&mut driver, "/x"), "aa");
    driver.abort(&token).unwrap();
    assert!(own_files(&driver).is_empty());
}

#[test]
fn a_refused_completion_leaves_the_upload_usable() {
    let mut driver = start();
    put(&mut driver, "/x", "old");
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "new");
    let refused = driver.complete(&token, vec![first.clone()], &path("/x"), Condition::IfAbsent);
    assert_eq!(refused.unwrap_err().kind, ErrorKind::AlreadyExists);
    let unclaimed = driver.complete(&token, vec![first.clone()], &path("/x"), Condition::IfMatch("e".into()));
    assert_eq!(unclaimed.unwrap_err().kind, ErrorKind::Unsupported);
    complete(&mut driver, &token, &[first], "/x").unwrap();
    assert_eq!(get(&mut driver, "/x"), "new");
}

#[test]
fn tokens_are_checked_and_aborted_uploads_are_gone() {
    let mut driver = start();
    for token in ["", "../x", &"a".repeat(10_000), "0123456789abcdef-0123456789ABCDEF0123456789abcdef"] {
        assert_eq!(driver.abort(token).unwrap_err().kind, ErrorKind::InvalidArgument);
        assert_eq!(complete(&mut driver, token, &[], "/x"), Err(ErrorKind::InvalidArgument));
    }
    let token = driver.create(&path("/x")).unwrap();
    let first = write(&mut driver, &token, part(1, 0, 1), "aa");
    driver.abort(&token).unwrap();
    driver.abort(&token).unwrap();
    assert_eq!(driver.write_part(&token, part(2, 2, 1), content::held("b")).unwrap_err().kind, ErrorKind::UploadExpired);
    assert_eq!(complete(&mut driver, &token, &[first], "/x"), Err(ErrorKind::UploadExpired));
    assert!(own_files(&driver).is_empty());
}

#[test]
fn keys_have_a_namespace_and_an_order_of_their_own() {
    let mut driver = start();
    let all = ["a", "a-b", "a.b", "a/b", "a/b/c", "a0", "b/x"];
    for key in all {
        AtomicStore::put(&mut *driver, &Key::new(key).unwrap(), key.as_bytes(), Condition::IfAbsent).unwrap();
    }
    let mut list = |prefix: &str, after: Option<&str>, limit| {
        let page = AtomicStore::list(&mut *driver, prefix, after, limit).unwrap();
        (page.keys, page.more)
    };
    assert_eq!(list("", None, 100), (all.map(str::to_owned).to_vec(), false));
    assert_eq!(list("a/", None, 100).0, ["a/b", "a/b/c"]);
    assert_eq!(list("a", Some("a"), 2), (vec!["a-b".to_owned(), "a.b".to_owned()], true));
    assert_eq!(list("a/b", Some("a/b"), 10).0, ["a/b/c"]);
    assert_eq!(list("zzz", None, 10), (vec![], false));
    assert_eq!(list("../", None, 10).0, Vec::<String>::new());
    assert_eq!((driver.count("a").unwrap(), driver.count("a/b").unwrap(), driver.count("").unwrap()), (6, 2, 7));
    AtomicStore::remove(&mut *driver, &Key::new("a/b/c").unwrap(), Condition::Unconditional).unwrap();
    assert_eq!(driver.get(&Key::new("a/b").unwrap()).unwrap().data, b"a/b");
    assert!(!driver.host_path("/data/+cofferdam/atomic/a/b").exists());
}

#[test]
fn values_are_swapped_only_by_who_has_seen_them() {
    let mut driver = start();
    let key = Key::new("k").unwrap();
    let first = AtomicStore::put(&mut *driver, &key, b"1", Condition::IfAbsent).unwrap();
    let second = AtomicStore::put(&mut *driver, &key, b"1", Condition::IfMatch(first.clone())).unwrap();
    let stale = AtomicStore::remove(&mut *driver, &key, Condition::IfMatch(first)).unwrap_err();
    assert_eq!(stale.kind, ErrorKind::PreconditionFailed);
    AtomicStore::remove(&mut *driver, &key, Condition::IfMatch(second.clone())).unwrap();
    let missing = AtomicStore::remove(&mut *driver, &key, Condition::IfMatch(second)).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::PreconditionFailed);
    AtomicStore::remove(&mut *driver, &key, Condition::Unconditional).unwrap();
}

#[test]
fn settings_and_health() {
    for root in ["", "/", "data", "/data/../x", "/data//x"] {
        let error = Fs::start(&[("root", root)]).err().unwrap();
        assert!(error.message.contains("`root`"), "{}", error.message);
    }
    let mut driver = Fs::start(&[("root", "/data/not/there/yet/")]).unwrap();
    driver.health().unwrap();
    put(&mut driver, "/a", "x");
    assert!(driver.host_path("/data/not/there/yet/a").is_file());
    driver.set_reachable(false);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
}
