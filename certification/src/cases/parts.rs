//! Uploads that go well: parts of every allowed size and order become one object.

use cofferdam::{
    Condition, Content, ErrorKind, Etag, FoundPart, Mount, ObjectInfo, Part, Result, StorePath, StreamingStore, UploadToken, WrittenPart,
};
use futures::StreamExt;

use crate::case::{Case, LIVE_CONTENT, PART_COUNT_MAX, STREAMING, UPLOADS, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, holds, lacks, refused, write};
use crate::verdict::{Verdict, ensure, failed};

cases! {
    "upload.three-parts", "the object is the parts joined; before `complete` nothing shows of it, and an older object stays readable",
        [STREAMING, WRITABLE, UPLOADS] => three_parts;
    "upload.empty", "`complete` with no parts makes an empty object",
        [STREAMING, WRITABLE, UPLOADS] => empty;
    "upload.part-sizes", "parts of the smallest, uniform and largest size complete, the last one short; a forbidden size is `invalid-argument` and nothing shows",
        [STREAMING, WRITABLE, UPLOADS] => part_sizes;
    "upload.part-count", "`part-count-max` parts complete, up to 1,000 of them",
        [STREAMING, WRITABLE, UPLOADS, PART_COUNT_MAX] => part_count;
    "upload.live-content", "a part of unknown size is written as it arrives; what arrived by its end is the part",
        [STREAMING, WRITABLE, UPLOADS, LIVE_CONTENT] => live_content;
    "upload.out-of-order", "parts written 3, 1, 2, and in parallel, complete in number order where that is claimed, and are `unsupported` where not",
        [STREAMING, WRITABLE, UPLOADS] => out_of_order;
    "upload.late-destination", "`complete` at another path than `create` had works where that is claimed, and is `unsupported` where not",
        [STREAMING, WRITABLE, UPLOADS] => late_destination;
    "upload.condition", "`complete` honours `if-absent` where that is claimed, with one winner of 8; a condition that is not claimed is `unsupported`",
        [STREAMING, WRITABLE, UPLOADS] => condition;
}

/// The cases of the long run.
pub(crate) const LONG: &[Case] = &[Case {
    id: "upload.large",
    rule: "5 GiB go through an upload with flat memory of host and driver, and come back with the same digest",
    claims: &[STREAMING, WRITABLE, UPLOADS],
    long: true,
    run: |context| Box::pin(large(context)),
}];

/// An upload under way, and the bytes that it is to have: pieces of one `Data`.
pub(super) struct Upload<'a> {
    pub(super) mount: &'a Mount,
    pub(super) path: StorePath,
    pub(super) token: UploadToken,
    pub(super) data: Data,
}

/// What `written` is to answer of `parts`.
pub(super) fn found_of(parts: &[WrittenPart]) -> Vec<FoundPart> {
    parts.iter().map(|part| FoundPart { number: part.number, length: part.length, id: part.id.clone() }).collect()
}

impl<'a> Upload<'a> {
    /// Begins one of `size` bytes.
    pub(super) async fn begin(context: &Context, mount: &'a Mount, path: &str, size: u64) -> Verdict<Self> {
        let path = at(path)?;
        let token = mount.create_upload(&path).await?;
        Ok(Self { mount, path, token, data: context.data(size) })
    }

    /// Writes the `length` bytes from `offset` as part `number` of the first writer.
    pub(super) async fn part(&self, number: u32, offset: u64, length: u64) -> Verdict<WrittenPart> {
        Ok(self.try_part(number, offset, length).await?)
    }

    pub(super) async fn try_part(&self, number: u32, offset: u64, length: u64) -> Result<WrittenPart> {
        let (part, bytes) = (Part { number, offset, writer: 1 }, self.data.piece(offset, length));
        let length = bytes.len() as u64;
        let id = self.mount.write_part(&self.token, part, Content::from_bytes(bytes)).await?;
        Ok(WrittenPart { number, offset, length, writer: 1, id })
    }

