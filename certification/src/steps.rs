//! What many cases do: store and compare, expect a refusal, list to the end, read what is there already.

use std::fmt::Display;

use cofferdam::{
    AtomicKey, ByteRange, Condition, EntryKind, ErrorKind, Etag, ListOptions, Mount, ObjectInfo, Opened, Prefix, Result, StorePath, StreamingStore,
};

use crate::context::Context;
use crate::data::Data;
use crate::verdict::{Stop, Verdict, ensure, failed, skip};

/// More than any object that a case reads into memory.
const WHOLE: u64 = 256 << 20;

/// The path of an object.
pub(crate) fn at(path: impl AsRef<str>) -> Verdict<StorePath> {
    Ok(StorePath::new(path)?)
}

/// The key of a value.
pub(crate) fn key(key: impl AsRef<str>) -> Verdict<AtomicKey> {
    Ok(AtomicKey::new(key)?)
}

/// What a list looks below.
pub(crate) fn below(prefix: impl AsRef<str>) -> Verdict<Prefix> {
    Ok(Prefix::new(prefix)?)
}

/// The values of `mount`, where its objects are meant otherwise: both stores have a `put`.
pub(crate) fn atomic(mount: &Mount) -> &dyn cofferdam::AtomicStore {
    mount
}

/// Stores `data` at `path`.
pub(crate) async fn write(mount: &Mount, path: &StorePath, data: &Data) -> Verdict<ObjectInfo> {
    write_if(mount, path, data, Condition::Unconditional).await?.map_err(Into::into)
}

/// Tries to store `data` at `path`.
pub(crate) async fn write_if(mount: &Mount, path: &StorePath, data: &Data, condition: Condition) -> Verdict<Result<ObjectInfo>> {
    Ok(mount.put(path, data.content().await?, condition).await)
}

/// Whether the object at `path` is exactly `data`.
pub(crate) async fn holds(mount: &Mount, path: &StorePath, data: &Data, what: &str) -> Verdict {
    let opened = read(mount, path, what).await?;
    ensure!(opened.info.size == data.size(), "{what}: {path} says that it has {} bytes where {} were stored", opened.info.size, data.size());
    data.compare(opened.content, 0, data.size(), &format!("{what}: {path}")).await
}

/// Opens the whole object.
pub(crate) async fn read(mount: &Mount, path: &StorePath, what: &str) -> Verdict<Opened> {
    mount.open(path, ByteRange::Whole).await.map_err(|error| Stop::Failed(format!("{what}: {error}")))
}

/// The bytes of the whole object, in memory.
pub(crate) async fn bytes_at(mount: &Mount, path: &StorePath, what: &str) -> Verdict<bytes::Bytes> {
    read(mount, path, what).await?.content.bytes(WHOLE).await.map_err(|error| Stop::Failed(format!("{what}: reading broke off: {error}")))
}

/// Whether nothing is at `path`: for `stat`, `open` and the list of its parent.
pub(crate) async fn lacks(mount: &Mount, path: &StorePath, what: &str) -> Verdict {
    refused(mount.stat(path).await, &[ErrorKind::NotFound], format_args!("{what}: `stat` of {path}, which must not be there,"))?;
    refused(mount.open(path, ByteRange::Whole).await, &[ErrorKind::NotFound], format_args!("{what}: `open` of {path}, which must not be there,"))?;
    if mount.claims().listable {
        let parent = path.as_str().rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
        let entries = entries_or_none(mount, &below(parent)?, false).await?;
        ensure!(
            !entries.iter().any(|entry| entry.path == *path && entry.kind == EntryKind::Object),
            "{what}: {path} must not be there, and the list of {parent} shows it"
        );
    }
    Ok(())
}

/// The etag of the object at `path`.
pub(crate) async fn etag(mount: &Mount, path: &StorePath) -> Verdict<Etag> {
    match mount.stat(path).await?.etag {
        Some(etag) => Ok(etag),
        None => failed(format!("`stat` of {path} answers no etag, which every object has")),
    }
}

/// Whether `result` is an error of one of `kinds`.
pub(crate) fn refused<T>(result: Result<T>, kinds: &[ErrorKind], what: impl Display) -> Verdict {
    let names = || kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ");
    match result {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => failed(format!("{what} must be refused with {}, and was with `{}`: {error}", names(), error.kind())),
        Ok(_) => failed(format!("{what} must be refused with {}, and succeeded", names())),
    }
}

