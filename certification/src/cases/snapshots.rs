//! Content that was opened before a change, and readers that stand still.

use cofferdam::{ByteRange, Content, Interface, Mount, Prefix, READ_MAX, StorePath, StreamingStore};

use crate::case::{STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, atomic, entries_or_none, holds, key, write};
use crate::verdict::{Verdict, failed};

cases! {
    "open.snapshot", "content opened before an overwrite or a removal gives the old bytes to the end, or an error, never a mix",
        [STREAMING, WRITABLE] => snapshot;
    "run.stalled-reader", "a reader that stops holds no instance: every other operation goes on",
        [STREAMING, WRITABLE] => stalled_reader;
}

/// Reads `content` on from `position`; it must be `data` to its end, or end in an error.
async fn old_or_error(content: &Content, data: &Data, mut position: u64, what: &str) -> Verdict {
    while position < data.size() {
        let Ok(bytes) = content.read_at(position, READ_MAX).await else { return Ok(()) };
        if bytes.is_empty() {
            return failed(format!("{what}: content ended at byte {position} of {} without an error", data.size()));
        }
        if bytes != data.piece(position, bytes.len() as u64) {
            return failed(format!("{what}: from byte {position} on, content that was opened before has other bytes"));
        }
        position += bytes.len() as u64;
    }
    Ok(())
}

async fn snapshot(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/snapshot/object")?;
    // The longer one must fit too.
    let size = context.fitting_put(6 << 20) / 3 * 2;
    for change in ["a longer overwrite", "a shorter overwrite", "an overwrite of the same size", "a removal"] {
        let old = context.data(size);
        write(&mount, &path, &old).await?;
        let (begun, unread) = (mount.open(&path, ByteRange::Whole).await?.content, mount.open(&path, ByteRange::Whole).await?.content);
        let start = begun.read_at(0, 64 << 10).await?.len() as u64;
        match change {
            "a longer overwrite" => drop(write(&mount, &path, &context.data(size + size / 2)).await?),
            "a shorter overwrite" => drop(write(&mount, &path, &context.data(1000)).await?),
            "an overwrite of the same size" => drop(write(&mount, &path, &context.data(size)).await?),
            _ => {
                for removed in mount.remove(std::slice::from_ref(&path)).await? {
                    removed?;
                }
            }
        }
        old_or_error(&begun, &old, start, &format!("half read before {change}")).await?;
        old_or_error(&unread, &old, 0, &format!("opened before {change}")).await?;
    }
    Ok(())
}

async fn stalled_reader(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (path, data) = (at("/stalled/object")?, context.data(context.fitting_put(2 << 20)));
    write(&mount, &path, &data).await?;
    // More readers than there may be calls at once.
    let readers = context.grant().limits.calls_in_flight as usize + 4;
    let mut stalled = Vec::new();
    for _ in 0..readers {
        let content = mount.open(&path, ByteRange::Whole).await?.content;
        let read = content.read_at(0, 1000).await?.len() as u64;
        stalled.push((content, read));
    }
    let limit = std::time::Duration::from_secs(20);
    match tokio::time::timeout(limit, every_operation(context, &mount, &path, &data)).await {
        Ok(verdict) => verdict?,
        Err(_) => return failed(format!("while {readers} readers stood still, the other operations were not done after {limit:?}")),
    }
    tokio::time::sleep(context.options().stall).await;
    for (content, position) in &stalled {
        let mut position = *position;
        while position < data.size() {
            let bytes = content.read_at(position, READ_MAX).await?;
            if bytes.is_empty() || bytes != data.piece(position, bytes.len() as u64) {
                return failed(format!("a reader that stood still got other bytes afterwards, from byte {position} on"));
            }
            position += bytes.len() as u64;
        }
    }
    Ok(())
}

async fn every_operation(context: &Context, mount: &Mount, path: &StorePath, data: &Data) -> Verdict {
    mount.stat(path).await?;
    holds(mount, path, data, "beside readers that stand still").await?;
    let (other, small) = (at("/stalled/other")?, context.data(100));
    write(mount, &other, &small).await?;
    if context.claims().listable {
        entries_or_none(mount, &Prefix::root(), true).await?;
    }
    mount.remove(&[other]).await?;
    if mount.has(Interface::Uploads) {
        let token = mount.create_upload(&at("/stalled/upload")?).await?;
        mount.abort_upload(&token).await?;
    }
    if mount.has(Interface::AtomicStore) {
        atomic(mount).put(&key("stalled")?, "x".into(), cofferdam::Condition::Unconditional).await?;
        atomic(mount).get(&key("stalled")?).await?;
    }
    mount.health().await?;
    Ok(())
}
