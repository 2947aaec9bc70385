//! A store for tests that answers what it was told to, and knows what it was asked.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::claims::Claims;
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::path::{AtomicKey, Prefix, StorePath};
use crate::store::{AtomicStore, StreamingStore};
use crate::types::{
    ByteRange, Condition, EntryKind, Etag, FoundPart, FoundUpload, Keys, ListOptions, ObjectInfo, Opened, Page, Part, PartId, PresignedAccess,
    PresignedUrl, UploadToken, Value, WrittenPart,
};

/// Answers each call with the next of its errors, and with a success when there is none left. Clones are the same store.
#[derive(Clone)]
pub(super) struct Scripted {
    claims: Claims,
    errors: Arc<Mutex<VecDeque<Error>>>,
    /// What becomes of each path of the next removals.
    pub(super) removals: Arc<Mutex<VecDeque<Vec<Result<()>>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// An error of `kind`.
pub(super) fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "as scripted")
}

impl Scripted {
    pub(super) fn new(errors: impl IntoIterator<Item = Error>) -> Self {
        Self {
            claims: Claims::parse(&[]).unwrap(),
            errors: Arc::new(Mutex::new(errors.into_iter().collect())),
            removals: Arc::default(),
            asked: Arc::default(),
        }
    }

    /// What it was asked, and forgets that.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The next error is `error`.
    pub(super) fn fail(&self, error: Error) {
        self.errors.lock().unwrap().push_back(error);
    }

    fn answer(&self, asked: &str) -> Result<()> {
        self.asked.lock().unwrap().push(asked.to_owned());
        self.errors.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    /// Takes content in, and tells what it was.
    async fn take(&self, asked: &str, content: Content) -> Result<()> {
        let bytes = content.bytes(100).await?;
        self.answer(&format!("{asked} {}", String::from_utf8_lossy(&bytes)))
    }

    fn info(path: &StorePath) -> ObjectInfo {
        ObjectInfo { path: path.clone(), kind: EntryKind::Object, size: 0, modified: None, etag: None, attributes: Vec::new() }
    }
}

#[async_trait]
impl AtomicStore for Scripted {
    async fn get(&self, _key: &AtomicKey) -> Result<Value> {
        self.answer("atomic-get")?;
        Ok(Value { data: Bytes::from_static(b"value"), etag: Etag("1".to_owned()) })
    }

    async fn put(&self, _key: &AtomicKey, data: Bytes, _condition: Condition) -> Result<Etag> {
        self.answer(&format!("atomic-put {}", String::from_utf8_lossy(&data))).map(|()| Etag("1".to_owned()))
    }

    async fn remove(&self, _key: &AtomicKey, _condition: Condition) -> Result<()> {
        self.answer("atomic-remove")
    }

    async fn list(&self, _prefix: &str, _start_after: Option<&str>, _limit: u32) -> Result<Keys> {
        self.answer("atomic-list").map(|()| Keys::default())
    }

    async fn count(&self, _prefix: &str) -> Result<u64> {
        self.answer("atomic-count").map(|()| 0)
    }
}

#[async_trait]
impl StreamingStore for Scripted {
    fn claims(&self) -> &Claims {
        &self.claims
    }

    async fn hold(&self, content: Content) -> Result<Content> {
        Ok(content)
    }

    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo> {
        self.answer("stat").map(|()| Self::info(path))
    }

    async fn open(&self, path: &StorePath, _range: ByteRange) -> Result<Opened> {
        self.answer("open").map(|()| Opened { info: Self::info(path), content: Content::from_bytes("") })
    }

    async fn put(&self, path: &StorePath, content: Content, _condition: Condition) -> Result<ObjectInfo> {
        self.take("put", content).await.map(|()| Self::info(path))
    }

    async fn list(&self, _prefix: &Prefix, _options: ListOptions) -> Result<Page> {
        self.answer("list").map(|()| Page::default())
    }

    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>> {
        let names: Vec<_> = paths.iter().map(StorePath::as_str).collect();
        self.answer(&format!("remove {}", names.join(" ")))?;
        Ok(self.removals.lock().unwrap().pop_front().unwrap_or_else(|| vec![Ok(()); paths.len()]))
    }

    async fn create_upload(&self, _path: &StorePath) -> Result<UploadToken> {
        self.answer("create-upload").and_then(|()| UploadToken::new("token"))
    }

    async fn write_part(&self, _token: &UploadToken, _part: Part, content: Content) -> Result<PartId> {
        self.take("write-part", content).await.and_then(|()| PartId::new("part"))
    }

    async fn complete_upload(
        &self,
        _token: &UploadToken,
        _parts: &[WrittenPart],
        destination: &StorePath,
        _condition: Condition,
    ) -> Result<ObjectInfo> {
        self.answer("complete-upload").map(|()| Self::info(destination))
    }

    async fn abort_upload(&self, _token: &UploadToken) -> Result<()> {
        self.answer("abort-upload")
    }

    async fn find_uploads(&self, _cursor: Option<&str>, _limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)> {
        self.answer("find-uploads").map(|()| (Vec::new(), None))
    }

    async fn written_parts(&self, _token: &UploadToken) -> Result<Vec<FoundPart>> {
        self.answer("written-parts").map(|()| Vec::new())
    }

    async fn copy(&self, _source: &StorePath, destination: &StorePath, _condition: Condition) -> Result<ObjectInfo> {
        self.answer("copy").map(|()| Self::info(destination))
    }

    async fn rename(&self, _source: &StorePath, destination: &StorePath, _condition: Condition) -> Result<ObjectInfo> {
        self.answer("rename").map(|()| Self::info(destination))
    }

    async fn store(&self, content: Content, _algorithm: &str) -> Result<StorePath> {
        self.take("store", content).await.and_then(|()| StorePath::new("/stored"))
    }

    async fn presign(&self, path: &StorePath, _access: PresignedAccess, _valid_for: Duration) -> Result<PresignedUrl> {
        self.answer("presign").map(|()| PresignedUrl::new(format!("https://store.example{path}")))
    }
}
