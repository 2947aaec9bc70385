//! Thousands of calls of each operation, after which nothing has grown.

use std::pin::Pin;
use std::time::Duration;

use cofferdam::{ByteRange, Condition, Content, ErrorKind, Interface, ListOptions, Mount, Part, PresignedAccess, StreamingStore, WrittenPart};

use crate::case::{WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, atomic, below, key};
use crate::verdict::{Stop, Verdict, ensure};

cases! {
    "run.leak", "10,000 calls of each operation (200 of writing ones in the short run) leave handles, memory and descriptors flat",
        [WRITABLE] => leak;
}

/// What must not grow.
#[derive(Clone, Copy, Debug)]
struct Held {
    handles: u64,
    memory: u64,
    descriptors: Option<usize>,
}

impl Held {
    fn by(mount: &Mount) -> Self {
        let stats = mount.stats();
        // Where the system lists them.
        let descriptors = std::fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
        Self { handles: stats.handles_live, memory: stats.guest_memory, descriptors }
    }

    /// Whether `self`, after `calls` calls, is about what `before` was.
    fn is_flat(self, before: Self, operation: &str, calls: usize) -> Verdict {
        let more = (calls as u64 / 10).max(32);
        ensure!(
            self.handles < before.handles + more,
            "{calls} calls of {operation} took the live handles from {} to {}",
            before.handles,
            self.handles
        );
        // An allocator may fill a page or three more; 64 bytes a call is a leak.
        // Right after an instance was recycled there may be none: a fresh one is no leak.
        let least = before.memory.max(1 << 20);
        let memory = least + least / 2 + (4 << 16) + 64 * calls as u64;
        ensure!(self.memory <= memory, "{calls} calls of {operation} took the driver's memory from {} to {} bytes", before.memory, self.memory);
        if let (Some(now), Some(then)) = (self.descriptors, before.descriptors) {
            ensure!((now as u64) < then as u64 + more.max(64), "{calls} calls of {operation} took the host's descriptors from {then} to {now}");
        }
        Ok(())
    }
}

type Call<'a> = Pin<Box<dyn Future<Output = cofferdam::Result<()>> + Send + 'a>>;

/// Calls `operation` often, and looks at what is held after the first tenth and at the end.
async fn often<'a>(mount: &'a Mount, name: &str, calls: usize, operation: impl Fn(usize) -> Call<'a>) -> Verdict {
    let run = async |from: usize, to: usize| {
        for index in from..to {
            operation(index).await.map_err(|error| Stop::Failed(format!("call {index} of {name} failed: {error}")))?;
        }
        Verdict::Ok(())
    };
    run(0, calls / 10).await?;
    if mount.stats().instances_live == 0 {
        // The last one was worn and has gone: nothing holds nothing.
        run(0, 1).await?;
    }
    let before = Held::by(mount);
    run(calls / 10, calls).await?;
    Held::by(mount).is_flat(before, name, calls)
}

async fn leak(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (reads, writes) = (10_000, context.count(200, 10_000));
    if mount.has(Interface::StreamingStore) {
        objects(&mount, reads, writes, context.claims().listable).await?;
    }
    if mount.has(Interface::Uploads) {
        uploads(&mount, writes, context.part_size()).await?;
    }
    if mount.has(Interface::AtomicStore) {
        values(&mount, reads, writes).await?;
    }
    often(&mount, "health", reads, |_| Box::pin(mount.health())).await
}

