//! Small calls: empty, `stat`, `open`, a small read, on a warm instance and on a fresh one.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use anyhow::Result;
use cofferdam::{ByteRange, Condition, Content, StorePath, StreamingStore};
use cofferdam_benches::median;

use crate::stage::Stage;
use crate::table::Table;

/// Calls of one timed round.
const CALLS: u32 = 2_000;
const ROUNDS: usize = 21;

/// Times `$body` as the mean of [`CALLS`] in each of [`ROUNDS`].
macro_rules! round {
    ($times:ident, $body:expr) => {{
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box($body);
        }
        $times.push(start.elapsed() / CALLS);
    }};
}

pub(crate) async fn measure(stage: &Stage, table: &mut Table) -> Result<()> {
    let store = &stage.filesystem;
    let path = StorePath::new("/bench/small")?;
    store.put(&path, Content::from_bytes(vec![7; 4096]), Condition::Unconditional).await?;
    let file = stage.data().join("bench/small");

    let mut empty = Vec::new();
    let (mut stat, mut native_stat) = (Vec::new(), Vec::new());
    let (mut open, mut native_open) = (Vec::new(), Vec::new());
    let (mut read, mut native_read) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        round!(empty, stage.memory.health().await?);
        round!(native_stat, std::fs::metadata(&file)?);
        round!(stat, store.stat(&path).await?);
        round!(native_open, {
            let file = File::open(&file)?;
            (file.metadata()?, file)
        });
        round!(open, store.open(&path, ByteRange::Whole).await?);
        round!(native_read, {
            let file = File::open(&file)?;
            let mut bytes = vec![0; file.metadata()?.len() as usize];
            file.read_exact_at(&mut bytes, 0)?;
            bytes
        });
        round!(read, store.open(&path, ByteRange::Whole).await?.content.bytes(1 << 20).await?);
    }
    table.times("empty call (`health`)", None, median(empty));
    table.times("`stat` of a file", Some(median(native_stat)), median(stat));
    table.times("`open` of a file, content back", Some(median(native_open)), median(open));
    table.times("`open` and read 4 KiB", Some(median(native_read)), median(read));
    table.times("`stat` on a fresh instance (instantiate, describe, configure)", None, fresh(stage).await?);
    Ok(())
}

/// Instantiation, `describe`, `configure` and one call.
async fn fresh(stage: &Stage) -> Result<Duration> {
    let mut times = Vec::new();
    let path = StorePath::new("/bench/small")?;
    for _ in 0..500 {
        stage.filesystem.empty_pool().await;
        let start = Instant::now();
        black_box(stage.filesystem.stat(&path).await?);
        times.push(start.elapsed());
    }
    Ok(median(times))
}
