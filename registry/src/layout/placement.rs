//! Where the bytes of a blob are: at the path of its digest, or wherever the index says.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, Committed, Destination};
use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Condition, Content, Error, ErrorKind, ListOptions, ObjectInfo, Opened, Prefix, PresignedAccess, PresignedUrl,
    Result, StorePath, StreamingStore,
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::Layout;

/// How often a record that others change meanwhile is tried again. Each try that fails is another's that succeeded.
const TRIES: usize = 16;

/// Below this is the index.
const BELOW: &str = "blobs/";

/// The bytes of all blobs of a store.
pub(crate) struct Placement {
    layout: Layout,
    blobs: Arc<dyn StreamingStore>,
    atomic: Arc<dyn AtomicStore>,
    /// What the index says, in the layout that has one. An entry whose object is gone is dropped when that is noticed.
    known: Cache<BlobDigest, StorePath>,
}

/// A record of the index.
#[derive(Serialize, Deserialize)]
struct Indexed {
    path: String,
    size: u64,
}

/// Where a blob is.
struct Place {
    path: StorePath,
    /// Whether that was not read just now.
    remembered: bool,
}

fn index_key(digest: &BlobDigest) -> Result<AtomicKey> {
    AtomicKey::new(format!("{BELOW}{}/{}", digest.algorithm(), digest.hex()))
}

fn indexed_path(key: &AtomicKey, data: &[u8]) -> Result<StorePath> {
    let damaged = || Error::new(ErrorKind::Corrupted, "the index's record of a blob cannot be read").at_path(key.as_str());
    let record: Indexed = serde_json::from_slice(data).map_err(|error| damaged().with_source(error))?;
    StorePath::new(&record.path).map_err(|error| damaged().with_source(error))
}