async fn objects(mount: &Mount, reads: usize, writes: usize, listable: bool) -> Verdict {
    let (path, missing, other) = (&at("/leak/object")?, &at("/leak/missing")?, &at("/leak/other")?);
    let put = |_| -> Call<'_> { Box::pin(async { mount.put(path, Content::from_bytes("leak"), Condition::Unconditional).await.map(drop) }) };
    often(mount, "put", writes, put).await?;
    often(mount, "stat", reads, |_| Box::pin(async { mount.stat(path).await.map(drop) })).await?;
    often(mount, "open", reads, |_| Box::pin(async { mount.open(path, ByteRange::Whole).await?.content.bytes(10).await.map(drop) })).await?;
    let open = |_| -> Call<'_> {
        Box::pin(async {
            match mount.open(missing, ByteRange::Whole).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                other => other.map(drop),
            }
        })
    };
    often(mount, "open of nothing", reads, open).await?;
    if listable {
        let prefix = &below("/leak")?;
        often(mount, "list", reads, |_| Box::pin(async { mount.list(prefix, ListOptions::default()).await.map(drop) })).await?;
    }
    if mount.has(Interface::Copying) {
        often(mount, "copy", writes, |_| Box::pin(async { mount.copy(path, other, Condition::Unconditional).await.map(drop) })).await?;
    }
    if mount.has(Interface::Renaming) {
        let rename = |index: usize| -> Call<'_> {
            let (from, to) = if index.is_multiple_of(2) { (path, other) } else { (other, path) };
            Box::pin(async move { mount.rename(from, to, Condition::Unconditional).await.map(drop) })
        };
        often(mount, "rename", writes, rename).await?;
    }
    if mount.has(Interface::ContentStore) {
        often(mount, "store", writes, |_| Box::pin(async { mount.store(Content::from_bytes("leak"), "sha256").await.map(drop) })).await?;
    }
    if mount.has(Interface::Presigning) {
        let presign = |_| -> Call<'_> {
            Box::pin(async {
                match mount.presign(path, PresignedAccess::Read, Duration::from_secs(60)).await {
                    // With settings under which there are no such URLs.
                    Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
                    answered => answered.map(drop),
                }
            })
        };
        often(mount, "presign", reads, presign).await?;
    }
    let remove = |_| -> Call<'_> {
        Box::pin(async { mount.remove(std::slice::from_ref(missing)).await?.into_iter().collect::<cofferdam::Result<Vec<()>>>().map(drop) })
    };
    often(mount, "remove", reads, remove).await
}

async fn uploads(mount: &Mount, writes: usize, size: u64) -> Verdict {
    let path = &at("/leak/upload")?;
    let bytes = bytes::Bytes::from(vec![7; size as usize]);
    let bytes = &bytes;
    let whole = |_| -> Call<'_> {
        Box::pin(async move {
            let token = mount.create_upload(path).await?;
            let id = mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, bytes.clone().into()).await?;
            let parts = [WrittenPart { number: 1, offset: 0, length: size, writer: 1, id }];
            mount.complete_upload(&token, &parts, path, Condition::Unconditional).await.map(drop)
        })
    };
    often(mount, "create, write-part and complete", writes / 2, whole).await?;
    let given_up = |_| -> Call<'_> {
        Box::pin(async move {
            let token = mount.create_upload(path).await?;
            mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, bytes.clone().into()).await?;
            mount.abort_upload(&token).await
        })
    };
    often(mount, "create, write-part and abort", writes / 2, given_up).await?;
    if mount.has(Interface::UploadListing) {
        often(mount, "find", writes, |_| Box::pin(async { mount.find_uploads(None, 10).await.map(drop) })).await?;
    }
    Ok(())
}

async fn values(mount: &Mount, reads: usize, writes: usize) -> Verdict {
    let at = &key("leak")?;
    let put = |_| -> Call<'_> { Box::pin(async { atomic(mount).put(at, "leak".into(), Condition::Unconditional).await.map(drop) }) };
    often(mount, "atomic put", writes, put).await?;
    often(mount, "get", reads, |_| Box::pin(async { atomic(mount).get(at).await.map(drop) })).await?;
    if mount.claims().listable {
        often(mount, "atomic list", reads, |_| Box::pin(async { atomic(mount).list("", None, 10).await.map(drop) })).await?;
        often(mount, "count", reads, |_| Box::pin(async { atomic(mount).count("").await.map(drop) })).await?;
    }
    let missing = &key("missing")?;
    often(mount, "atomic remove", reads, |_| Box::pin(atomic(mount).remove(missing, Condition::Unconditional))).await
}
