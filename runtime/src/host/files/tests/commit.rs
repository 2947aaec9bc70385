//! `commit`: durable, grouped, one winner.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;

use super::*;
use crate::host::files::WriteMode;

async fn part(directories: &Directories, path: &str, text: &str) {
    let mode = WriteMode { create_new: true, truncate: false };
    directories.write(&call(), path, 0, &Content::from_bytes(text.to_owned()), mode).await.unwrap();
}

#[tokio::test]
async fn many_commit_at_once_and_each_gets_its_own_answer() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let one = async |n: usize| {
        let (source, destination) = (format!("/data/parts/{n}"), format!("/data/blobs/{:02}/{n}", n % 7));
        if !n.is_multiple_of(8) {
            part(&directories, &source, &format!("content {n}")).await;
        }
        (n, directories.commit(&call(), &source, &destination, false).await)
    };
    for (n, result) in join_all((0..64).map(one)).await {
        if n.is_multiple_of(8) {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, Some(format!("/data/parts/{n}").as_str())));
            continue;
        }
        let info = result.unwrap();
        assert_eq!(info.name, n.to_string());
        assert_eq!(read(&directories, &format!("/data/blobs/{:02}/{n}", n % 7)).await.unwrap(), format!("content {n}"));
        assert_eq!(info, directories.stat(&format!("/data/blobs/{:02}/{n}", n % 7)).unwrap());
    }
    assert!(directories.entries("/data/parts", None, 99).unwrap().is_empty());
}

#[tokio::test]
async fn commits_and_replaces_and_syncs_share_their_rounds() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    part(&directories, "/data/part", "part").await;
    part(&directories, "/data/kept", "kept").await;
    let context = call();
    let (committed, replaced, synced) = tokio::join!(
        directories.commit(&context, "/data/part", "/data/a/b/c/committed", false),
        async { directories.replace(&context, "/data/d/replaced", &Content::from_bytes("replaced"), false).await },
        directories.sync(&context, "/data/kept"),
    );
    synced.unwrap();
    assert_eq!((committed.unwrap().size, replaced.unwrap().size), (4, 8));
    assert_eq!(read(&directories, "/data/a/b/c/committed").await.unwrap(), "part");
}

#[tokio::test]
async fn no_replace_has_one_winner() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.open(), scratch.open());
    for round in 0..20 {
        let destination = format!("/data/blob-{round}");
        let attempt = async |n: usize| {
            let directories = if n.is_multiple_of(2) { &one } else { &two };
            let source = format!("/data/part-{round}-{n}");
            if n.is_multiple_of(3) {
                return directories.replace(&call(), &destination, &Content::from_bytes(n.to_string()), true).await.map(|_| n);
            }
            part(directories, &source, &n.to_string()).await;
            directories.commit(&call(), &source, &destination, true).await.map(|_| n)
        };
        let results = join_all((0..8).map(attempt)).await;
        let winners: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1);
        assert!(results.iter().all(|result| result.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::AlreadyExists)));
        assert_eq!(read(&one, &destination).await.unwrap(), winners[0].to_string());
    }
    assert_eq!(scratch.temporaries(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_that_vanishes_is_made_again() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let stop = Arc::new(AtomicBool::new(false));
    let remover = {
        let (directories, stop) = (directories.clone(), stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let _ = directories.remove("/data/a/b");
                let _ = directories.remove("/data/a");
            }
        })
    };
    for n in 0..100 {
        part(&directories, "/data/part", "x").await;
        directories.commit(&call(), "/data/part", &format!("/data/a/b/{n}"), false).await.unwrap();
        directories.remove(&format!("/data/a/b/{n}")).unwrap();
        directories.replace(&call(), &format!("/data/a/b/{n}"), &Content::from_bytes("y"), false).await.unwrap();
        directories.remove(&format!("/data/a/b/{n}")).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    remover.join().unwrap();
}

#[tokio::test]
async fn what_cannot_be_committed_is_refused() {
    let (scratch, second) = (Scratch::new(), Scratch::new());
    let directories = open(&[("/data", &scratch.granted, Access::ReadWrite), ("/other", &second.granted, Access::ReadWrite)]);
    part(&directories, "/data/part", "x").await;
    directories.make_directory("/data/directory").unwrap();
    for (source, destination, expected) in [
        ("/data/missing", "/data/blob", ErrorKind::NotFound),
        ("/data/missing", "/data/new/parent/blob", ErrorKind::NotFound),
        ("/data/directory", "/data/blob", ErrorKind::InvalidArgument),
        ("/data/part", "/data/directory", ErrorKind::InvalidArgument),
        ("/data/part", "/data/part/below", ErrorKind::InvalidArgument),
        ("/data/part", "/data", ErrorKind::InvalidArgument),
        ("/data", "/data/blob", ErrorKind::InvalidArgument),
        ("/data/part", "/other/blob", ErrorKind::InvalidArgument),
    ] {
        assert_eq!(kind(directories.commit(&call(), source, destination, false).await), expected, "{source} to {destination}");
    }
    assert_eq!(read(&directories, "/data/part").await.unwrap(), "x");
}

#[test]
fn a_runtime_that_ends_leaves_the_lead_to_the_next() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for round in 0..50 {
        let first = runtime();
        let task = {
            let directories = directories.clone();
            async move { directories.replace(&call(), "/data/file", &Content::from_bytes("first"), false).await }
        };
        first.spawn(task);
        first.block_on(async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
        });
        first.shutdown_background();
        let second = runtime();
        let info = second.block_on(directories.replace(&call(), "/data/second", &Content::from_bytes("second"), false));
        assert!(info.is_ok_and(|info| info.size == 6));
    }
}