/// Whether `error` is one that a driver may choose.
pub(crate) fn typed(error: &cofferdam::Error, what: impl Display) -> Verdict {
    let wrong = matches!(error.kind(), ErrorKind::Trapped | ErrorKind::DeadlineExceeded | ErrorKind::Misbehaved | ErrorKind::Internal);
    ensure!(!wrong, "{what} must fail with a kind that says why, and failed with `{}`: {error}", error.kind());
    Ok(())
}

/// All entries below `prefix`, page by page.
pub(crate) async fn entries(mount: &Mount, prefix: &Prefix, options: ListOptions) -> Verdict<Vec<ObjectInfo>> {
    Ok(try_entries(mount, prefix, options).await?)
}

/// As [`entries`], where a prefix that does not exist has none.
pub(crate) async fn entries_or_none(mount: &Mount, prefix: &Prefix, recursive: bool) -> Verdict<Vec<ObjectInfo>> {
    match try_entries(mount, prefix, ListOptions { recursive, ..ListOptions::default() }).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        result => Ok(result?),
    }
}

async fn try_entries(mount: &Mount, prefix: &Prefix, mut options: ListOptions) -> Result<Vec<ObjectInfo>> {
    let mut entries = Vec::new();
    loop {
        let page = mount.list(prefix, options.clone()).await?;
        entries.extend(page.entries);
        let Some(next) = page.next else { return Ok(entries) };
        options.start_after = None;
        options.cursor = Some(next);
    }
}

/// The sort keys of `entries`.
pub(crate) fn sort_keys(entries: &[ObjectInfo]) -> Vec<String> {
    entries.iter().map(ObjectInfo::sort_key).collect()
}

/// Stores a small object at each of `paths`, many at a time.
pub(crate) async fn write_many(context: &Context, mount: &Mount, paths: impl IntoIterator<Item = String>) -> Verdict {
    let mut tasks = tokio::task::JoinSet::new();
    for path in paths {
        if tasks.len() >= 32
            && let Some(done) = tasks.join_next().await
        {
            done??;
        }
        let (mount, data) = (mount.clone(), context.data(5));
        tasks.spawn(async move { write(&mount, &at(path)?, &data).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// An object that is there: one of the case's own of about `size` bytes or, where nothing can be written, a file that the
/// backend holds already.
pub(crate) enum Given {
    /// Made by the case.
    Own(StorePath, Data),
    /// There before.
    Filled(StorePath, bytes::Bytes),
}

impl Given {
    /// Stores it, or finds it.
    pub(crate) async fn of(context: &Context, mount: &Mount, size: u64) -> Verdict<Self> {
        if context.claims().writable {
            let (path, data) = (at("/given/object")?, context.data(context.fitting_put(size)));
            write(mount, &path, &data).await?;
            return Ok(Self::Own(path, data));
        }
        // The largest that is no larger than what was asked for, so that memory stays bounded.
        let fits = context.filled().iter().filter(|file| file.size <= size.max(1 << 20)).max_by_key(|file| file.size);
        match fits {
            Some(file) => Ok(Self::Filled(file.path.clone(), std::fs::read(&file.file)?.into())),
            None => skip("not claimed: writable, and no file was given that it is filled with"),
        }
    }

    pub(crate) fn path(&self) -> &StorePath {
        match self {
            Self::Own(path, _) | Self::Filled(path, _) => path,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Own(_, data) => data.size(),
            Self::Filled(_, bytes) => bytes.len() as u64,
        }
    }

    /// Whether `range` of the object reads as it must, through `mount`.
    pub(crate) async fn reads(&self, mount: &Mount, range: ByteRange) -> Verdict {
        let what = format!("range {range} of {} bytes", self.size());
        let opened = mount.open(self.path(), range).await.map_err(|error| Stop::Failed(format!("{what}: {error}")))?;
        self.compare(opened.content, range, &what).await
    }

    /// Whether `content` is what `range` of the object has.
    pub(crate) async fn compare(&self, content: cofferdam::Content, range: ByteRange, what: &str) -> Verdict {
        let (offset, length) = range.within(self.size());
        match self {
            Self::Own(_, data) => data.compare(content, offset, length, what).await,
            Self::Filled(_, bytes) => {
                let found = content.bytes(WHOLE).await?;
                ensure!(found == bytes.slice(offset as usize..(offset + length) as usize), "{what}: other bytes than the file has");
                Ok(())
            }
        }
    }
}
