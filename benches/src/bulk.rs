//! One GiB read and written through each kind of content.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use cofferdam::{ByteRange, Condition, Content, Mount, Part, StorePath, StreamingStore, WrittenPart};
use cofferdam_benches::large::{FRAME, GIB, drain, frame, native_write, put_file};
use cofferdam_benches::median;
use futures::stream;

use crate::stage::Stage;
use crate::table::Table;

const ROUNDS: usize = 5;

pub(crate) async fn measure(stage: &Stage, table: &mut Table) -> Result<()> {
    let source = stage.scratch.path().join("source");
    let frame = frame();
    native_write(&source, &frame)?;
    let path = StorePath::new("/bench/large")?;
    put_file(&stage.filesystem, &path, &source).await?;

    let (mut native, mut file) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        native.push(timed(|| native_read(&source))?);
        let start = Instant::now();
        drain(stage.filesystem.open(&path, ByteRange::Whole).await?.content).await?;
        file.push(start.elapsed());
    }
    let native = median(native);
    table.rates("1 GiB read: file content", GIB, native, median(file));
    generated(stage, table, &frame, native).await?;
    writes(stage, table, &source, &frame).await
}

/// What the memory driver makes piece by piece, beside copying the same out of memory.
async fn generated(stage: &Stage, table: &mut Table, frame: &Bytes, native: Duration) -> Result<()> {
    const SIZE: u64 = GIB / 2;
    let path = StorePath::new("/bench/large")?;
    let part = stream::iter((0..SIZE as usize / FRAME).map(|_| Ok(frame.clone())).collect::<Vec<_>>());
    stage.memory.put(&path, Content::live(part, Some(SIZE)), Condition::Unconditional).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        drain(stage.memory.open(&path, ByteRange::Whole).await?.content).await?;
        times.push(start.elapsed() * 2);
    }
    stage.memory.remove(std::slice::from_ref(&path)).await?;
    table.rates("1 GiB read: generated content (memory driver)", GIB, native, median(times));
    Ok(())
}

async fn writes(stage: &Stage, table: &mut Table, source: &Path, frame: &Bytes) -> Result<()> {
    let store = &stage.filesystem;
    let target = stage.scratch.path().join("native");
    let path = StorePath::new("/bench/written")?;
    let whole: Bytes = std::fs::read(source)?.into();
    let (mut native, mut bytes, mut file, mut spooled, mut live) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        native.push(timed(|| native_write(&target, frame))?);
        let start = Instant::now();
        store.put(&path, Content::from_bytes(whole.clone()), Condition::Unconditional).await?;
        bytes.push(start.elapsed());
        let start = Instant::now();
        put_file(store, &path, source).await?;
        file.push(start.elapsed());
        let start = Instant::now();
        store.put(&path, frames(frame), Condition::Unconditional).await?;
        spooled.push(start.elapsed());
        let start = Instant::now();
        upload(store, &path, frame).await?;
        live.push(start.elapsed());
    }
    let native = median(native);
    for (work, times) in [
        ("1 GiB written, durable: bytes in memory", bytes),
        ("1 GiB written, durable: file content", file),
        ("1 GiB written, durable: a stream, spooled for `put`", spooled),
        ("1 GiB written, durable: live content, as one part", live),
    ] {
        table.rates(work, GIB, native, median(times));
    }
    Ok(())
}

fn frames(frame: &Bytes) -> Content {
    Content::live(stream::iter((0..GIB as usize / FRAME).map(|_| Ok(frame.clone())).collect::<Vec<_>>()), Some(GIB))
}

async fn upload(store: &Mount, path: &StorePath, frame: &Bytes) -> Result<()> {
    let token = store.create_upload(path).await?;
    let part = Part { number: 1, offset: 0, writer: 1 };
    let id = store.write_part(&token, part, frames(frame)).await?;
    let written = WrittenPart { number: 1, offset: 0, length: GIB, writer: 1, id };
    store.complete_upload(&token, &[written], path, Condition::Unconditional).await?;
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn native_read(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    let mut buffer = vec![0; FRAME];
    let mut offset = 0;
    while offset < GIB {
        offset += file.read_at(&mut buffer, offset)? as u64;
        black_box(&buffer);
    }
    Ok(())
}
