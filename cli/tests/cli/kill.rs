//! `kill -9` during a put: the old object stays whole, and the next start clears what was left.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

use super::desk::Desk;

/// How long a new object is; long enough that a put of it is caught half-way.
const LENGTH: usize = 48 << 20;

/// Files below `root` and how many bytes they occupy; what vanishes meanwhile does not count.
fn contents(root: &Path) -> (BTreeSet<String>, u64) {
    let (mut names, mut bytes, mut waiting) = (BTreeSet::new(), 0, vec![root.to_owned()]);
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => waiting.push(entry.path()),
                Ok(found) => {
                    names.insert(entry.path().strip_prefix(root).unwrap().display().to_string());
                    bytes += found.len();
                }
                Err(_) => {}
            }
        }
    }
    (names, bytes)
}

/// Whether the process was still there to be killed.
fn kill(mut child: Child) -> bool {
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// Waits until the store has grown by `growth` bytes over `before`, or the put has ended.
fn wait_for(child: &mut Child, store: &Path, before: u64, growth: u64) {
    while child.try_wait().unwrap().is_none() && contents(store).1 < before + growth {
        std::thread::yield_now();
    }
}

#[test]
fn a_put_that_is_killed_leaves_the_old_object_and_no_debris() {
    let Some(desk) = Desk::with_filesystem() else { return };
    let store = desk.path("store");
    desk.run_with("put - /a", b"old").text();
    desk.run("ls").text();
    let (names, size) = contents(&store);
    desk.write("new", vec![b'n'; LENGTH]);
    let mut caught = 0;
    // Moments spread over the whole put: before the first byte, at every eighth of it, and at its end.
    for eighth in 0..=8 {
        let mut child = desk.command(["put", "new", "/a"]).spawn().unwrap();
        wait_for(&mut child, &store, size, (LENGTH / 8 * eighth) as u64);
        if kill(child) {
            caught += 1;
        }
        let now = desk.run("cat /a");
        let whole = now.bytes() == b"old" || (now.bytes().len() == LENGTH && now.bytes().iter().all(|byte| *byte == b'n'));
        assert!(whole, "{} bytes, killed at eighth {eighth}", now.bytes().len());
        assert_eq!(contents(&store).0, names, "killed at eighth {eighth}");
        desk.run_with("put - /a", b"old").text();
    }
    assert!(caught >= 5, "only {caught} of 9 puts were caught while they ran");
}

#[test]
fn a_put_from_a_pipe_that_is_killed_stores_nothing() {
    let Some(desk) = Desk::with_filesystem() else { return };
    let store = desk.path("store");
    desk.run_with("put - /old", b"old").text();
    let (names, _) = contents(&store);
    assert!(!names.iter().any(|name| name.contains("owner-")), "a put that ended well left {names:?}");
    for length in [0, 1, 100_000, 20_000_000] {
        let mut child = desk.command(["put", "-", "/new"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A pipe holds 64 KiB: once this returns all but those were read.
        pipe.write_all(&vec![b'n'; length]).unwrap();
        assert!(kill(child), "it ended before its input did");
        drop(pipe);
        assert_eq!(desk.run("ls -r").text(), "/old\n");
        assert_eq!(contents(&store).0, names);
    }
}

#[test]
fn an_interrupted_get_removes_its_temporary_file() {
    let Some(desk) = Desk::with_filesystem() else { return };
    desk.write("new", vec![b'n'; LENGTH]);
    desk.run("put new /a").text();
    fs::create_dir(desk.path("out")).unwrap();
    let mut child = desk.command(["get", "/a", "out/a"]).spawn().unwrap();
    wait_for(&mut child, &desk.path("out"), 0, 1);
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success();
    let status = child.wait().unwrap();
    if interrupted && status.code() == Some(130) {
        assert_eq!(contents(&desk.path("out")).0, BTreeSet::new());
    } else {
        assert_eq!(desk.read("out/a").len(), LENGTH, "{status}");
    }
}
