//! No link, FIFO or device leads out or blocks.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::*;
use crate::host::files::{FileKind, WriteMode};

/// Does everything to `path`; answers what succeeded.
async fn successes(directories: &Directories, path: &str) -> Vec<&'static str> {
    let (call, content) = (call(), Content::from_bytes("x"));
    let tried = [
        ("open", directories.open_file(path, ByteRange::Whole).map(drop)),
        ("entries", directories.entries(path, None, 9).map(drop)),
        ("write", directories.write(&call, path, 0, &content, WriteMode::default()).await.map(drop)),
        ("truncate", directories.write(&call, path, 0, &content, WriteMode { create_new: false, truncate: true }).await.map(drop)),
        ("set-size", directories.set_size(&call, path, 0).await),
        ("commit", directories.commit(&call, path, "/data/elsewhere", false).await.map(drop)),
    ];
    tried.into_iter().filter_map(|(name, result)| result.ok().map(|()| name)).collect()
}

#[tokio::test]
async fn links_out_of_the_grant_lead_nowhere() {
    let scratch = Scratch::new();
    let (granted, outside) = (&scratch.granted, &scratch.outside);
    symlink(outside, granted.join("absolute")).unwrap();
    symlink("../outside", granted.join("relative")).unwrap();
    symlink("..", granted.join("up")).unwrap();
    symlink("/", granted.join("root")).unwrap();
    symlink("relative", granted.join("chained")).unwrap();
    symlink(outside.join("secret"), granted.join("file")).unwrap();
    symlink(outside.join("new"), granted.join("dangling")).unwrap();
    symlink("/proc/self/root", granted.join("magic")).unwrap();
    let directories = scratch.open();
    let outside_root = outside.to_str().unwrap().trim_start_matches('/');
    let mut paths: Vec<_> = ["absolute", "relative", "chained"].iter().flat_map(|link| [format!("{link}/secret"), format!("{link}/new")]).collect();
    paths.extend(["up/outside/secret", "up/outside/new", "file", "dangling", "absolute", "up", "root"].map(str::to_owned));
    paths.extend([format!("root/{outside_root}/secret"), format!("magic/{outside_root}/secret")]);
    for path in paths.iter().map(|path| format!("/data/{path}")) {
        assert_eq!(successes(&directories, &path).await, [""; 0], "{path}");
        if path.matches('/').count() > 2 {
            assert!(directories.stat(&path).is_err(), "{path}");
            assert!(directories.make_directory(&path).is_err(), "{path}");
            assert!(directories.remove(&path).is_err(), "{path}");
            assert!(directories.replace(&call(), &path, &Content::from_bytes("x"), false).await.is_err(), "{path}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["secret"]);
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
}

#[tokio::test]
async fn a_link_itself_is_seen_replaced_and_removed_but_never_followed() {
    let scratch = Scratch::new();
    symlink(scratch.outside.join("secret"), scratch.host("a")).unwrap();
    symlink(scratch.outside.join("secret"), scratch.host("b")).unwrap();
    let directories = scratch.open();
    let info = directories.stat("/data/a").unwrap();
    assert_eq!((info.kind, info.size), (FileKind::Other, 0));
    assert_eq!(kind(directories.open_file("/data/a", ByteRange::Whole)), ErrorKind::InvalidArgument);
    directories.replace(&call(), "/data/a", &Content::from_bytes("mine"), false).await.unwrap();
    assert_eq!(read(&directories, "/data/a").await.unwrap(), "mine");
    directories.remove("/data/b").unwrap();
    assert_eq!(std::fs::read_to_string(scratch.outside.join("secret")).unwrap(), "secret");
}

#[tokio::test]
async fn directories_that_are_linked_within_the_grant_are_followed() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.host("real")).unwrap();
    symlink("real", scratch.host("link")).unwrap();
    let directories = scratch.open();
    directories.replace(&call(), "/data/link/file", &Content::from_bytes("x"), false).await.unwrap();
    assert_eq!(read(&directories, "/data/real/file").await.unwrap(), "x");
    assert_eq!(directories.entries("/data/link", None, 9).unwrap().len(), 1);
    assert_eq!(directories.stat("/data/link").unwrap().kind, FileKind::Other);
}

#[test]
fn what_is_no_file_neither_blocks_nor_opens() {
    let scratch = Scratch::new();
    mknodat(CWD, scratch.host("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let _socket = UnixListener::bind(scratch.host("socket")).unwrap();
    let mut names = vec!["fifo", "socket"];
    // Only root makes devices: /dev/zero, in which there is no end of bytes.
    if mknodat(CWD, scratch.host("device"), FileType::CharacterDevice, Mode::from_raw_mode(0o600), makedev(1, 5)).is_ok() {
        names.push("device");
    }
    let directories = scratch.open();
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for name in names {
                let path = format!("/data/{name}");
                let info = directories.stat(&path).unwrap();
                assert_eq!((info.kind, info.size), (FileKind::Other, 0), "{path}");
                assert_eq!(successes(&directories, &path).await, [""; 0], "{path}");
                assert_eq!(kind(directories.open_file(&path, ByteRange::Whole)), ErrorKind::InvalidArgument, "{path}");
                assert_eq!(kind(directories.set_size(&call(), &path, 0).await), ErrorKind::InvalidArgument, "{path}");
            }
            assert!(directories.entries("/data", None, 9).unwrap().iter().all(|info| info.kind == FileKind::Other));
        });
        done.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(20)).expect("nothing blocks, and every assertion holds");
}

#[tokio::test]
async fn a_hard_link_is_a_file_like_any_other() {
    let scratch = Scratch::new();
    std::fs::hard_link(scratch.outside.join("secret"), scratch.host("given")).unwrap();
    let directories = scratch.open();
    assert_eq!(directories.stat("/data/given").unwrap().kind, FileKind::File);
    assert_eq!(read(&directories, "/data/given").await.unwrap(), "secret");
}