/// `None` for `not-found`.
fn present<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Placement {
    pub(crate) fn new(layout: Layout, blobs: Arc<dyn StreamingStore>, atomic: Arc<dyn AtomicStore>, capacity: usize) -> Self {
        let capacity = if layout == Layout::Indexed { capacity } else { 1 };
        Self { layout, blobs, atomic, known: Cache::new(capacity) }
    }

    /// The size of the blob, if it is there. One call of the driver once its place is known.
    pub(crate) async fn stat(&self, digest: &BlobDigest) -> Result<Option<u64>> {
        Ok(self.find(digest).await?.map(|info| info.size))
    }

    /// The object that is the blob.
    async fn find(&self, digest: &BlobDigest) -> Result<Option<ObjectInfo>> {
        let mut place = self.place(digest).await?;
        while let Some(tried) = place {
            if let Some(info) = present(self.blobs.stat(&tried.path).await)? {
                return Ok(Some(info));
            }
            place = self.other_place(digest, &tried).await?;
        }
        Ok(None)
    }

    /// The size of the blob, if it is there, and a URL at which anybody has it for so long, or why there is none.
    pub(crate) async fn presign(&self, digest: &BlobDigest, valid_for: Duration) -> Result<Option<(u64, Result<PresignedUrl>)>> {
        let Some(info) = self.find(digest).await? else { return Ok(None) };
        let url = self.blobs.presign(&info.path, PresignedAccess::Read, valid_for).await;
        Ok(Some((info.size, url)))
    }

    /// Opens the blob. One call of the driver once its place is known.
    pub(crate) async fn open(&self, digest: &BlobDigest, range: ByteRange) -> Result<Option<Opened>> {
        let mut place = self.place(digest).await?;
        while let Some(tried) = place {
            if let Some(opened) = present(self.blobs.open(&tried.path, range).await)? {
                return Ok(Some(opened));
            }
            place = self.other_place(digest, &tried).await?;
        }
        Ok(None)
    }

    /// All bytes of a blob that may have at most `limit`.
    pub(crate) async fn read(&self, digest: &BlobDigest, limit: u64) -> Result<Option<Bytes>> {
        match self.open(digest, ByteRange::Whole).await? {
            Some(opened) => opened.content.bytes(limit).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where the blob is, if it is anywhere.
    async fn place(&self, digest: &BlobDigest) -> Result<Option<Place>> {
        if self.layout == Layout::RegistryV2 {
            return Ok(Some(Place { path: self.layout.blob(digest)?, remembered: false }));
        }
        if let Some(path) = self.known.get(digest) {
            return Ok(Some(Place { path, remembered: true }));
        }
        let path = self.look_up(digest).await?;
        Ok(path.map(|path| {
            self.known.insert(digest.clone(), path.clone());
            Place { path, remembered: false }
        }))
    }

    /// Where else the blob may be that was not at `tried`: what was remembered of it may be old.
    async fn other_place(&self, digest: &BlobDigest, tried: &Place) -> Result<Option<Place>> {
        self.known.remove(digest);
        if tried.remembered { self.place(digest).await } else { Ok(None) }
    }

    /// Where the index says that the blob is.
    async fn look_up(&self, digest: &BlobDigest) -> Result<Option<StorePath>> {
        let key = index_key(digest)?;
        present(self.atomic.get(&key).await)?.map(|value| indexed_path(&key, &value.data)).transpose()
    }

    /// Where the upload of this blob is to put it.
    pub(crate) fn destination(&self, digest: &BlobDigest) -> Result<Destination> {
        match self.layout {
            Layout::RegistryV2 => self.layout.blob(digest).map(Destination::At),
            Layout::Indexed => Ok(Destination::InPlace),
        }
    }

    /// Makes an object that an upload has put there findable as the blob. If another upload of the same bytes was first, that one's object
    /// stays and this one's is removed.
    pub(crate) async fn adopt(&self, digest: &BlobDigest, committed: &Committed) -> Result<()> {
        match self.layout {
            Layout::RegistryV2 => Ok(()),
            Layout::Indexed => self.index(digest, &committed.path, committed.size).await,
        }
    }

    /// Stores a small blob.
    pub(crate) async fn put(&self, digest: &BlobDigest, bytes: Bytes) -> Result<()> {
        let (path, size) = (self.layout.blob(digest)?, bytes.len() as u64);
        self.blobs.put(&path, Content::from_bytes(bytes), Condition::Unconditional).await?;
        match self.layout {
            Layout::RegistryV2 => Ok(()),
            Layout::Indexed => self.index(digest, &path, size).await,
        }
    }

    async fn index(&self, digest: &BlobDigest, path: &StorePath, size: u64) -> Result<()> {
        let key = index_key(digest)?;
        let record = serde_json::to_vec(&Indexed { path: path.to_string(), size })
            .map_err(|error| Error::new(ErrorKind::Internal, "the index's record cannot be written").with_source(error))?;
        let record = Bytes::from(record);
        for _ in 0..TRIES {
            let condition = match present(self.atomic.get(&key).await)? {
                None => Condition::IfAbsent,
                Some(value) => {
                    let former = indexed_path(&key, &value.data)?;
                    if former == *path {
                        return Ok(());
                    }
                    if present(self.blobs.stat(&former).await)?.is_some_and(|info| info.size == size) {
                        self.known.insert(digest.clone(), former);
                        return self.discard(path).await;
                    }
                    Condition::IfMatch(value.etag)
                }
            };
            match self.atomic.put(&key, record.clone(), condition).await {
                Ok(_) => {
                    self.known.insert(digest.clone(), path.clone());
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "others keep changing the index's record of this blob").at_path(key.as_str()))
    }

    /// At most `limit` digests of blobs after `after`, in byte order.
    pub(crate) async fn page(&self, after: Option<&BlobDigest>, limit: usize) -> Result<Vec<BlobDigest>> {
        match self.layout {
            Layout::RegistryV2 => self.objects(after, limit).await,
            Layout::Indexed => {
                let after = after.map(index_key).transpose()?;
                let keys = self.atomic.list(BELOW, after.as_ref().map(AtomicKey::as_str), limit as u32).await?;
                Ok(keys.keys.iter().filter_map(|key| key.strip_prefix(BELOW)?.replacen('/', ":", 1).parse().ok()).collect())
            }
        }
    }

    /// As [`Placement::page`], of the layout whose paths say it. Files that are no blobs are passed over.
    async fn objects(&self, after: Option<&BlobDigest>, limit: usize) -> Result<Vec<BlobDigest>> {
        let prefix = Prefix::new(Layout::BLOBS)?;
        let start_after = after.map(|digest| self.layout.blob(digest)).transpose()?.map(|path| path.to_string());
        let mut options = ListOptions { recursive: true, start_after, limit: limit as u32, ..ListOptions::default() };
        loop {
            let page = match self.blobs.list(&prefix, options.clone()).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                page => page?,
            };
            let digests: Vec<_> = page.entries.iter().filter_map(|entry| Layout::digest_of(entry.path.as_str())).collect();
            match page.next {
                Some(cursor) if digests.is_empty() => options = ListOptions { cursor: Some(cursor), start_after: None, ..options },
                _ => return Ok(digests),
            }
        }
    }

    /// Removes a blob: the index's record first, so that nobody finds half of it.
    pub(crate) async fn remove(&self, digest: &BlobDigest) -> Result<()> {
        if self.layout == Layout::RegistryV2 {
            return self.discard(&self.layout.blob(digest)?).await;
        }
        let Some(path) = self.look_up(digest).await? else { return Ok(()) };
        self.atomic.remove(&index_key(digest)?, Condition::Unconditional).await?;
        self.known.remove(digest);
        self.discard(&path).await
    }

    async fn discard(&self, path: &StorePath) -> Result<()> {
        self.blobs.remove(std::slice::from_ref(path)).await?.into_iter().collect()
    }
}
