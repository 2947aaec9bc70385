//! Content that a driver makes as it is read.

use cofferdam::{ByteRange, READ_MAX, StreamingStore};

use crate::case::{GENERATOR, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{Given, at, write};
use crate::verdict::{Verdict, ensure, failed};

cases! {
    "generator.range", "ranges of generated content are answered, by several readers of one instance at once",
        [STREAMING, GENERATOR] => range;
    "generator.size", "generated content delivers exactly the bytes that it announces, for every size of object and of reading",
        [STREAMING, WRITABLE, GENERATOR] => size;
    "generator.breaks", "a generator that cannot go on says so: its reader gets an error, never an early end",
        [STREAMING, WRITABLE, GENERATOR] => breaks;
    "generator.closed", "`close` comes when a reader is done or goes away, and releases what it held",
        [STREAMING, WRITABLE, GENERATOR] => closed;
}

async fn range(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 500_000).await?;
    let ranges = [
        ByteRange::Whole,
        ByteRange::StartingAt(499_990),
        ByteRange::Bounded { offset: 100_001, length: 77_777 },
        ByteRange::Last(123),
        ByteRange::StartingAt(u64::MAX),
    ];
    for range in ranges {
        object.reads(&mount, range).await?;
    }
    // In turns: each generator keeps its own place.
    let mut readers = Vec::new();
    for range in ranges {
        let content = mount.open(object.path(), range).await?.content;
        let (_, length) = range.within(object.size());
        readers.push((content, range, length, 0));
    }
    loop {
        let mut unfinished = false;
        for (content, range, length, position) in &mut readers {
            let bytes = content.read_at(*position, 9_999).await?;
            let (offset, _) = range.within(object.size());
            if !bytes.is_empty() {
                let piece = ByteRange::Bounded { offset: offset + *position, length: bytes.len() as u64 };
                *position += bytes.len() as u64;
                object.compare(cofferdam::Content::from_bytes(bytes), piece, "readers in turns").await?;
                unfinished = true;
            } else if position != length {
                return failed(format!("of readers in turns, the one of range {range} ended at {position} of {length} bytes"));
            }
        }
        if !unfinished {
            return Ok(());
        }
    }
}

async fn size(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let frame = READ_MAX as u64;
    for size in [0, 1, 4095, 65_536, frame - 1, frame, frame + 1, 2 * frame + 12_345] {
        let (path, data) = (at("/generated")?, context.data(context.fitting_put(size)));
        write(&mount, &path, &data).await?;
        for max in [READ_MAX, 10_007] {
            let opened = mount.open(&path, ByteRange::Whole).await?;
            let mut position = 0;
            loop {
                let bytes = opened.content.read_at(position, max).await?;
                if bytes.is_empty() {
                    break;
                }
                ensure!(bytes.len() <= max, "{} bytes were generated where at most {max} were asked for", bytes.len());
                ensure!(bytes == data.piece(position, bytes.len() as u64), "from byte {position} of {size} on, other bytes were generated");
                position += bytes.len() as u64;
            }
            ensure!(position == data.size(), "{position} bytes were generated where the object has {}", data.size());
        }
    }
    Ok(())
}

async fn breaks(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (path, data) = (at("/breaks")?, context.data(context.fitting_put(3 << 20)));
    for change in ["removed", "replaced", "unreachable"] {
        write(&mount, &path, &data).await?;
        let content = mount.open(&path, ByteRange::Whole).await?.content;
        let mut position = content.read_at(0, 1000).await?.len() as u64;
        match change {
            "removed" => drop(mount.remove(std::slice::from_ref(&path)).await?),
            "replaced" => drop(write(&mount, &path, &context.data(10)).await?),
            _ => mount.set_backends_reachable(false),
        }
        while position < data.size() {
            match content.read_at(position, READ_MAX).await {
                // It could not go on, and said so.
                Err(error) => {
                    crate::steps::typed(&error, format_args!("a generator whose object was {change}"))?;
                    break;
                }
                Ok(bytes) if bytes.is_empty() => {
                    return failed(format!("a generator whose object was {change} ended at byte {position} of {} without an error", data.size()));
                }
                Ok(bytes) => {
                    ensure!(
                        bytes == data.piece(position, bytes.len() as u64),
                        "a generator whose object was {change} gave other bytes from {position} on"
                    );
                    position += bytes.len() as u64;
                }
            }
        }
        mount.set_backends_reachable(true);
    }
    Ok(())
}

async fn closed(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/closed")?;
    let size = context.fitting_put(1 << 20);
    let mut before = 0;
    // Each version is held by one reader alone: without `close`, all of them stay.
    let rounds = 64;
    for round in 0..rounds + 8 {
        let data = context.data(size);
        write(&mount, &path, &data).await?;
        let content = mount.open(&path, ByteRange::Whole).await?.content;
        content.read_at(0, 1).await?;
        if round % 2 == 0 {
            data.compare(mount.open(&path, ByteRange::Whole).await?.content, 0, size, "a reader that goes on to the end").await?;
        }
        if round == 8 {
            before = mount.stats().guest_memory;
        }
    }
    write(&mount, &path, &context.data(10)).await?;
    let grown = mount.stats().guest_memory.saturating_sub(before);
    let most = rounds * size / 4;
    ensure!(
        grown <= most,
        "{rounds} readers of {size} bytes have gone, and the driver's memory has grown by {grown} bytes: `close` does not release them"
    );
    mount.health().await?;
    Ok(())
}