    /// Writes everything in parts of `size`, in order.
    pub(super) async fn all_parts(&self, size: u64) -> Verdict<Vec<WrittenPart>> {
        let mut parts = Vec::new();
        for (index, offset) in (0..self.data.size()).step_by(size as usize).enumerate() {
            parts.push(self.part(index as u32 + 1, offset, size).await?);
        }
        Ok(parts)
    }

    pub(super) async fn complete(&self, parts: &[WrittenPart]) -> Result<ObjectInfo> {
        self.mount.complete_upload(&self.token, parts, &self.path, Condition::Unconditional).await
    }

    /// Completes it; the object must then be what was written.
    pub(super) async fn completes(&self, parts: &[WrittenPart], what: &str) -> Verdict<ObjectInfo> {
        let info = self.complete(parts).await?;
        ensure!(info.size == self.data.size(), "{what}: `complete` answers {} bytes where {} were written", info.size, self.data.size());
        holds(self.mount, &self.path, &self.data, what).await?;
        Ok(info)
    }
}

async fn three_parts(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let old = context.data(777);
    write(&mount, &at("/three/old")?, &old).await?;
    for (path, had) in [("/three/new", None), ("/three/old", Some(&old))] {
        let upload = Upload::begin(context, &mount, path, 2 * size + 1000).await?;
        let mut parts = Vec::new();
        for (number, offset) in [(1, 0), (2, size), (3, 2 * size)] {
            parts.push(upload.part(number, offset, size).await?);
            match had {
                None => lacks(&mount, &upload.path, "before `complete`").await?,
                Some(old) => holds(&mount, &upload.path, old, "the older object before `complete`").await?,
            }
        }
        upload.completes(&parts, "three parts").await?;
    }
    Ok(())
}

async fn empty(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let upload = Upload::begin(context, &mount, "/empty/upload", 0).await?;
    upload.completes(&[], "an upload without parts").await.map(drop)
}

async fn part_sizes(context: &Context) -> Verdict {
    const WRONG: &[ErrorKind] = &[ErrorKind::InvalidArgument];
    let mount = context.mount().await?;
    let claims = context.claims();
    let smallest = claims.part_min.unwrap_or(1);
    let upload = Upload::begin(context, &mount, "/sizes/smallest", 3 * smallest + 1).await?;
    let parts = upload.all_parts(smallest).await?;
    upload.completes(&parts, "parts of the smallest size").await?;
    if !claims.part_uniform {
        let upload = Upload::begin(context, &mount, "/sizes/odd", 6 * smallest + 1200).await?;
        let cuts = [0, smallest + 7, 3 * smallest + 500, 6 * smallest + 1200];
        let mut parts = Vec::new();
        for (number, cut) in cuts.windows(2).enumerate() {
            parts.push(upload.part(number as u32 + 1, cut[0], cut[1] - cut[0]).await?);
        }
        upload.completes(&parts, "parts of odd sizes").await?;
    }
    if let Some(largest) = claims.part_max {
        if context.fitting(2 * largest + 1) < 2 * largest + 1 || largest > 256 << 20 {
            context.note("left out: parts of the largest size, which are over an eighth of the capacity or 256 MiB");
        } else {
            let upload = Upload::begin(context, &mount, "/sizes/largest", largest + 1).await?;
            refused(upload.try_part(1, 0, largest + 1).await, WRONG, "`write-part` of one byte over `part-max`")?;
            lacks(&mount, &upload.path, "after a part that is too large").await?;
            let parts = [upload.part(2, 0, largest).await?, upload.part(3, largest, 1).await?];
            upload.completes(&parts, "a part of the largest size").await?;
        }
    }
    if smallest > 1 {
        let upload = Upload::begin(context, &mount, "/sizes/too-small", 2 * smallest).await?;
        match upload.try_part(1, 0, smallest - 1).await {
            Err(error) => refused(Err::<(), _>(error), WRONG, "`write-part` below `part-min`")?,
            Ok(small) => {
                let parts = [small, upload.part(2, smallest - 1, smallest).await?];
                refused(upload.complete(&parts).await, WRONG, "`complete` with a part below `part-min` that is not the last")?;
            }
        }
        lacks(&mount, &upload.path, "after a part that is too small").await?;
    }
    if claims.part_uniform {
        let upload = Upload::begin(context, &mount, "/sizes/uneven", 4 * smallest).await?;
        let parts = [
            upload.try_part(1, 0, smallest).await,
            upload.try_part(2, smallest, smallest + 1).await,
            upload.try_part(3, 2 * smallest + 1, smallest).await,
        ];
        match parts.into_iter().collect::<Result<Vec<_>>>() {
            Err(error) => refused(Err::<(), _>(error), WRONG, "`write-part` of another size than the first")?,
            Ok(parts) => refused(upload.complete(&parts).await, WRONG, "`complete` with parts of several sizes")?,
        }
        lacks(&mount, &upload.path, "after parts of several sizes").await?;
    }
    Ok(())
}

