//! Writing whole objects: what went in comes back, atomically, durably, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use cofferdam::{Condition, Content, ErrorKind, Interface, Mount, StorePath, StreamingStore};
use futures::StreamExt;

use crate::case::{OUTLIVES, PUT_MAX, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, atomic, bytes_at, etag, holds, key, lacks, refused, typed, write, write_if};
use crate::verdict::{Verdict, ensure, failed};
use crate::worker::Order;

cases! {
    "put.round-trip", "objects of 0 B, 1 B, bytes that are no UTF-8, 32 B, 1 MiB and of sizes around the smallest part come back as they went in",
        [STREAMING, WRITABLE] => round_trip;
    "put.overwrite", "a shorter object replaces a longer one whole, and its etag is another",
        [STREAMING, WRITABLE] => overwrite;
    "put.atomic", "readers during 200 overwrites see all of the old or all of the new bytes",
        [STREAMING, WRITABLE] => whole_or_old;
    "put.durable", "what was answered survives kill -9 of the host at once afterwards",
        [STREAMING, WRITABLE, OUTLIVES] => durable;
    "put.content-fails", "if the content breaks mid-way, `put` fails and the old object is whole",
        [STREAMING, WRITABLE] => content_fails;
    "put.size-mismatch", "content that turns out shorter or longer than its size is `invalid-argument`, and the old object is whole",
        [STREAMING, WRITABLE] => size_mismatch;
    "put.max", "an object of `put-max` bytes is taken, and one byte more is `invalid-argument`",
        [STREAMING, WRITABLE, PUT_MAX] => max;
    "put.beside-prefix", "of an object `/a` and objects below `/a/` both are kept, or the second is refused with `invalid-argument`; neither is lost",
        [STREAMING, WRITABLE] => beside_prefix;
}

async fn round_trip(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let part = context.claims().part_min.unwrap_or(5 << 20);
    for size in [0, 1, 32, 1 << 20, part - 1, part, part + 1] {
        let (path, data) = (at(format!("/sizes/{size}"))?, context.data(context.fitting_put(size)));
        let info = write(&mount, &path, &data).await?;
        ensure!(info.size == data.size(), "`put` of {} bytes answers a size of {}", data.size(), info.size);
        holds(&mount, &path, &data, "a round trip").await?;
        mount.remove(&[path]).await?;
    }
    let path = at("/bytes")?;
    let odd = Bytes::from_static(b"\xff\xfe\x00\xc3\x28\r\n\x1a");
    mount.put(&path, Content::from_bytes(odd.clone()), Condition::Unconditional).await?;
    ensure!(bytes_at(&mount, &path, "bytes that are no text").await? == odd, "bytes that are no UTF-8 came back changed");
    Ok(())
}

async fn overwrite(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/over/written")?;
    let (long, short) = (context.data(4096), context.data(2048));
    write(&mount, &path, &long).await?;
    let before = etag(&mount, &path).await?;
    let answered = write(&mount, &path, &short).await?;
    holds(&mount, &path, &short, "after 2,048 bytes replaced 4,096").await?;
    let after = etag(&mount, &path).await?;
    ensure!(before != after, "the etag is {} before and after the bytes changed", after.0);
    ensure!(answered.etag.as_ref() == Some(&after), "`put` answered the etag {:?} and `stat` {}", answered.etag, after.0);
    // Of the same size too: nothing but the bytes tells them apart.
    write(&mount, &path, &context.data(2048)).await?;
    ensure!(etag(&mount, &path).await? != after, "the etag stays {} when bytes of the same length replace others", after.0);
    Ok(())
}

async fn whole_or_old(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/atomic/object")?;
    let versions = [context.data(context.fitting_put(64 << 10)), context.data(context.fitting_put(96 << 10))];
    write(&mount, &path, &versions[0]).await?;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        readers.spawn(watch(mount.clone(), path.clone(), versions, done.clone()));
    }
    let mut written = Ok(());
    for round in 1..=200 {
        written = write(&mount, &path, &versions[round % 2]).await.map(drop);
        if written.is_err() || done.load(Ordering::Relaxed) {
            break;
        }
    }
    done.store(true, Ordering::Relaxed);
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    written
}

