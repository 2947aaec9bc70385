//! `lock`: exclusive across mounts, fair within one, gone when dropped.

use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn lock_files(scratch: &Scratch) -> usize {
    std::fs::read_dir(scratch.host(".cofferdam/locks")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_lock_excludes_every_mount_of_the_directory() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.open(), open(&[("/other", &scratch.granted, Access::ReadWrite)]));
    let held = one.lock(&call(), "/data/a", LONG).await.unwrap();
    let short = Duration::from_millis(20);
    for refused in [one.lock(&call(), "/data/a", short).await, two.lock(&call(), "/other/a", short).await] {
        let error = refused.err().expect("the lock is held");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.path().is_some_and(|path| path.ends_with("/a")));
    }
    // Another name is another lock, and no file needs to be there.
    drop(two.lock(&call(), "/other/b", LONG).await.unwrap());
    drop(held);
    drop(two.lock(&call(), "/other/a", LONG).await.unwrap());
    assert_eq!((lock_files(&scratch), one.queued_locks("/data"), two.queued_locks("/other")), (0, 0, 0));
}

#[tokio::test]
async fn callers_of_one_mount_are_served_in_order() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let order = Mutex::new(Vec::new());
    let held = directories.lock(&call(), "/data/a", LONG).await.unwrap();
    let waiting = (0..20).map(async |n| {
        let _guard = directories.lock(&call(), "/data/a", LONG).await.unwrap();
        order.lock().unwrap().push(n);
        tokio::task::yield_now().await;
    });
    let release = async { drop(held) };
    futures::join!(join_all(waiting), release);
    assert_eq!(order.into_inner().unwrap(), (0..20).collect::<Vec<_>>());
    assert_eq!((lock_files(&scratch), directories.queued_locks("/data")), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_mounts_never_are_in_at_once() {
    let scratch = Scratch::new();
    let mounts = [scratch.open(), scratch.open()];
    let inside = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (directories, inside) = (mounts[n % 2].clone(), inside.clone());
            tokio::spawn(async move {
                for _ in 0..20 {
                    let _guard = directories.lock(&call(), "/data/a", LONG).await.unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    assert_eq!(inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst), 1);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(lock_files(&scratch), 0);
}

#[tokio::test]
async fn a_waiter_that_gives_up_leaves_nothing() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    let held = directories.lock(&call(), "/data/a", LONG).await.unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        assert_eq!(kind(directories.lock(&call(), "/data/a", wait).await), ErrorKind::Unavailable);
    }
    assert_eq!(directories.queued_locks("/data"), 1);
    drop(held);
    assert_eq!((lock_files(&scratch), directories.queued_locks("/data")), (0, 0));
}
