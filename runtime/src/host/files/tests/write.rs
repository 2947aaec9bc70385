//! `replace`, `write`, `set-size`, `make-directory`, `remove`.

use std::sync::Weak;

use futures::StreamExt;

use super::*;
use crate::error::Error;
use crate::host::files::{FileKind, WriteMode};

/// The same bytes as every kind of content that can be handed over, by name.
fn every_kind(scratch: &Scratch, bytes: &[u8]) -> Vec<(&'static str, Content)> {
    let path = scratch.outside.join("content");
    std::fs::write(&path, [b"before", bytes, b"after"].concat()).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    vec![
        ("bytes", Content::from_bytes(bytes.to_vec())),
        ("file", Content::from_file(file, 6, bytes.len() as u64)),
        ("small frames", arriving(bytes, 1000)),
        ("large frames", arriving(bytes, 3 << 20)),
    ]
}

#[tokio::test]
async fn content_of_every_kind_arrives_whole() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    for length in [0, 1, 5000, (20 << 20) + 17] {
        let bytes = pattern(length);
        for (name, content) in every_kind(&scratch, &bytes) {
            let info = directories.replace(&call(), "/data/a/replaced", &content, false).await.unwrap();
            assert_eq!((info.name.as_str(), info.size), ("replaced", length as u64), "{name}");
            assert!(std::fs::read(scratch.host("a/replaced")).unwrap() == bytes, "{name} of {length}");
        }
        for (name, content) in every_kind(&scratch, &bytes) {
            let context = call();
            let written = directories.write(&context, "/data/b/written", 3, &content, WriteMode { create_new: false, truncate: true }).await;
            assert_eq!(written.unwrap(), length as u64, "{name}");
            assert_eq!(context.total(), length as u64, "{name}");
            let expected = if length == 0 { Vec::new() } else { [&[0; 3], &bytes[..]].concat() };
            assert!(std::fs::read(scratch.host("b/written")).unwrap() == expected, "{name} of {length}");
        }
    }
    assert_eq!(scratch.temporaries(), 0);
}

