//! The two traits over an observed store: every call goes through, and is told of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;

use super::observe::{Observed, Observer, Operation};
use crate::claims::Claims;
use crate::content::Content;
use crate::error::Result;
use crate::path::{AtomicKey, Prefix, StorePath};
use crate::store::{AtomicStore, StreamingStore};
use crate::types::{
    ByteRange, Condition, Etag, FoundPart, FoundUpload, Keys, ListOptions, ObjectInfo, Opened, Page, Part, PartId, PresignedAccess, PresignedUrl,
    UploadToken, Value, WrittenPart,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: AtomicStore, O: Observer> AtomicStore for Observed<S, O> {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        let call = self.begin(Operation::AtomicGet, None);
        let result = AtomicStore::get(&self.store, key).await;
        call.end_with(result, |value| Some(value.data.len() as u64))
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let call = self.begin(Operation::AtomicPut, Some(data.len() as u64));
        let result = AtomicStore::put(&self.store, key, data, condition).await;
        call.end(result)
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let call = self.begin(Operation::AtomicRemove, None);
        let result = AtomicStore::remove(&self.store, key, condition).await;
        call.end(result)
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let call = self.begin(Operation::AtomicList, None);
        let result = AtomicStore::list(&self.store, prefix, start_after, limit).await;
        call.end(result)
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        let call = self.begin(Operation::AtomicCount, None);
        let result = AtomicStore::count(&self.store, prefix).await;
        call.end(result)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: StreamingStore, O: Observer> StreamingStore for Observed<S, O> {
    fn claims(&self) -> &Claims {
        self.store.claims()
    }

    async fn hold(&self, content: Content) -> Result<Content> {
        let call = self.begin(Operation::Hold, content.size());
        let result = StreamingStore::hold(&self.store, content).await;
        call.end_with(result, Content::size)
    }

    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo> {
        let call = self.begin(Operation::Stat, None);
        let result = StreamingStore::stat(&self.store, path).await;
        call.end(result)
    }

    async fn open(&self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let call = self.begin(Operation::Open, None);
        let result = StreamingStore::open(&self.store, path, range).await;
        call.end_with(result, |opened| opened.content.size())
    }

    async fn put(&self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let call = self.begin(Operation::Put, None);
        let result = StreamingStore::put(&self.store, path, content, condition).await;
        call.end_with(result, |info| Some(info.size))
    }

    async fn list(&self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        let call = self.begin(Operation::List, None);
        let result = StreamingStore::list(&self.store, prefix, options).await;
        call.end(result)
    }

    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>> {
        let call = self.begin(Operation::Remove, None);
        let result = StreamingStore::remove(&self.store, paths).await;
        call.end(result)
    }

    async fn create_upload(&self, path: &StorePath) -> Result<UploadToken> {
        let call = self.begin(Operation::CreateUpload, None);
        let result = StreamingStore::create_upload(&self.store, path).await;
        call.end(result)
    }

    async fn write_part(&self, token: &UploadToken, part: Part, content: Content) -> Result<PartId> {
        let known = content.size();
        let call = self.begin(Operation::WritePart, known);
        let arrived = Arc::new(AtomicU64::new(0));
        // What comes without its size is counted as it comes.
        let content = if known.is_some() { content } else { counted(content, arrived.clone()) };
        let result = StreamingStore::write_part(&self.store, token, part, content).await;
        call.end_with(result, |_| known.or_else(|| Some(arrived.load(Ordering::Relaxed))))
    }

    async fn complete_upload(&self, token: &UploadToken, parts: &[WrittenPart], destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let call = self.begin(Operation::CompleteUpload, None);
        let result = StreamingStore::complete_upload(&self.store, token, parts, destination, condition).await;
        call.end(result)
    }

    async fn abort_upload(&self, token: &UploadToken) -> Result<()> {
        let call = self.begin(Operation::AbortUpload, None);
        let result = StreamingStore::abort_upload(&self.store, token).await;
        call.end(result)
    }

    async fn find_uploads(&self, cursor: Option<&str>, limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)> {
        let call = self.begin(Operation::FindUploads, None);
        let result = StreamingStore::find_uploads(&self.store, cursor, limit).await;
        call.end(result)
    }

    async fn written_parts(&self, token: &UploadToken) -> Result<Vec<FoundPart>> {
        let call = self.begin(Operation::WrittenParts, None);
        let result = StreamingStore::written_parts(&self.store, token).await;
        call.end(result)
    }

    async fn copy(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let call = self.begin(Operation::Copy, None);
        let result = StreamingStore::copy(&self.store, source, destination, condition).await;
        call.end(result)
    }

    async fn rename(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let call = self.begin(Operation::Rename, None);
        let result = StreamingStore::rename(&self.store, source, destination, condition).await;
        call.end(result)
    }

    async fn store(&self, content: Content, algorithm: &str) -> Result<StorePath> {
        let call = self.begin(Operation::Store, content.size());
        let result = StreamingStore::store(&self.store, content, algorithm).await;
        call.end(result)
    }

    async fn presign(&self, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Result<PresignedUrl> {
        let call = self.begin(Operation::Presign, None);
        let result = self.store.presign(path, access, valid_for).await;
        call.end(result)
    }
}

/// The same bytes; `total` grows as they are taken.
fn counted(content: Content, total: Arc<AtomicU64>) -> Content {
    let count = move |frame: &Result<Bytes>| {
        total.fetch_add(frame.as_ref().map_or(0, |bytes| bytes.len() as u64), Ordering::Relaxed);
    };
    Content::live(content.into_stream().inspect(count), None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn live_bytes_are_counted_as_they_are_taken() {
        let frames = ["some", " bytes"].map(|text| Ok(Bytes::from(text)));
        let total = Arc::new(AtomicU64::new(0));
        let content = counted(Content::live(futures::stream::iter(frames), None), total.clone());
        assert_eq!(content.bytes(100).await.unwrap(), "some bytes");
        assert_eq!(total.load(Ordering::Relaxed), 10);
    }
}
