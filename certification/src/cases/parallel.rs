//! Many readers, and many writers, at once.

use std::time::{Duration, Instant};

use cofferdam::{ByteRange, Condition, Interface, Mount, Part, StorePath, StreamingStore, WrittenPart};
use tokio::task::JoinSet;

use crate::case::{STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{Given, at, holds, write};
use crate::verdict::{Verdict, ensure};

cases! {
    "run.parallel-reads", "10 readers at random offsets of one large object each get their suffix",
        [STREAMING] => reads;
    "run.parallel-writes", "32 uploads at once all come back whole, and none starves",
        [STREAMING, WRITABLE] => writes;
}

async fn reads(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = std::sync::Arc::new(Given::of(context, &mount, 128 << 20).await?);
    // Offsets anywhere, the same in every run.
    let offsets = context.data(80).bytes();
    let mut readers = JoinSet::new();
    for reader in 0..10 {
        let random = offsets[reader * 8..reader * 8 + 8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (mount, object, offset) = (mount.clone(), object.clone(), random % object.size().max(1));
        readers.spawn(async move { object.reads(&mount, ByteRange::StartingAt(offset)).await });
    }
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    Ok(())
}

async fn writes(context: &Context) -> Verdict {
    const WRITERS: u64 = 32;
    let mount = context.mount().await?;
    let wanted = context.count(8 << 20, 32 << 20) as u64;
    let size = wanted.min(context.fitting_put(WRITERS * wanted) / WRITERS);
    let mut writers = JoinSet::new();
    for index in 0..WRITERS {
        let (mount, path, data, part) = (mount.clone(), at(format!("/parallel/{index}"))?, context.data(size), context.part_size());
        writers.spawn(async move {
            let started = Instant::now();
            one(&mount, &path, &data, part.max(size / 3)).await?;
            Verdict::Ok((path, data, started.elapsed()))
        });
    }
    let (mut written, mut times) = (Vec::new(), Vec::new());
    while let Some(done) = writers.join_next().await {
        let (path, data, took) = done??;
        written.push((path, data));
        times.push(took);
    }
    for (path, data) in &written {
        holds(&mount, path, data, "one of 32 uploads at once").await?;
    }
    times.sort();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    ensure!(slowest <= 6 * median + Duration::from_secs(2), "of 32 uploads at once half were done after {median:?}, and the last after {slowest:?}");
    Ok(())
}

/// Stores `data` by an upload, or by `put` where there are none.
async fn one(mount: &Mount, path: &StorePath, data: &Data, part: u64) -> Verdict {
    if !mount.has(Interface::Uploads) {
        write(mount, path, data).await?;
        return Ok(());
    }
    let token = mount.create_upload(path).await?;
    let mut parts = Vec::new();
    let part = mount.claims().part_max.map_or(part, |max| part.min(max));
    for (index, offset) in (0..data.size()).step_by(part as usize).enumerate() {
        let (number, bytes) = (index as u32 + 1, data.piece(offset, part));
        let length = bytes.len() as u64;
        let id = mount.write_part(&token, Part { number, offset, writer: 1 }, bytes.into()).await?;
        parts.push(WrittenPart { number, offset, length, writer: 1, id });
    }
    mount.complete_upload(&token, &parts, path, Condition::Unconditional).await?;
    Ok(())
}
