//! Every function of `files` under every kind of grant: what is not granted is refused, typed, and nothing is touched.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cofferdam::{Access, ErrorKind, Grant, LoadError, Mount, MountOptions, Result};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::{Hostile, assert_error, directory, scratch, tight};

/// A function of `files`, what it is tried with, and whether it changes anything.
struct Function {
    name: &'static str,
    target: &'static str,
    writes: bool,
}

const fn reads(name: &'static str, target: &'static str) -> Function {
    Function { name, target, writes: false }
}

const fn writes(name: &'static str, target: &'static str) -> Function {
    Function { name, target, writes: true }
}

/// Every function. A test below sees that none of the contract's is missing.
const FUNCTIONS: [Function; 13] = [
    reads("open", "data/file"),
    reads("stat", "data/file"),
    reads("entries", "data/folder"),
    writes("replace", "data/file"),
    writes("write", "data/file"),
    writes("write-new", "data/new"),
    writes("write-truncate", "data/file"),
    writes("set-size", "data/file"),
    writes("sync", "data/file"),
    writes("commit", "data/file"),
    writes("make-directory", "data/made/deep"),
    writes("remove", "data/file"),
    writes("lock", "data/name"),
];

/// A directory with something in it.
fn filled() -> tempfile::TempDir {
    let data = scratch();
    fs::write(data.path().join("file"), "a file").unwrap();
    fs::create_dir(data.path().join("folder")).unwrap();
    fs::write(data.path().join("folder/inner"), "another").unwrap();
    data
}

