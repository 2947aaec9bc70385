//! `open`, `stat`, `entries`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::host::files::FileKind;

fn names(directories: &Directories, after: Option<&str>, limit: u32) -> Vec<String> {
    directories.entries("/data", after, limit).unwrap().into_iter().map(|info| info.name).collect()
}

#[tokio::test]
async fn an_opened_file_stays_as_it_was() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    directories.replace(&call(), "/data/file", &Content::from_bytes("0123456789"), false).await.unwrap();
    let (info, content) = directories.open_file("/data/file", ByteRange::Bounded { offset: 2, length: 3 }).unwrap();
    let (_, tail) = directories.open_file("/data/file", ByteRange::Last(2)).unwrap();
    let (_, beyond) = directories.open_file("/data/file", ByteRange::StartingAt(99)).unwrap();
    directories.replace(&call(), "/data/file", &Content::from_bytes("new"), false).await.unwrap();
    directories.remove("/data/file").unwrap();
    assert_eq!((info.name.as_str(), info.kind, info.size), ("file", FileKind::File, 10));
    assert_eq!(content.size(), Some(3));
    assert_eq!(content.bytes(99).await.unwrap(), "234");
    assert_eq!(tail.bytes(99).await.unwrap(), "89");
    assert_eq!(beyond.bytes(99).await.unwrap(), "");
}

#[test]
fn what_is_there_is_told_and_what_is_not_is_not_found() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.host("directory")).unwrap();
    std::fs::write(scratch.host("file"), "abc").unwrap();
    let directories = scratch.open();
    let directory = directories.stat("/data/directory").unwrap();
    assert_eq!((directory.name.as_str(), directory.kind, directory.size), ("directory", FileKind::Directory, 0));
    let file = directories.stat("/data/file").unwrap();
    let modified = std::fs::metadata(scratch.host("file")).unwrap().modified().unwrap();
    assert_eq!(u128::from(file.modified), modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos());
    assert_eq!(directories.stat("/data").unwrap().kind, FileKind::Directory);
    for path in ["/data/missing", "/data/missing/below", "/data/file/below"] {
        assert_eq!(kind(directories.stat(path)), ErrorKind::NotFound, "{path}");
        assert_eq!(kind(directories.open_file(path, ByteRange::Whole)), ErrorKind::NotFound, "{path}");
        assert_eq!(kind(directories.remove(path)), ErrorKind::NotFound, "{path}");
    }
    assert_eq!(kind(directories.open_file("/data/directory", ByteRange::Whole)), ErrorKind::InvalidArgument);
    assert_eq!(kind(directories.entries("/data/missing", None, 9)), ErrorKind::NotFound);
    assert_eq!(kind(directories.entries("/data/file", None, 9)), ErrorKind::InvalidArgument);
}

#[test]
fn entries_come_in_byte_order_of_their_sort_keys() {
    let scratch = Scratch::new();
    for directory in ["a", "b"] {
        std::fs::create_dir(scratch.host(directory)).unwrap();
    }
    for file in ["a-", "a.b", "a0", "A", "z"] {
        std::fs::write(scratch.host(file), file).unwrap();
    }
    std::fs::write(scratch.granted.join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    let directories = scratch.open();
    // `/` sorts after `-` and `.`, and before digits.
    let expected = ["A", "a-", "a.b", "a", "a0", "b", "z"];
    assert_eq!(names(&directories, None, 99), expected);
    assert_eq!(names(&directories, Some("a.b"), 2), ["a", "a0"]);
    assert_eq!(names(&directories, Some("a/"), 2), ["a0", "b"]);
    assert_eq!(names(&directories, Some("zz"), 2), [""; 0]);
    assert_eq!(names(&directories, None, 0), [""; 0]);
    assert_eq!(directories.entries("/data", None, 2).unwrap()[0].size, 1);
}

#[test]
fn pages_give_every_child_once() {
    let scratch = Scratch::new();
    let mut expected: Vec<_> = (0..3000).map(|n| format!("{:08x}-{n}", n * 0x9E37_79B9_u64 % 0xFFFF_FFFB)).collect();
    for name in &expected {
        std::fs::write(scratch.host(name), "").unwrap();
    }
    expected.sort();
    let directories = scratch.open();
    let mut found = Vec::new();
    loop {
        let page = names(&directories, found.last().map(String::as_str), 700);
        let is_last = page.len() < 700;
        found.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_stamp_changes_with_every_change() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let stamp = || directories.stat("/data/file").unwrap().stamp;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let info = directories.replace(&call(), "/data/file", &Content::from_bytes("same"), false).await.unwrap();
        assert_eq!(info, directories.stat("/data/file").unwrap());
        assert_eq!(info, directories.open_file("/data/file", ByteRange::Whole).unwrap().0);
        seen.push(info.stamp);
    }
    directories.write(&call(), "/data/file", 0, &Content::from_bytes("S"), Default::default()).await.unwrap();
    seen.push(stamp());
    seen.push(directories.commit(&call(), "/data/file", "/data/file", false).await.unwrap().stamp);
    directories.set_size(&call(), "/data/file", 2).await.unwrap();
    seen.push(stamp());
    seen.push(directories.replace(&call(), "/data/file", &Content::from_bytes("same"), false).await.unwrap().stamp);
    std::fs::write(scratch.host("file"), "edited by somebody").unwrap();
    seen.push(stamp());
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    assert_eq!(stamp(), stamp());
}
