//! Reading objects and their metadata.

use cofferdam::{ByteRange, ErrorKind, StreamingStore};

use crate::case::{OUTLIVES, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{Given, at, below, bytes_at, refused, write};
use crate::verdict::{Verdict, ensure};

cases! {
    "open.missing", "`open` is `not-found` where nothing is stored, whatever the range, and for a prefix",
        [STREAMING] => missing;
    "open.ranges", "every kind of range gives its bytes; at or past the end it is empty and no error, over the end it is clamped",
        [STREAMING] => ranges;
    "open.info-true", "`open` tells the size, etag and path that `stat` tells, and content is as long as it says",
        [STREAMING] => info_true;
    "open.abandon", "content that is dropped after one byte, 500 times, leaks nothing, and 10,000 opens leave the handles flat",
        [STREAMING] => abandon;
    "open.outlives", "content reads to its end after the pool was emptied",
        [STREAMING, OUTLIVES] => outlives;
    "stat.file", "`stat` tells size and etag of an object, and is `not-found` for a prefix",
        [STREAMING] => file;
    "stat.modified", "`modified` is present and not smaller after an overwrite",
        [STREAMING, WRITABLE] => modified;
    "stat.missing", "`stat` is `not-found` where nothing is stored",
        [STREAMING] => stat_missing;
}

const NOT_FOUND: &[ErrorKind] = &[ErrorKind::NotFound];

/// Every kind of range, at its corners, for an object of 96 bytes or more.
const RANGES: &[ByteRange] = &[
    ByteRange::Whole,
    ByteRange::StartingAt(0),
    ByteRange::StartingAt(32),
    ByteRange::StartingAt(64),
    ByteRange::StartingAt(95),
    ByteRange::StartingAt(96),
    ByteRange::StartingAt(1000),
    ByteRange::StartingAt(u64::MAX),
    ByteRange::Bounded { offset: 0, length: 96 },
    ByteRange::Bounded { offset: 10, length: 20 },
    ByteRange::Bounded { offset: 90, length: 6 },
    ByteRange::Bounded { offset: 90, length: 100 },
    ByteRange::Bounded { offset: 5, length: u64::MAX },
    ByteRange::Bounded { offset: 5, length: 0 },
    ByteRange::Bounded { offset: 96, length: 1 },
    ByteRange::Bounded { offset: u64::MAX, length: u64::MAX },
    ByteRange::Last(0),
    ByteRange::Last(1),
    ByteRange::Last(32),
    ByteRange::Last(96),
    ByteRange::Last(1000),
];

async fn missing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for range in RANGES {
        let path = at("/nothing/here")?;
        refused(mount.open(&path, *range).await, NOT_FOUND, format_args!("`open` of nothing, range {range},"))?;
    }
    if context.claims().writable {
        write(&mount, &at("/prefix/object")?, &context.data(10)).await?;
        refused(mount.open(&at("/prefix")?, ByteRange::Whole).await, NOT_FOUND, "`open` of a prefix")?;
        refused(mount.open(&at("/prefix/object/below")?, ByteRange::Whole).await, NOT_FOUND, "`open` of a path below an object")?;
        refused(mount.open(&at("/prefix/obj")?, ByteRange::Whole).await, NOT_FOUND, "`open` of the beginning of an object's path")?;
    }
    Ok(())
}

async fn ranges(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 96).await?;
    for range in RANGES {
        object.reads(&mount, *range).await?;
    }
    if context.claims().writable {
        let (path, empty) = (at("/empty")?, context.data(0));
        write(&mount, &path, &empty).await?;
        for range in RANGES {
            empty.compare(mount.open(&path, *range).await?.content, 0, 0, "a range of an empty object").await?;
        }
    }
    // Large enough to come in pieces, and not aligned to anything.
    let large = Given::of(context, &mount, (3 << 20) + 17).await?;
    for range in
        [ByteRange::Whole, ByteRange::StartingAt(1 << 20), ByteRange::Bounded { offset: 65_537, length: 1_500_001 }, ByteRange::Last(1_234_567)]
    {
        large.reads(&mount, range).await?;
    }
    Ok(())
}

