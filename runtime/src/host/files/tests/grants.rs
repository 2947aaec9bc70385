//! What a path means, and who may do what.

use super::*;
use crate::host::files::WriteMode;
use crate::host::files::directories::Need;

/// Every function of the interface at `path`, by its name: what it answers, and whether it changes something.
async fn everything(directories: &Directories, path: &str) -> Vec<(&'static str, bool, Result<()>)> {
    let (call, content) = (call(), Content::from_bytes("x"));
    let wait = std::time::Duration::from_secs(1);
    vec![
        ("open", false, directories.open_file(path, ByteRange::Whole).map(drop)),
        ("stat", false, directories.stat(path).map(drop)),
        ("entries", false, directories.entries(path, None, 9).map(drop)),
        ("replace", true, directories.replace(&call, path, &content, false).await.map(drop)),
        ("write", true, directories.write(&call, path, 0, &content, WriteMode::default()).await.map(drop)),
        ("set-size", true, directories.set_size(&call, path, 1).await),
        ("sync", true, directories.sync(&call, path).await),
        ("commit from", true, directories.commit(&call, path, "/data/target", false).await.map(drop)),
        ("commit to", true, directories.commit(&call, "/data/source", path, false).await.map(drop)),
        ("make-directory", true, directories.make_directory(path)),
        ("remove", true, directories.remove(path)),
        ("lock", true, directories.lock(&call, path, wait).await.map(drop)),
    ]
}

#[tokio::test]
async fn the_longest_name_decides_at_component_boundaries() {
    let (outer, inner) = (Scratch::new(), Scratch::new());
    std::fs::write(outer.host("file"), "outer").unwrap();
    std::fs::write(inner.host("file"), "inner").unwrap();
    let directories = open(&[("/data", &outer.granted, Access::ReadWrite), ("/data/in", &inner.granted, Access::ReadWrite)]);
    assert_eq!(read(&directories, "/data/file").await.unwrap(), "outer");
    assert_eq!(read(&directories, "/data/in/file").await.unwrap(), "inner");
    assert_eq!(kind(read(&directories, "/data/info").await), ErrorKind::NotFound);
    assert_eq!(kind(read(&directories, "/database").await), ErrorKind::InvalidPath);

    let root = open(&[("/", &outer.granted, Access::ReadOnly)]);
    assert_eq!(read(&root, "/file").await.unwrap(), "outer");
    assert_eq!(root.entries("/", None, 9).unwrap().len(), 1);
}

#[tokio::test]
async fn every_change_below_a_read_only_grant_is_refused_with_its_remedy() {
    let scratch = Scratch::new();
    std::fs::write(scratch.host("file"), "old").unwrap();
    let directories = open(&[("/data", &scratch.outside, Access::ReadWrite), ("/fixed", &scratch.granted, Access::ReadOnly)]);
    directories.replace(&call(), "/data/source", &Content::from_bytes("x"), false).await.unwrap();
    for (operation, changes, answer) in everything(&directories, "/fixed/file").await {
        if changes {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{operation}");
            assert!(error.message().contains("\"/fixed\"") && error.message().contains("access = \"read-write\""), "{operation}: {error}");
        }
    }
    assert_eq!(read(&directories, "/fixed/file").await.unwrap(), "old");
    assert!(!scratch.host(".cofferdam").exists(), "a read-only grant is never written to");
}

#[tokio::test]
async fn what_is_under_no_grant_is_named_as_such() {
    let scratch = Scratch::new();
    let directories = open(&[("/data", &scratch.granted, Access::ReadWrite), ("/cache", &scratch.outside, Access::ReadOnly)]);
    for (operation, _, answer) in everything(&directories, "/else/file").await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{operation}");
        assert!(error.message().contains("\"/cache\", \"/data\""), "{operation}: {error}");
    }
    let nothing = open(&[]);
    assert!(nothing.stat("/data").unwrap_err().message().contains("the grant has none"));
}

#[tokio::test]
async fn unclean_paths_are_invalid_everywhere() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    for path in ["", "data", "/data/", "/data//a", "//data", "/data/.", "/data/..", "/data/../outside", "/data/a/../../b", "/data/a\0b", "/../data"] {
        for (operation, _, answer) in everything(&directories, path).await {
            assert_eq!(kind(answer), ErrorKind::InvalidPath, "{operation} {path:?}");
        }
    }
    assert!(std::fs::read_dir(&scratch.granted).unwrap().next().is_none());
}

#[tokio::test]
async fn the_hosts_own_directory_is_not_there() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    directories.replace(&call(), "/data/file", &Content::from_bytes("x"), false).await.unwrap();
    assert!(scratch.host(".cofferdam").is_dir());
    for path in ["/data/.cofferdam", "/data/.cofferdam/locks", "/data/.cofferdam/new/file"] {
        for (operation, changes, answer) in everything(&directories, path).await {
            assert_eq!(kind(answer), if changes { ErrorKind::InvalidPath } else { ErrorKind::NotFound }, "{operation} {path:?}");
        }
    }
    let names: Vec<_> = directories.entries("/data", None, 9).unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["file"]);
    // Elsewhere it is a name like any other.
    directories.replace(&call(), "/data/a/.cofferdam", &Content::from_bytes("mine"), false).await.unwrap();
    assert_eq!(read(&directories, "/data/a/.cofferdam").await.unwrap(), "mine");
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let scratch = Scratch::new();
    std::fs::write(scratch.host("file"), "").unwrap();
    for (host, problem) in [("missing", "does not exist"), ("file", "is not a directory")] {
        let error = Directories::open(&granting(&[("/data", &scratch.host(host), Access::ReadOnly)])).unwrap_err().to_string();
        assert!(error.contains("\"/data\"") && error.contains(host) && error.contains(problem), "{error}");
    }
}

/// Every path of up to four of these components, not a sample of them.
#[test]
fn no_path_means_anything_outside_its_grant() {
    const COMPONENTS: [&str; 9] = ["", ".", "..", "data", "a", "b\0", ".cofferdam", "a.b", "ü"];
    let scratch = Scratch::new();
    let directories = scratch.open();
    let mut paths = vec![String::new()];
    let mut allowed = 0;
    for _ in 0..4 {
        paths = paths.iter().flat_map(|path| COMPONENTS.map(|component| format!("{path}/{component}"))).collect();
        for path in paths.iter().flat_map(|path| [path.as_str(), path.trim_start_matches('/')]) {
            for need in [Need::Read, Need::Write] {
                match directories.resolve(path, need) {
                    Ok(place) => {
                        let below = place.relative();
                        assert_eq!(path, if below.is_empty() { "/data".to_owned() } else { format!("/data/{below}") });
                        assert!(
                            below.is_empty() || below.split('/').all(|name| !matches!(name, "" | "." | "..") && !name.contains('\0')),
                            "{path:?}"
                        );
                        assert_ne!(below.split('/').next(), Some(".cofferdam"));
                        allowed += 1;
                    }
                    Err(error) => assert!(matches!(error.kind(), ErrorKind::InvalidPath | ErrorKind::NotFound), "{path:?}: {error}"),
                }
            }
        }
    }
    // `/data`, and below it one to three of the five names, the first of them not the host's own; for each need.
    assert_eq!(allowed, 2 * (1 + 4 + 4 * 5 + 4 * 25));
}