/// Reads until told to stop. Each reading must be one of `versions`.
async fn watch(mount: Mount, path: StorePath, versions: [Data; 2], done: Arc<AtomicBool>) -> Verdict {
    let whole = versions.map(|data| data.bytes());
    loop {
        let last = done.load(Ordering::Relaxed);
        // Reading may never have to wait, and must not keep the writer from its thread.
        tokio::task::yield_now().await;
        let found = bytes_at(&mount, &path, "reading during overwrites").await;
        let verdict = match found {
            Ok(found) if whole.contains(&found) => Ok(()),
            Ok(found) => failed(format!("a reader saw {} bytes that are neither the old object nor the new one", found.len())),
            Err(stop) => Err(stop),
        };
        if verdict.is_err() || last {
            done.store(true, Ordering::Relaxed);
            return verdict;
        }
    }
}

async fn durable(context: &Context) -> Verdict {
    let path = at("/durable/object")?;
    for size in [0, 100, 300_000] {
        let data = context.data(context.fitting_put(size));
        let mut worker = context.worker().await?;
        worker.tell(Order::Put { path: path.to_string(), data }).await?;
        worker.kill()?;
        let mount = context.mount().await?;
        holds(&mount, &path, &data, "after the host that stored it was killed").await?;
        if mount.has(Interface::AtomicStore) {
            let value = context.data(size.min(5000));
            let mut worker = context.worker().await?;
            worker.tell(Order::PutValue { key: "durable".to_owned(), data: value }).await?;
            worker.kill()?;
            let found = atomic(&mount).get(&key("durable")?).await?;
            ensure!(found.data == value.bytes(), "a value is another after the host that stored it was killed");
        }
    }
    Ok(())
}

async fn content_fails(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (old, new) = (context.data(context.fitting_put(300_000)), context.data(context.fitting_put(900_000)));
    let (kept, never) = (at("/fails/kept")?, at("/fails/never")?);
    write(&mount, &kept, &old).await?;
    for path in [&kept, &never] {
        // Past the host's spool: the driver itself meets the broken content.
        match mount.unchecked().put(path.as_str(), new.breaking(), Condition::Unconditional).await {
            Ok(size) => return failed(format!("`put` of content that broke off half-way succeeded, with {size} bytes")),
            Err(error) => typed(&error, "`put` of content that broke off half-way")?,
        }
    }
    holds(&mount, &kept, &old, "after a `put` whose content broke off").await?;
    lacks(&mount, &never, "after a `put` whose content broke off").await
}

async fn size_mismatch(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (old, new) = (context.data(context.fitting_put(3000)), context.data(context.fitting_put(400_000)));
    let (kept, never) = (at("/mismatch/kept")?, at("/mismatch/never")?);
    write(&mount, &kept, &old).await?;
    for (announced, word) in [(new.size() + 1000, "shorter"), (new.size() - 1000, "longer")] {
        for path in [&kept, &never] {
            let content = Content::live(new.stream().boxed(), Some(announced));
            let answered = mount.unchecked().put(path.as_str(), content, Condition::Unconditional).await;
            refused(answered, &[ErrorKind::InvalidArgument], format_args!("`put` of content that is {word} than its size"))?;
        }
    }
    holds(&mount, &kept, &old, "after a `put` of the wrong size").await?;
    lacks(&mount, &never, "after a `put` of the wrong size").await
}

async fn max(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let Some(max) = context.claims().put_max else { return Ok(()) };
    let path = at("/largest")?;
    let over = write_if(&mount, &path, &context.data(max + 1), Condition::Unconditional).await?;
    refused(over, &[ErrorKind::InvalidArgument], format_args!("`put` of one byte over `put-max`"))?;
    lacks(&mount, &path, "after a `put` over `put-max`").await?;
    if context.claims().capacity.is_some_and(|capacity| capacity < max) {
        context.note("left out: an object of `put-max` bytes, which is over the capacity");
        return Ok(());
    }
    let data = context.data(max);
    write(&mount, &path, &data).await?;
    holds(&mount, &path, &data, "an object of `put-max` bytes").await
}

async fn beside_prefix(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for (first, second) in [("/x", "/x/below"), ("/y/below", "/y")] {
        let (one, other) = (context.data(100), context.data(200));
        write(&mount, &at(first)?, &one).await?;
        match write_if(&mount, &at(second)?, &other, Condition::Unconditional).await? {
            Ok(_) => holds(&mount, &at(second)?, &other, "an object beside a prefix of its name").await?,
            refusal => refused(refusal, &[ErrorKind::InvalidArgument], format_args!("`put` at {second} beside {first}, if it is refused,"))?,
        }
        holds(&mount, &at(first)?, &one, &format!("after a `put` at {second}")).await?;
    }
    Ok(())
}