/// Every file below `folder` with its content, and every directory.
fn snapshot(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                found.insert(name, "a directory".to_owned());
                left.push(path);
            } else {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Calls `function` in a fresh directory, granted as `edit` says; answers what came of it, and whether the directory changed.
async fn attempt(function: &Function, edit: impl FnOnce(&mut Grant, &Path)) -> (Result<u64>, bool) {
    let data = filled();
    let mount = Hostile::open(data.path(), |grant| edit(grant, data.path())).await.unwrap();
    let hostile = Hostile { mount, data };
    let before = snapshot(hostile.data.path());
    let answer = hostile.stat(&format!("/try/{}/{}", function.name, function.target)).await;
    hostile.serves().await;
    let changed = snapshot(hostile.data.path()) != before;
    (answer, changed)
}

#[test]
fn the_matrix_has_every_function_of_the_contract() {
    let driver = drivers::load("hostile");
    let files = driver.inspection().imports.iter().find(|import| import.interface.interface == "files").unwrap();
    for function in &files.functions {
        assert!(FUNCTIONS.iter().any(|tried| tried.name == function), "`files.{function}` is not tried");
    }
    assert_eq!(files.functions.len(), 11, "{:?}", files.functions);
}

#[tokio::test]
async fn a_read_write_directory_allows_everything() {
    for function in &FUNCTIONS {
        let (answer, _) = attempt(function, |_, _| ()).await;
        assert!(answer.is_ok(), "{}: {answer:?}", function.name);
    }
}

#[tokio::test]
async fn a_read_only_directory_allows_reading_alone() {
    for function in &FUNCTIONS {
        let (answer, changed) = attempt(function, |grant, _| grant.directories[0].access = Access::ReadOnly).await;
        assert!(!changed, "{} has changed something", function.name);
        if function.writes {
            let error = answer.expect_err(function.name);
            assert_error(&error, ErrorKind::PermissionDenied, "granted for reading only");
            assert!(error.message().contains("/data"), "{}: the grant is named: {error}", function.name);
        } else {
            assert!(answer.is_ok(), "{}: {answer:?}", function.name);
        }
    }
}

#[tokio::test]
async fn a_directory_that_is_granted_by_another_name_is_not_found_by_this_one() {
    for function in &FUNCTIONS {
        for name in ["/other", "/dat", "/data2", "/data/file"] {
            let (answer, changed) = attempt(function, |grant, data| {
                let host = if name == "/data/file" { data.join("folder") } else { data.to_owned() };
                grant.directories = vec![directory(name, &host, Access::ReadWrite)];
            })
            .await;
            assert!(!changed, "{} under {name} has changed something", function.name);
            // The directory that is granted as `/data/file` may itself be looked at.
            if name == "/data/file" && function.target == "data/file" {
                continue;
            }
            let error = answer.expect_err(function.name);
            assert_eq!(error.kind(), ErrorKind::InvalidPath, "{} under {name}: {error}", function.name);
        }
    }
}

#[tokio::test]
async fn without_any_directory_the_driver_does_not_load() {
    let grant = Grant { limits: tight(), ..Grant::default() };
    let error = Mount::open(&drivers::load("hostile"), &grant, MountOptions::default()).await.unwrap_err();
    let LoadError::NotGranted { imports, remedy } = error else { panic!("another error: {error}") };
    for function in FUNCTIONS.iter().filter(|function| !function.name.starts_with("write-")) {
        assert!(imports[0].contains(function.name), "{} in {}", function.name, imports[0]);
    }
    assert!(remedy.contains("[[directory]]"), "{remedy}");
}

#[tokio::test]
async fn a_backend_that_is_taken_away_is_unavailable_to_every_function_and_back_afterwards() {
    for function in &FUNCTIONS {
        let data = filled();
        let mount = Hostile::open(data.path(), |_| ()).await.unwrap();
        let hostile = Hostile { mount, data };
        let before = snapshot(hostile.data.path());
        let path = format!("/try/{}/{}", function.name, function.target);
        hostile.mount.set_backends_reachable(false);
        assert_error(&hostile.refused(&path).await, ErrorKind::Unavailable, "taken away");
        assert_eq!(snapshot(hostile.data.path()), before, "{}", function.name);
        hostile.serves().await;
        hostile.mount.set_backends_reachable(true);
        assert!(hostile.stat(&path).await.is_ok(), "{}", function.name);
    }
}

#[tokio::test]
async fn nothing_is_moved_from_one_grant_into_another() {
    for (name, elsewhere, kind) in [
        ("commit-out", Access::ReadWrite, ErrorKind::InvalidArgument),
        ("commit-out", Access::ReadOnly, ErrorKind::PermissionDenied),
        ("commit-in", Access::ReadWrite, ErrorKind::InvalidArgument),
        ("commit-in", Access::ReadOnly, ErrorKind::PermissionDenied),
    ] {
        let other = scratch();
        fs::write(other.path().join("source"), "elsewhere").unwrap();
        let function = writes(name, "data/file");
        let (answer, changed) = attempt(&function, |grant, _| grant.directories.push(directory("/elsewhere", other.path(), elsewhere))).await;
        let error = answer.expect_err(name);
        assert_eq!(error.kind(), kind, "{name} {elsewhere}: {error}");
        assert!(!changed, "{name} {elsewhere}");
        assert_eq!(snapshot(other.path()).into_iter().collect::<Vec<_>>(), [("source".to_owned(), "elsewhere".to_owned())]);
    }
}

#[tokio::test]
async fn paths_that_break_the_rules_of_files_reach_nothing() {
    let hostile = Hostile::mount().await;
    let outside = hostile.data.path().parent().unwrap().join("cofferdam-outside");
    // The host checks paths of its own callers, so these are asked past that check.
    for path in [
        "/try/stat//data/../x",
        "/try/stat/data/..",
        "/try/stat/data/./x",
        "/try/stat/data//x",
        "/try/stat/data/x\0y",
        "/try/stat/",
        "/try/stat/datax/file",
    ] {
        let error = hostile.mount.unchecked().stat(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{path:?}: {error}");
    }
    for function in ["write", "replace", "make-directory", "lock"] {
        let error = hostile.mount.unchecked().stat(&format!("/try/{function}/data/../cofferdam-outside")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{function}: {error}");
    }
    assert!(!outside.exists());
    hostile.serves().await;
}
