//! Claims that say what a driver does not do, or only so much.

use cofferdam::{Condition, Content, ErrorKind, Interface, ListOptions, Mount, Prefix, StreamingStore};

use crate::case::{CAPACITY, NOT_LISTABLE, NOT_WRITABLE, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, atomic, holds, key, refused, write, write_if};
use crate::verdict::{Stop, Verdict, ensure, failed, skip};

cases! {
    "claims.writable", "a driver that is not writable refuses everything that would write with `unsupported`",
        [NOT_WRITABLE] => writable;
    "claims.listable", "a driver that is not listable refuses lists with `unsupported`",
        [NOT_LISTABLE] => listable;
    "claims.capacity", "beyond its capacity a store is `quota-exceeded`; what was stored stays readable, and removing makes room",
        [STREAMING, WRITABLE, CAPACITY] => capacity;
}

const UNSUPPORTED: &[ErrorKind] = &[ErrorKind::Unsupported];

async fn writable(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/certify/not-writable")?;
    if mount.has(Interface::StreamingStore) {
        for condition in [Condition::Unconditional, Condition::IfAbsent] {
            refused(mount.put(&path, Content::from_bytes("x"), condition).await, UNSUPPORTED, "`put`")?;
        }
        for result in mount.remove(&[path.clone(), at("/certify/other")?]).await? {
            refused(result, UNSUPPORTED, "`remove`")?;
        }
    }
    // Without the interface the host itself refuses; with it the driver must.
    refused(mount.create_upload(&path).await, UNSUPPORTED, "`create`")?;
    refused(mount.copy(&path, &path, Condition::Unconditional).await, UNSUPPORTED, "`copy`")?;
    refused(mount.rename(&path, &path, Condition::Unconditional).await, UNSUPPORTED, "`rename`")?;
    refused(mount.store(Content::from_bytes("x"), "sha256").await, UNSUPPORTED, "`store`")?;
    refused(atomic(&mount).put(&key("certify")?, "x".into(), Condition::Unconditional).await, UNSUPPORTED, "`put` of a value")?;
    refused(atomic(&mount).remove(&key("certify")?, Condition::Unconditional).await, UNSUPPORTED, "`remove` of a value")
}

async fn listable(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for recursive in [false, true] {
        let answered = mount.list(&Prefix::root(), ListOptions { recursive, ..ListOptions::default() }).await;
        refused(answered, UNSUPPORTED, "`list`")?;
    }
    refused(atomic(&mount).list("", None, 10).await, UNSUPPORTED, "`list` of keys")?;
    refused(atomic(&mount).count("").await, UNSUPPORTED, "`count`")
}

/// Fills the store with objects of `size` until it refuses; answers how many it took.
async fn fill(context: &Context, mount: &Mount, size: u64, most: u64) -> Verdict<u64> {
    for index in 0..=most {
        let data = context.data(size);
        match write_if(mount, &at(format!("/full/{index}"))?, &data, Condition::Unconditional).await? {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::QuotaExceeded => return Ok(index),
            Err(error) => return Err(Stop::Failed(format!("`put` beyond the capacity must be `quota-exceeded`, and was: {error}"))),
        }
    }
    failed(format!("a store with a capacity took {} objects of {size} bytes each, which is more", most + 1))
}

async fn capacity(context: &Context) -> Verdict {
    /// More than this takes too long to fill in the short run.
    const SHORT: u64 = 1 << 30;
    let Some(capacity) = context.claims().capacity else { return Ok(()) };
    if capacity > SHORT && !context.options().long {
        return skip(format!("a capacity of {capacity} bytes is filled in the long run only"));
    }
    let mount = context.mount().await?;
    let (kept, data) = (at("/kept")?, context.data((capacity / 16).min(100_000)));
    write(&mount, &kept, &data).await?;
    let size = context.claims().put_max.map_or(capacity / 8, |max| max.min(capacity / 8)).max(1);
    let stored = fill(context, &mount, size, capacity / size).await?;
    ensure!(stored >= 4, "a store with a capacity of {capacity} bytes took only {stored} objects of {size} bytes");
    holds(&mount, &kept, &data, "in a store that is full").await?;
    let refusal = write_if(&mount, &kept, &context.data(data.size() + size), Condition::Unconditional).await?;
    refused(refusal, &[ErrorKind::QuotaExceeded], "an overwrite with something larger in a store that is full")?;
    holds(&mount, &kept, &data, "after an overwrite that did not fit").await?;
    if mount.has(Interface::Uploads) {
        let token = mount.create_upload(&at("/full/upload")?).await?;
        let part = cofferdam::Part { number: 1, offset: 0, writer: 1 };
        let bytes = context.data(context.claims().part_max.map_or(size, |max| size.min(max)));
        refused(mount.write_part(&token, part, bytes.content().await?).await, &[ErrorKind::QuotaExceeded], "`write-part` in a store that is full")?;
        mount.abort_upload(&token).await?;
    }
    for removed in mount.remove(&[at("/full/0")?, at("/full/1")?]).await? {
        removed?;
    }
    let again = context.data(size);
    write(&mount, &at("/full/again")?, &again).await?;
    holds(&mount, &at("/full/again")?, &again, "in the room that a removal made").await
}