async fn part_count(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let smallest = context.claims().part_min.unwrap_or(1);
    let most = u64::from(context.claims().part_count_max.unwrap_or(1)).min(1000);
    let count = most.min(context.fitting(1 << 30) / smallest).max(1);
    if count < most {
        context.note(format!("{count} parts instead of {most}: more would take over an eighth of the capacity, or 1 GiB"));
    }
    let upload = Upload::begin(context, &mount, "/count", count * smallest).await?;
    let parts = upload.all_parts(smallest).await?;
    upload.completes(&parts, &format!("{count} parts")).await.map(drop)
}

async fn live_content(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.fitting(700_000);
    let upload = Upload::begin(context, &mount, "/live", 2 * size).await?;
    let mut parts = Vec::new();
    for (number, offset) in [(1, 0), (2, size)] {
        let frames: Vec<_> =
            (offset..offset + size).step_by(50_000).map(|from| Ok(upload.data.piece(from, 50_000.min(offset + size - from)))).collect();
        let content = Content::live(futures::stream::iter(frames).boxed(), None);
        let id = mount.write_part(&upload.token, Part { number, offset, writer: 1 }, content).await?;
        parts.push(WrittenPart { number, offset, length: size, writer: 1, id });
    }
    upload.completes(&parts, "parts of unknown size").await?;
    // Content that ends before its announced size is still a broken part, not a short one.
    let upload = Upload::begin(context, &mount, "/live-short", size).await?;
    let content = Content::live(futures::stream::iter([Ok(upload.data.piece(0, size / 2))]).boxed(), Some(size));
    let part = Part { number: 1, offset: 0, writer: 1 };
    refused(mount.write_part(&upload.token, part, content).await, &[ErrorKind::InvalidArgument], "`write-part` of live content shorter than its size")
}

async fn out_of_order(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let upload = Upload::begin(context, &mount, "/order/mixed", 2 * size + 99).await?;
    if context.claims().out_of_order_parts {
        let (third, first) = (upload.part(3, 2 * size, size).await?, upload.part(1, 0, size).await?);
        let parts = [first, upload.part(2, size, size).await?, third];
        upload.completes(&parts, "parts written 3, 1, 2").await?;
    } else {
        refused(upload.try_part(3, 2 * size, size).await, &[ErrorKind::Unsupported], "`write-part` out of order, which is not claimed,")?;
        let parts = [upload.part(1, 0, size).await?, upload.part(2, size, size).await?, upload.part(4, 2 * size, size).await?];
        upload.completes(&parts, "in order, after a part out of order was refused").await?;
    }
    if context.claims().parallel_parts {
        let upload = Upload::begin(context, &mount, "/order/parallel", 8 * size).await?;
        let parts = futures::future::join_all((0..8).map(|index| upload.try_part(index as u32 + 1, index * size, size))).await;
        let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
        upload.completes(&parts, "parts written in parallel").await?;
    }
    Ok(())
}