#[tokio::test]
async fn writes_go_where_they_are_told() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let write = async |offset, text: &'static str, create_new, truncate| {
        directories.write(&call(), "/data/new/file", offset, &Content::from_bytes(text), WriteMode { create_new, truncate }).await
    };
    assert_eq!(write(2, "cd", true, false).await.unwrap(), 2);
    assert_eq!(read(&directories, "/data/new/file").await.unwrap(), "\0\0cd");
    assert_eq!(kind(write(0, "x", true, false).await), ErrorKind::AlreadyExists);
    write(0, "ab", false, false).await.unwrap();
    assert_eq!(read(&directories, "/data/new/file").await.unwrap(), "abcd");
    write(1, "z", false, true).await.unwrap();
    assert_eq!(read(&directories, "/data/new/file").await.unwrap(), "\0z");
    directories.set_size(&call(), "/data/new/file", 3).await.unwrap();
    assert_eq!(read(&directories, "/data/new/file").await.unwrap(), "\0z\0");
    directories.set_size(&call(), "/data/new/file", 1).await.unwrap();
    assert_eq!(read(&directories, "/data/new/file").await.unwrap(), "\0");
    assert_eq!(kind(directories.set_size(&call(), "/data/missing", 1).await), ErrorKind::NotFound);
    assert_eq!(kind(write(u64::MAX - 1, "x", false, false).await), ErrorKind::InvalidArgument);
    directories.sync(&call(), "/data/new/file").await.unwrap();
    directories.sync(&call(), "/data/new").await.unwrap();
    directories.sync(&call(), "/data").await.unwrap();
    assert_eq!(kind(directories.sync(&call(), "/data/missing").await), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_replace_that_fails_changes_nothing() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    directories.replace(&call(), "/data/file", &Content::from_bytes("old"), false).await.unwrap();
    let frames = |count: usize| futures::stream::iter(vec![Ok(bytes::Bytes::from_static(b"new")); count]);
    let failing = frames(2).chain(futures::stream::iter([Err(Error::new(ErrorKind::RateLimited, "slow down"))]));
    let shrunk = scratch.outside.join("shrunk");
    std::fs::write(&shrunk, "short").unwrap();
    for (name, content, expected) in [
        ("fails", Content::live(failing, None), ErrorKind::RateLimited),
        ("too short", Content::live(frames(1), Some(4)), ErrorKind::InvalidArgument),
        ("too long", Content::live(frames(2), Some(4)), ErrorKind::InvalidArgument),
        ("shrunk", Content::from_file(std::fs::File::open(&shrunk).unwrap(), 0, 6), ErrorKind::Corrupted),
    ] {
        assert_eq!(kind(directories.replace(&call(), "/data/file", &content, false).await), expected, "{name}");
        assert_eq!(read(&directories, "/data/file").await.unwrap(), "old", "{name}");
        assert_eq!(
            kind(directories.replace(&call(), "/data/fresh", &arriving(b"", 1), false).await.and(Err::<(), _>(Error::unsupported("")))),
            ErrorKind::Unsupported
        );
        assert_eq!(scratch.temporaries(), 0, "{name}");
    }
    assert_eq!(kind(directories.replace(&call(), "/data/file", &Content::from_bytes("new"), true).await), ErrorKind::AlreadyExists);
    assert_eq!(kind(directories.replace(&call(), "/data/file/below", &Content::from_bytes("new"), false).await), ErrorKind::InvalidArgument);
    assert_eq!(kind(directories.replace(&call(), "/data", &Content::from_bytes("new"), false).await), ErrorKind::InvalidArgument);
    directories.make_directory("/data/directory").unwrap();
    assert_eq!(kind(directories.replace(&call(), "/data/directory", &Content::from_bytes("new"), false).await), ErrorKind::InvalidArgument);
    assert_eq!(scratch.temporaries(), 0);
}

#[tokio::test]
async fn a_cancelled_write_stops_and_is_held_until_it_has() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let guards = Arc::<Guards>::default();
    let held: Weak<Guards> = Arc::downgrade(&guards);
    let context = CallContext::new(guards, None);
    let endless = Content::live(futures::stream::repeat_with(|| Ok(bytes::Bytes::from_static(&[7; 4096]))), None);
    let replace = async {
        directories.replace(&context, "/data/file", &endless, false).await.unwrap();
    };
    let moved = async {
        while context.total() < 8 << 20 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = replace => panic!("an endless replace ended"),
        () = moved => {}
    }
    drop(context);
    // The last batch may still be on its way to the file; then it is over, and what it held is free.
    while held.strong_count() > 0 || scratch.temporaries() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(kind(directories.stat("/data/file")), ErrorKind::NotFound);
}

#[tokio::test]
async fn directories_are_made_and_removed() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    directories.make_directory("/data/a/b/c").unwrap();
    directories.make_directory("/data/a/b/c").unwrap();
    directories.make_directory("/data").unwrap();
    assert_eq!(directories.stat("/data/a/b/c").unwrap().kind, FileKind::Directory);
    directories.replace(&call(), "/data/a/file", &Content::from_bytes("x"), false).await.unwrap();
    for path in ["/data/a/file", "/data/a/file/below"] {
        assert_eq!(kind(directories.make_directory(path)), ErrorKind::InvalidArgument, "{path}");
    }
    assert_eq!(kind(directories.remove("/data/a/b")), ErrorKind::InvalidArgument);
    assert_eq!(kind(directories.remove("/data")), ErrorKind::InvalidArgument);
    for path in ["/data/a/b/c", "/data/a/b", "/data/a/file", "/data/a"] {
        directories.remove(path).unwrap();
        assert_eq!(kind(directories.remove(path)), ErrorKind::NotFound, "{path}");
    }
}
