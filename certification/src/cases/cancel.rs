//! Calls whose callers go away half-way.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use cofferdam::{ByteRange, Condition, Content, ErrorKind, Interface, ListOptions, Mount, Part, Prefix, Result, StreamingStore};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};

use super::parts::Upload;
use crate::case::{STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, atomic, bytes_at, holds, key, lacks, write};
use crate::verdict::{Stop, Verdict, ensure};

cases! {
    "run.cancel", "after any operation was cancelled half-way the next call works, and nothing partial shows",
        [STREAMING, WRITABLE] => cancel;
}

/// Lets `call` run for `time`, then drops it.
async fn dropped_after<T>(time: Duration, call: impl Future<Output = T>) {
    let _ = tokio::time::timeout(time, call).await;
}

/// Content of which only the first half comes, until its sender is dropped; what is dropped first is the call.
fn half(data: &Data) -> (mpsc::Sender<Result<Bytes>>, Content, Bytes) {
    let (sender, receiver) = mpsc::channel(0);
    (sender, Content::live(receiver.boxed(), Some(data.size())), data.piece(0, data.size() / 2))
}

async fn cancel(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (path, old) = (at("/cancel/object")?, context.data(context.fitting_put(500_000)));
    write(&mount, &path, &old).await?;
    half_a_put(context, &mount, &old).await?;
    for micros in [0, 20, 100, 500, 2000, 10_000] {
        let time = Duration::from_micros(micros);
        quickly(context, &mount, &old, time).await?;
        if mount.has(Interface::Uploads) {
            upload_steps(context, &mount, time).await?;
        }
        if mount.has(Interface::AtomicStore) {
            values(&mount, time).await?;
        }
    }
    let after = context.data(1000);
    write(&mount, &path, &after).await?;
    holds(&mount, &path, &after, "after everything was cancelled").await
}

/// A `put` that waits for the second half of its content when its caller goes away.
async fn half_a_put(context: &Context, mount: &Mount, old: &Data) -> Verdict {
    let (kept, never) = (at("/cancel/object")?, at("/cancel/never")?);
    let new = context.data(old.size() + 1000);
    for path in [&kept, &never] {
        let (mut sender, content, first) = half(&new);
        let call = mount.unchecked();
        let call = call.put(path.as_str(), content, Condition::Unconditional);
        let feed = async {
            for piece in [first.slice(..first.len() / 2), first.slice(first.len() / 2..)] {
                if sender.send(Ok(piece)).await.is_err() {
                    break;
                }
            }
            // Its second piece was taken, so the call is in the midst of it: now it is dropped.
        };
        let mut call = Box::pin(call);
        tokio::select! {
            () = feed => {}
            result = &mut call => return Err(Stop::Failed(format!("`put` answered {result:?} before its content had ended"))),
            () = tokio::time::sleep(Duration::from_secs(20)) => return Err(Stop::Failed("`put` did not read its content".to_owned())),
        }
        drop(call);
        drop(sender);
        lacks(mount, &never, "after a `put` was cancelled half-way").await?;
        holds(mount, &kept, old, "after a `put` over it was cancelled half-way").await?;
    }
    Ok(())
}

/// Everything that is one call, cancelled after `time`: old or new afterwards, never something between.
async fn quickly(context: &Context, mount: &Mount, old: &Data, time: Duration) -> Verdict {
    let (path, copied) = (at("/cancel/object")?, at("/cancel/copied")?);
    dropped_after(time, mount.stat(&path)).await;
    dropped_after(time, mount.open(&path, ByteRange::Whole)).await;
    if context.claims().listable {
        dropped_after(time, mount.list(&Prefix::root(), ListOptions { recursive: true, ..ListOptions::default() })).await;
    }
    dropped_after(time, mount.health()).await;
    holds(mount, &path, old, "after reading calls were cancelled").await?;
    let new = context.data(old.size() / 2);
    let (before, after) = (old.bytes(), new.bytes());
    dropped_after(time, mount.put(&path, new.content().await?, Condition::Unconditional)).await;
    let found = bytes_at(mount, &path, "after a `put` was cancelled").await?;
    ensure!(
        found == before || found == after,
        "after a `put` was cancelled there are {} bytes that are neither the old object nor the new one",
        found.len()
    );
    dropped_after(time, mount.remove(std::slice::from_ref(&path))).await;
    write(mount, &path, old).await?;
    if mount.has(Interface::Copying) {
        dropped_after(time, mount.copy(&path, &copied, Condition::Unconditional)).await;
        if let Ok(opened) = mount.open(&copied, ByteRange::Whole).await {
            old.compare(opened.content, 0, old.size(), "the destination of a copy that was cancelled").await?;
        }
    }
    if mount.has(Interface::Renaming) {
        dropped_after(time, mount.rename(&path, &copied, Condition::Unconditional)).await;
        let there = mount.stat(&path).await.is_ok() || mount.stat(&copied).await.is_ok();
        ensure!(there, "after a `rename` was cancelled the object is neither at its source nor at its destination");
    }
    write(mount, &path, old).await?;
    holds(mount, &path, old, "after writing calls were cancelled").await
}

async fn upload_steps(context: &Context, mount: &Mount, time: Duration) -> Verdict {
    let size = context.part_size();
    dropped_after(time, mount.create_upload(&at("/cancel/upload")?)).await;
    let upload = Upload::begin(context, mount, "/cancel/upload", 2 * size).await?;
    let first = upload.part(1, 0, size).await?;
    let other = context.data(size);
    dropped_after(time, mount.write_part(&upload.token, Part { number: 2, offset: size, writer: 1 }, other.content().await?)).await;
    let parts = [first, upload.part(3, size, size).await?];
    dropped_after(time, upload.complete(&parts)).await;
    match mount.open(&upload.path, ByteRange::Whole).await {
        Ok(opened) => upload.data.compare(opened.content, 0, upload.data.size(), "after `complete` was cancelled").await?,
        Err(error) => {
            ensure!(error.kind() == ErrorKind::NotFound, "`open` after `complete` was cancelled: {error}");
            // What was cancelled may have come to its end meanwhile: then the upload is over, and the object there.
            if let Err(error) = upload.complete(&parts).await {
                ensure!(error.kind() == ErrorKind::UploadExpired, "`complete` after a first try was cancelled: {error}");
            }
            holds(mount, &upload.path, &upload.data, "completed after a first try was cancelled").await?;
        }
    }
    for removed in mount.remove(std::slice::from_ref(&upload.path)).await? {
        removed?;
    }
    let upload = Upload::begin(context, mount, "/cancel/upload", size).await?;
    dropped_after(time, mount.abort_upload(&upload.token)).await;
    mount.abort_upload(&upload.token).await?;
    Ok(())
}

async fn values(mount: &Mount, time: Duration) -> Verdict {
    let at = key("cancel")?;
    atomic(mount).put(&at, "old".into(), Condition::Unconditional).await?;
    dropped_after(time, atomic(mount).get(&at)).await;
    dropped_after(time, atomic(mount).put(&at, "new".into(), Condition::Unconditional)).await;
    let found = atomic(mount).get(&at).await?.data;
    ensure!(found == "old" || found == "new", "after a `put` of a value was cancelled it is {found:?}");
    dropped_after(time, atomic(mount).remove(&at, Condition::Unconditional)).await;
    atomic(mount).put(&at, "again".into(), Condition::Unconditional).await?;
    ensure!(atomic(mount).get(&at).await?.data == "again", "a value is another than was put after a call was cancelled");
    Ok(())
}
