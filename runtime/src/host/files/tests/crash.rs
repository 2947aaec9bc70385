//! What a process that is killed leaves, and what of it lives on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::StreamExt;

use super::*;

/// The granted directory, for the process that is to be killed.
const DIRECTORY: &str = "COFFERDAM_TEST_DIRECTORY";

/// A process that holds a lock, and has a replace that is not finished.
struct Victim(Child);

impl Victim {
    fn start(scratch: &Scratch) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("{module}::victim"), "--nocapture"])
            .env(DIRECTORY, &scratch.granted)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        assert!(output.lines().any(|line| line.unwrap().contains("ready")), "the process holds its lock");
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The process that the other tests here kill; nothing to do where none of them started it.
#[test]
fn victim() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let directories = open(&[("/data", &directory, Access::ReadWrite)]);
        let _guard = directories.lock(&call(), "/data/lock", Duration::from_secs(9)).await.unwrap();
        let first = futures::stream::iter([Ok(bytes::Bytes::from(vec![7; 2 << 20]))]);
        let told = futures::stream::once(async {
            println!("ready");
            futures::future::pending().await
        });
        let content = Content::live(first.chain(told), None);
        directories.replace(&call(), "/data/file", &content, false).await.unwrap();
    });
}

#[tokio::test]
async fn the_dead_hold_no_lock_and_leave_no_debris() {
    let scratch = Scratch::new();
    scratch.open().replace(&call(), "/data/file", &Content::from_bytes("old"), false).await.unwrap();
    let victim = Victim::start(&scratch);
    assert_eq!(scratch.temporaries(), 1);

    // While it lives, its lock and its file are its own, whoever opens the directory.
    let living = scratch.open();
    assert_eq!(kind(living.lock(&call(), "/data/lock", Duration::from_millis(20)).await), ErrorKind::Unavailable);
    assert_eq!(scratch.temporaries(), 1);
    victim.kill();

    drop(living.lock(&call(), "/data/lock", Duration::from_secs(9)).await.unwrap());
    assert_eq!(scratch.temporaries(), 1, "swept when the grant is next opened");
    let next = scratch.open();
    assert!(scratch.own_files().is_empty());
    assert_eq!(read(&next, "/data/file").await.unwrap(), "old");
    // Who was there before goes on.
    living.replace(&call(), "/data/file", &Content::from_bytes("new"), false).await.unwrap();
    assert_eq!(read(&next, "/data/file").await.unwrap(), "new");
}

#[tokio::test]
async fn lock_files_of_the_dead_are_swept() {
    let scratch = Scratch::new();
    Victim::start(&scratch).kill();
    let files = || std::fs::read_dir(scratch.host(".cofferdam/locks")).unwrap().count();
    assert_eq!(files(), 1);
    let directories = scratch.open();
    assert_eq!(files(), 0);
    let _guard = directories.lock(&call(), "/data/lock", Duration::from_secs(9)).await.unwrap();
    let _other = scratch.open();
    assert_eq!(files(), 1, "a held lock is not swept");
}

#[test]
fn sweeps_spare_whoever_starts_at_the_same_time() {
    let scratch = Scratch::new();
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for round in 0..40 {
            // Each opening sweeps, and its first replace makes an owner.
            let directories = scratch.open();
            let path = format!("/data/{:?}", std::thread::current().id());
            let info = runtime.block_on(directories.replace(&call(), &path, &Content::from_bytes(vec![1; round]), false)).unwrap();
            assert_eq!(info.size, round as u64);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    assert!(scratch.own_files().is_empty());
}

#[tokio::test]
async fn a_place_for_temporary_files_that_somebody_removed_is_made_again() {
    let scratch = Scratch::new();
    let directories = scratch.open();
    for _ in 0..2 {
        directories.replace(&call(), "/data/file", &Content::from_bytes("x"), false).await.unwrap();
        std::fs::remove_dir_all(scratch.host(".cofferdam")).unwrap();
    }
}
