//! Durable small writes by 64 callers: grouped by the host, beside one `fsync` each.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use cofferdam::{Condition, Content, StorePath, StreamingStore};
use cofferdam_benches::median;
use futures::future::try_join_all;

use crate::stage::Stage;
use crate::table::Table;

const CALLERS: usize = 64;
const EACH: usize = 8;

pub(crate) async fn measure(stage: &Stage, table: &mut Table) -> Result<()> {
    let directory = stage.scratch.path().join("commits");
    std::fs::create_dir(&directory)?;
    let (mut native, mut alone, mut grouped) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..7 {
        native.push(native_commits(&directory, round)?);
        grouped.push(commits(stage, round, CALLERS).await?);
        alone.push(commits(stage, round + 100, 1).await?);
    }
    table.times("4 KiB put, durable, 64 callers: time a put", Some(median(native)), median(grouped));
    table.times("4 KiB put, durable, 1 caller", None, median(alone));
    Ok(())
}

async fn commits(stage: &Stage, round: usize, callers: usize) -> Result<Duration> {
    let start = Instant::now();
    let caller = |caller: usize| async move {
        for each in 0..EACH {
            let path = StorePath::new(format!("/commits/{round}-{caller}-{each}"))?;
            stage.filesystem.put(&path, Content::from_bytes(vec![7; 4096]), Condition::Unconditional).await?;
        }
        anyhow::Ok(())
    };
    try_join_all((0..callers).map(caller)).await?;
    Ok(start.elapsed() / (callers * EACH) as u32)
}

/// Write, `fsync`, `rename`, `fsync` of the directory, by as many threads.
fn native_commits(directory: &Path, round: usize) -> Result<Duration> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS)
            .map(|caller| {
                scope.spawn(move || -> std::io::Result<()> {
                    for each in 0..EACH {
                        let path = directory.join(format!("{round}-{caller}-{each}"));
                        let temporary = path.with_extension("tmp");
                        let mut file = File::create(&temporary)?;
                        file.write_all(&[7; 4096])?;
                        file.sync_all()?;
                        std::fs::rename(&temporary, &path)?;
                        File::open(directory)?.sync_all()?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| -> anyhow::Result<()> { Ok(thread.join().map_err(|_| anyhow::anyhow!("a thread failed"))??) })
    })?;
    Ok(start.elapsed() / (CALLERS * EACH) as u32)
}
