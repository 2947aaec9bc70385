//! Figures for `docs/`: run with `--ignored --nocapture` and read.

use std::time::Instant;

use futures::future::join_all;

use super::*;
use crate::host::files::WriteMode;
use crate::host::files::directories::Need;

/// Where to measure; the system's directory for temporary files if it is not set.
const DIRECTORY: &str = "COFFERDAM_MEASURE_IN";

fn scratch() -> (Option<tempfile::TempDir>, Scratch) {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return (None, Scratch::new()) };
    let temp = tempfile::tempdir_in(directory).unwrap();
    let (granted, outside) = (temp.path().join("granted"), temp.path().join("outside"));
    std::fs::create_dir(&granted).unwrap();
    std::fs::create_dir(&outside).unwrap();
    (None, Scratch { _temp: temp, granted, outside })
}

#[tokio::test]
#[ignore = "a measurement"]
async fn grouped_commits_against_one_sync_each() {
    let (_, scratch) = scratch();
    let rounds = 4;
    for grouped in [true, false] {
        let directories = scratch.open();
        if !grouped {
            directories.resolve("/data", Need::Write).unwrap().granted.committer.durability.sync_each();
        }
        let began = Instant::now();
        for round in 0..rounds {
            let one = async |n: usize| {
                let source = format!("/data/part-{round}-{n}");
                let content = Content::from_bytes(vec![n as u8; 4096]);
                directories.write(&call(), &source, 0, &content, WriteMode::default()).await.unwrap();
                directories.commit(&call(), &source, &format!("/data/{grouped}/{n}/blob-{round}"), false).await.unwrap();
            };
            join_all((0..64).map(one)).await;
        }
        let each = began.elapsed() / (64 * rounds as u32);
        let how = if grouped { "one sync for all where it is faster" } else { "each file, side by side" };
        println!("64 callers, 4 KiB, {how}: {each:?} a commit, {:.0} commits/s", 1.0 / each.as_secs_f64());
    }
    // What the same does natively, one file after the other.
    let began = Instant::now();
    for n in 0..64 {
        let path = scratch.host(&format!("native-{n}"));
        std::fs::write(&path, vec![7; 4096]).unwrap();
        std::fs::File::open(&path).unwrap().sync_all().unwrap();
        std::fs::rename(&path, scratch.host(&format!("renamed-{n}"))).unwrap();
        std::fs::File::open(&scratch.granted).unwrap().sync_all().unwrap();
    }
    println!("native, one after the other: {:?} a commit", began.elapsed() / 64);
}

#[tokio::test]
#[ignore = "a measurement"]
async fn looking_and_moving() {
    let (_, scratch) = scratch();
    let directories = scratch.open();
    directories.replace(&call(), "/data/ab/cd/file", &Content::from_bytes(vec![1; 4096]), false).await.unwrap();
    let rounds = 200_000;
    let time = |name: &str, mut work: Box<dyn FnMut() + '_>| {
        let began = Instant::now();
        (0..rounds).for_each(|_| work());
        println!("{name}: {:?}", began.elapsed() / rounds);
    };
    time("open", Box::new(|| drop(directories.open_file("/data/ab/cd/file", ByteRange::Whole).unwrap())));
    time("stat", Box::new(|| drop(directories.stat("/data/ab/cd/file").unwrap())));
    let host = scratch.host("ab/cd/file");
    time("native open + fstat", Box::new(|| assert!(std::fs::File::open(&host).unwrap().metadata().unwrap().is_file())));
    time("native stat", Box::new(|| assert!(std::fs::symlink_metadata(&host).unwrap().is_file())));

    let size = 1 << 30;
    let frame = bytes::Bytes::from(vec![7; 256 << 10]);
    let source = scratch.outside.join("source");
    std::fs::write(&source, vec![7; size]).unwrap();
    for round in 0..3 {
        let frames = futures::stream::iter(vec![Ok(frame.clone()); size / frame.len()]);
        for (name, content) in
            [("live", Content::live(frames, None)), ("file", Content::from_file(std::fs::File::open(&source).unwrap(), 0, size as u64))]
        {
            let path = format!("/data/{name}-{round}");
            let began = Instant::now();
            directories.write(&call(), &path, 0, &content, WriteMode::default()).await.unwrap();
            println!("1 GiB of {name} content written: {:.2} GB/s", size as f64 / began.elapsed().as_secs_f64() / 1e9);
            directories.remove(&path).unwrap();
        }
        let began = Instant::now();
        let mut native = std::fs::File::create(scratch.host("native")).unwrap();
        for _ in 0..size / frame.len() {
            std::io::Write::write_all(&mut native, &frame).unwrap();
        }
        println!("1 GiB written natively: {:.2} GB/s", size as f64 / began.elapsed().as_secs_f64() / 1e9);
        std::fs::remove_file(scratch.host("native")).unwrap();
    }
}
