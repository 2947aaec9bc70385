//! What is left when instances go: everything, for a pooled driver; a plain refusal, for a single one.

use cofferdam::{
    ByteRange, Condition, Content, ErrorKind, Grant, Interface, ListOptions, Mount, MountOptions, Part, StorePath, StreamingStore, WrittenPart,
};

use super::parts::found_of;
use crate::case::{OUTLIVES, POOLED, SINGLE, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, atomic, below, holds, key, lacks, refused, write};
use crate::verdict::{Verdict, ensure, skip};

cases! {
    "run.restart", "every step works again after the pool was emptied between calls: nothing is kept in an instance",
        [WRITABLE, POOLED, OUTLIVES] => restart;
    "run.single", "a `single` driver whose instance has gone is `unavailable`, never silently empty, unless the grant says `restart-empty`",
        [WRITABLE, SINGLE] => single;
}

async fn restart(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    if mount.has(Interface::StreamingStore) {
        objects(context, &mount).await?;
    }
    if mount.has(Interface::Uploads) {
        uploads(context, &mount).await?;
    }
    if mount.has(Interface::AtomicStore) {
        values(&mount).await?;
    }
    mount.empty_pool().await;
    mount.health().await?;
    Ok(())
}

async fn objects(context: &Context, mount: &Mount) -> Verdict {
    let (path, data) = (at("/restart/object")?, context.data(context.fitting_put(100_000)));
    write(mount, &path, &data).await?;
    mount.empty_pool().await;
    let stat = mount.stat(&path).await?;
    mount.empty_pool().await;
    ensure!(mount.stat(&path).await? == stat, "`stat` differs between instances");
    mount.empty_pool().await;
    holds(mount, &path, &data, "read by a fresh instance").await?;
    for index in 0..5 {
        mount.empty_pool().await;
        write(mount, &at(format!("/restart/{index}"))?, &context.data(10)).await?;
    }
    if context.claims().listable {
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            mount.empty_pool().await;
            let page = mount.list(&below("/restart")?, ListOptions { limit: 2, cursor, ..ListOptions::default() }).await?;
            keys.extend(crate::steps::sort_keys(&page.entries));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        ensure!(keys.len() == 6, "a list whose every page came from another instance shows {keys:?} where 6 objects are there");
    }
    let copied = at("/restart/copied")?;
    if mount.has(Interface::Copying) {
        mount.empty_pool().await;
        mount.copy(&path, &copied, Condition::Unconditional).await?;
        holds(mount, &copied, &data, "copied by a fresh instance").await?;
    }
    if mount.has(Interface::Renaming) {
        mount.empty_pool().await;
        mount.rename(&path, &copied, Condition::Unconditional).await?;
        mount.empty_pool().await;
        lacks(mount, &path, "renamed by an instance that has gone").await?;
        mount.rename(&copied, &path, Condition::Unconditional).await?;
    }
    mount.empty_pool().await;
    for removed in mount.remove(std::slice::from_ref(&path)).await? {
        removed?;
    }
    mount.empty_pool().await;
    lacks(mount, &path, "removed by an instance that has gone").await
}

async fn uploads(context: &Context, mount: &Mount) -> Verdict {
    let (path, size) = (at("/restart/upload")?, context.part_size());
    let data = context.data(2 * size);
    mount.empty_pool().await;
    let token = mount.create_upload(&path).await?;
    let mut parts = Vec::new();
    for (number, offset) in [(1, 0), (2, size)] {
        mount.empty_pool().await;
        let part = Part { number, offset, writer: 1 };
        let id = mount.write_part(&token, part, Content::from_bytes(data.piece(offset, size))).await?;
        parts.push(WrittenPart { number, offset, length: size, writer: 1, id });
    }
    mount.empty_pool().await;
    if mount.has(Interface::UploadListing) {
        ensure!(mount.written_parts(&token).await? == found_of(&parts), "`written` differs on a fresh instance");
        mount.empty_pool().await;
    }
    mount.complete_upload(&token, &parts, &path, Condition::Unconditional).await?;
    mount.empty_pool().await;
    holds(mount, &path, &data, "an upload of whose steps each had its own instance").await?;
    let token = mount.create_upload(&path).await?;
    mount.empty_pool().await;
    mount.abort_upload(&token).await?;
    Ok(())
}

async fn values(mount: &Mount) -> Verdict {
    let at = key("restart")?;
    let etag = atomic(mount).put(&at, "1".into(), Condition::Unconditional).await?;
    mount.empty_pool().await;
    let value = atomic(mount).get(&at).await?;
    ensure!((&value.data[..], &value.etag) == (b"1", &etag), "a value or its etag differs on a fresh instance");
    mount.empty_pool().await;
    atomic(mount).put(&at, "2".into(), Condition::IfMatch(etag)).await?;
    mount.empty_pool().await;
    ensure!(atomic(mount).count("restart").await? == 1, "`count` differs on a fresh instance");
    atomic(mount).remove(&at, Condition::Unconditional).await?;
    mount.empty_pool().await;
    refused(atomic(mount).get(&at).await, &[ErrorKind::NotFound], "`get` of what another instance removed")
}

async fn store(context: &Context, mount: &Mount, path: &StorePath) -> Verdict {
    if mount.has(Interface::StreamingStore) {
        write(mount, path, &context.data(100)).await?;
    }
    if mount.has(Interface::AtomicStore) {
        atomic(mount).put(&key("single")?, "1".into(), Condition::Unconditional).await?;
    }
    Ok(())
}

async fn single(context: &Context) -> Verdict {
    const GONE: &[ErrorKind] = &[ErrorKind::Unavailable];
    if !context.claims().volatile {
        return skip("not claimed: volatile; its data outlive its instance");
    }
    let path = at("/single/object")?;
    let mount = context.mount().await?;
    store(context, &mount, &path).await?;
    // As after a trap: the instance, and what it stored, is gone.
    mount.empty_pool().await;
    if mount.has(Interface::StreamingStore) {
        refused(mount.stat(&path).await, GONE, "`stat` after the only instance has gone")?;
        refused(mount.open(&path, ByteRange::Whole).await, GONE, "`open` after the only instance has gone")?;
        refused(mount.put(&path, Content::from_bytes("x"), Condition::Unconditional).await, GONE, "`put` after the only instance has gone")?;
    }
    if mount.has(Interface::AtomicStore) {
        refused(atomic(&mount).get(&key("single")?).await, GONE, "`get` after the only instance has gone")?;
    }
    let grant = Grant { restart_empty: true, ..context.grant().clone() };
    let mount = Mount::open(context.driver(), &grant, MountOptions::default()).await?;
    store(context, &mount, &path).await?;
    mount.empty_pool().await;
    if mount.has(Interface::StreamingStore) {
        lacks(&mount, &path, "with `restart-empty`, after the only instance has gone").await?;
    }
    store(context, &mount, &path).await
}