async fn late_destination(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let upload = Upload::begin(context, &mount, "/late/begun", size).await?;
    let parts = upload.all_parts(size).await?;
    let elsewhere = at("/elsewhere/completed")?;
    let answered = mount.complete_upload(&upload.token, &parts, &elsewhere, Condition::Unconditional).await;
    if context.claims().late_destination {
        answered?;
        holds(&mount, &elsewhere, &upload.data, "completed at another path").await?;
        return lacks(&mount, &upload.path, "completed at another path").await;
    }
    refused(answered, &[ErrorKind::Unsupported], "`complete` at another path, which is not claimed,")?;
    lacks(&mount, &elsewhere, "after a late destination that is not claimed").await?;
    lacks(&mount, &upload.path, "after a late destination that is not claimed").await
}

async fn condition(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let size = context.part_size();
    let (path, old) = (at("/condition/old")?, context.data(300));
    write(&mount, &path, &old).await?;
    let upload = Upload::begin(context, &mount, "/condition/old", size).await?;
    let parts = upload.all_parts(size).await?;
    let etag = crate::steps::etag(&mount, &path).await?;
    for condition in [Condition::IfMatch(etag), Condition::IfMatch(Etag("stale".to_owned()))] {
        let answered = mount.complete_upload(&upload.token, &parts, &path, condition).await;
        refused(answered, &[ErrorKind::Unsupported], "`complete` with `if-match`, which no driver claims,")?;
    }
    let kind = if context.claims().complete_if_absent { ErrorKind::AlreadyExists } else { ErrorKind::Unsupported };
    let answered = mount.complete_upload(&upload.token, &parts, &path, Condition::IfAbsent).await;
    refused(answered, &[kind], "`complete` with `if-absent` over an object")?;
    holds(&mount, &path, &old, "after a `complete` whose condition was refused").await?;
    upload.completes(&parts, "the same upload without a condition").await?;
    if context.claims().complete_if_absent {
        race(context, &mount, size).await?;
    }
    Ok(())
}

/// Eight uploads to one path complete at once with `if-absent`: one wins.
async fn race(context: &Context, mount: &Mount, size: u64) -> Verdict {
    let mut uploads = Vec::new();
    for _ in 0..8 {
        let upload = Upload::begin(context, mount, "/condition/race", size).await?;
        let parts = upload.all_parts(size).await?;
        uploads.push((upload, parts));
    }
    let completed = uploads.iter().map(|(upload, parts)| mount.complete_upload(&upload.token, parts, &upload.path, Condition::IfAbsent));
    let mut winner = None;
    for (result, (upload, _)) in futures::future::join_all(completed).await.into_iter().zip(&uploads) {
        match result {
            Ok(_) if winner.is_none() => winner = Some(upload),
            Ok(_) => return failed("two uploads completed at one path with `if-absent`"),
            lost => refused(lost, &[ErrorKind::AlreadyExists], "a concurrent `complete` that lost")?,
        }
    }
    match winner {
        Some(upload) => holds(mount, &upload.path, &upload.data, "the upload that won").await,
        None => failed("of 8 concurrent `complete` with `if-absent` at a free path, none succeeded"),
    }
}

/// The memory of this process, in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

async fn large(context: &Context) -> Verdict {
    /// What may come on top while 5 GiB pass: a few parts, never a fraction of the whole.
    const GROWTH: u64 = 192 << 20;
    let mount = context.mount().await?;
    let part = context.part_size().max(32 << 20);
    let upload = Upload::begin(context, &mount, "/large", context.fitting(5 << 30)).await?;
    let (before, guest) = (resident(), mount.stats().guest_memory);
    let mut parts = Vec::new();
    for (index, offset) in (0..upload.data.size()).step_by(part as usize).enumerate() {
        parts.push(upload.part(index as u32 + 1, offset, part).await?);
        if let (Some(before), Some(now)) = (before, resident()) {
            ensure!(now < before + GROWTH, "after {offset} bytes the host's memory has grown from {before} to {now} bytes");
        }
        let now = mount.stats().guest_memory;
        ensure!(now < guest + GROWTH, "after {offset} bytes the driver's memory has grown from {guest} to {now} bytes");
    }
    upload.completes(&parts, "a large upload").await.map(drop)
}