async fn info_true(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 100_000).await?;
    let stat = mount.stat(object.path()).await?;
    for range in [ByteRange::Whole, ByteRange::Bounded { offset: 10, length: 500 }, ByteRange::Last(77), ByteRange::StartingAt(u64::MAX)] {
        let opened = mount.open(object.path(), range).await?;
        let info = &opened.info;
        ensure!(info.size == object.size(), "`open` says that the object has {} bytes where it has {}", info.size, object.size());
        ensure!(info.etag == stat.etag, "`open` answers the etag {:?} and `stat` {:?}", info.etag, stat.etag);
        ensure!(info.modified == stat.modified, "`open` and `stat` differ in `modified`: {:?} and {:?}", info.modified, stat.modified);
        let (_, length) = range.within(object.size());
        if let Some(size) = opened.content.size() {
            ensure!(size == length, "content of range {range} says that it has {size} bytes where the range has {length}");
        }
        object.compare(opened.content, range, "content against its size").await?;
    }
    Ok(())
}

async fn abandon(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 1 << 20).await?;
    object.reads(&mount, ByteRange::Whole).await?;
    let before = mount.stats();
    for _ in 0..500 {
        let opened = mount.open(object.path(), ByteRange::Whole).await?;
        opened.content.read_at(0, 1).await?;
    }
    for _ in 0..10_000 {
        mount.open(object.path(), ByteRange::Whole).await?;
    }
    object.reads(&mount, ByteRange::Whole).await?;
    let after = mount.stats();
    let allowed = before.handles_live + 8 * after.instances_live as u64;
    ensure!(after.handles_live <= allowed, "after 10,500 opens {} handles are live, where {} were before", after.handles_live, before.handles_live);
    // Twice the memory of every instance, and some: 10,500 leaked anythings are more.
    let most = 2 * before.guest_memory.max(1 << 20) + (4 << 20);
    ensure!(after.guest_memory <= most, "10,500 opens took the driver's memory from {} to {} bytes", before.guest_memory, after.guest_memory);
    Ok(())
}

async fn outlives(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 3 << 20).await?;
    let whole = mount.open(object.path(), ByteRange::Whole).await?;
    let begun = mount.open(object.path(), ByteRange::Last(2 << 20)).await?;
    mount.empty_pool().await;
    object.compare(whole.content, ByteRange::Whole, "after its instance has gone").await?;
    object.compare(begun.content, ByteRange::Last(2 << 20), "after its instance has gone").await
}

async fn file(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let object = Given::of(context, &mount, 12_345).await?;
    let info = mount.stat(object.path()).await?;
    ensure!(info.size == object.size(), "`stat` tells {} bytes where the object has {}", info.size, object.size());
    ensure!(info.etag.is_some(), "`stat` tells no etag, which every object has");
    ensure!(mount.stat(object.path()).await? == info, "two `stat` of one object, unchanged, differ");
    let parent = object.path().as_str().rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty());
    if let Some(parent) = parent {
        below(parent)?;
        refused(mount.stat(&at(parent)?).await, NOT_FOUND, "`stat` of a prefix")?;
    }
    // The metadata is of these bytes.
    ensure!(
        bytes_at(&mount, object.path(), "reading what `stat` told").await?.len() as u64 == info.size,
        "the object has another size than `stat` tells"
    );
    Ok(())
}

async fn modified(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let path = at("/modified")?;
    let mut last = 0;
    for size in [10, 20, 5] {
        write(&mount, &path, &context.data(size)).await?;
        let Some(modified) = mount.stat(&path).await?.modified else {
            return crate::verdict::failed("`stat` of an object that was just written tells no `modified`");
        };
        ensure!(modified >= last, "`modified` went back from {last} to {modified} with an overwrite");
        last = modified;
    }
    // A day either way: a backend's clock is its own, a time of 1970 is nobody's.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map(|time| time.as_nanos() as u64).unwrap_or(last);
    ensure!(now.abs_diff(last) < 86_400_000_000_000, "`modified` is {last} ns since 1970, which is more than a day from now");
    Ok(())
}

async fn stat_missing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    refused(mount.stat(&at("/nothing")?).await, NOT_FOUND, "`stat` of nothing")?;
    refused(mount.stat(&at("/nothing/below/this")?).await, NOT_FOUND, "`stat` of nothing")?;
    if context.claims().writable {
        write(&mount, &at("/something")?, &context.data(10)).await?;
        refused(mount.stat(&at("/something/below")?).await, NOT_FOUND, "`stat` of a path below an object")?;
        refused(mount.stat(&at("/some")?).await, NOT_FOUND, "`stat` of the beginning of an object's path")?;
        refused(mount.stat(&at("/Something")?).await, NOT_FOUND, "`stat` of an object's path in other case")?;
    }
    Ok(())
}
