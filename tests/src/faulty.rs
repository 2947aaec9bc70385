//! A store that claims what a test wants, holds callers to it, and dies when told to: before or after it has done what was asked.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Claims, Condition, Content, Error, ErrorKind, Etag, FoundPart, FoundUpload, Keys, ListOptions, Mount,
    ObjectInfo, Opened, Page, Part, PartId, Prefix, PresignedAccess, PresignedUrl, Result, StorePath, StreamingStore, UploadToken, Value,
    WrittenPart,
};
use tokio::sync::watch;

/// What a store is like, beside its claims.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// It has no `uploads`.
    pub no_uploads: bool,
    /// It cannot rename.
    pub no_renaming: bool,
}

/// A store over a mounted driver, as one process sees it. Both stores of the driver count operations together.
pub struct Faulty {
    mount: Mount,
    claims: Claims,
    nature: Nature,
    /// How many operations are still done before the store dies; negative is never.
    left: AtomicI64,
    /// Whether the operation that it dies of is done all the same.
    done_at_death: AtomicBool,
    dead: AtomicBool,
    /// How many operations are still done before the process is stopped; negative is never.
    until_stopped: AtomicI64,
    stopped: watch::Sender<bool>,
    /// Wakes the thread of the stopped process.
    woken: Condvar,
    asleep: Mutex<bool>,
}

impl Faulty {
    /// `mount` with the claims `pairs`, on top of nothing.
    ///
    /// # Panics
    /// If the claims do not parse.
    pub fn new(mount: Mount, pairs: &[(&str, &str)], nature: Nature) -> Self {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let claims = Claims::parse(&pairs).unwrap_or_else(|error| panic!("{error}"));
        Self {
            mount,
            claims,
            nature,
            left: AtomicI64::new(-1),
            done_at_death: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            until_stopped: AtomicI64::new(-1),
            stopped: watch::Sender::new(false),
            woken: Condvar::new(),
            asleep: Mutex::new(false),
        }
    }

    /// Dies at the operation after `operations` more, which is done all the same if `done` says so.
    pub fn die_after(&self, operations: i64, done: bool) {
        self.done_at_death.store(done, Ordering::SeqCst);
        self.left.store(operations, Ordering::SeqCst);
    }

    /// Whether it died.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Stops the process, as a signal does, at the operation after `operations` more: its whole thread, with its timers. So it
    /// must have a thread of its own.
    pub fn stop_after(&self, operations: i64) {
        self.until_stopped.store(operations, Ordering::SeqCst);
    }

    /// Waits until the process is stopped.
    pub async fn stopped(&self) {
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Lets a stopped process go on.
    pub fn go_on(&self) {
        *self.asleep.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.woken.notify_all();
    }

    fn stop_if_told(&self) {
        if self.until_stopped.load(Ordering::SeqCst) < 0 || self.until_stopped.fetch_sub(1, Ordering::SeqCst) != 0 {
            return;
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        *asleep = true;
        self.stopped.send_replace(true);
        while *asleep {
            asleep = self.woken.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does `operation`, or dies.
    async fn run<T>(&self, operation: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.stop_if_told();
        let died = || Error::new(ErrorKind::Unavailable, "this process is dead");
        if self.is_dead() {
            return Err(died());
        }
        if self.left.load(Ordering::SeqCst) >= 0 && self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.dead.store(true, Ordering::SeqCst);
            if self.done_at_death.load(Ordering::SeqCst) {
                let _ = operation.await;
            }
            return Err(died());
        }
        operation.await
    }

    fn check_part(&self, content: &Content) -> Result<()> {
        let bad = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        match content.size() {
            None if !self.claims.live_content => bad("the part's size is not known".to_owned()),
            Some(size) if self.claims.part_max.is_some_and(|most| size > most) => bad(format!("a part of {size} bytes is too large")),
            _ => Ok(()),
        }
    }

    fn check_parts(&self, parts: &[WrittenPart]) -> Result<()> {
        let bad = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.claims.part_count_max.is_some_and(|most| parts.len() > most as usize) {
            return bad(format!("{} parts are too many", parts.len()));
        }
        let Some((_, all_but_last)) = parts.split_last() else { return Ok(()) };
        if let Some(small) = all_but_last.iter().find(|part| self.claims.part_min.is_some_and(|least| part.length < least)) {
            return bad(format!("a part of {} bytes is too small", small.length));
        }
        if self.claims.part_uniform && all_but_last.iter().any(|part| part.length != all_but_last[0].length) {
            return bad("the parts have several sizes".to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl StreamingStore for Faulty {
    fn claims(&self) -> &Claims {
        &self.claims
    }

    async fn hold(&self, content: Content) -> Result<Content> {
        self.mount.hold(content).await
    }

    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo> {
        self.run(self.mount.stat(path)).await
    }

    async fn open(&self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        self.run(self.mount.open(path, range)).await
    }

    async fn put(&self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        if let (Some(most), Some(size)) = (self.claims.put_max, content.size()) {
            assert!(size <= most, "an object of {size} bytes, where the driver takes {most}");
        }
        self.run(StreamingStore::put(&self.mount, path, content, condition)).await
    }

    async fn list(&self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        self.run(StreamingStore::list(&self.mount, prefix, options)).await
    }

    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>> {
        self.run(StreamingStore::remove(&self.mount, paths)).await
    }

    async fn create_upload(&self, path: &StorePath) -> Result<UploadToken> {
        if self.nature.no_uploads {
            return Err(Error::new(ErrorKind::Unsupported, "it has no uploads"));
        }
        self.run(self.mount.create_upload(path)).await
    }

    async fn write_part(&self, token: &UploadToken, part: Part, content: Content) -> Result<PartId> {
        let content = if self.claims.live_content { content } else { self.mount.hold(content).await? };
        self.check_part(&content)?;
        self.run(self.mount.write_part(token, part, content)).await
    }

    async fn complete_upload(&self, token: &UploadToken, parts: &[WrittenPart], destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        self.check_parts(parts)?;
        self.run(self.mount.complete_upload(token, parts, destination, condition)).await
    }

    async fn abort_upload(&self, token: &UploadToken) -> Result<()> {
        self.run(self.mount.abort_upload(token)).await
    }

    async fn find_uploads(&self, cursor: Option<&str>, limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)> {
        self.run(self.mount.find_uploads(cursor, limit)).await
    }

    async fn written_parts(&self, token: &UploadToken) -> Result<Vec<FoundPart>> {
        self.run(self.mount.written_parts(token)).await
    }

    async fn copy(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        self.run(self.mount.copy(source, destination, condition)).await
    }

    async fn rename(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        if self.nature.no_renaming {
            return Err(Error::new(ErrorKind::Unsupported, "it cannot rename"));
        }
        self.run(self.mount.rename(source, destination, condition)).await
    }

    async fn store(&self, content: Content, algorithm: &str) -> Result<StorePath> {
        self.run(self.mount.store(content, algorithm)).await
    }

    async fn presign(&self, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Result<PresignedUrl> {
        self.run(self.mount.presign(path, access, valid_for)).await
    }
}

#[async_trait]
impl AtomicStore for Faulty {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        self.run(self.mount.get(key)).await
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        self.run(AtomicStore::put(&self.mount, key, data, condition)).await
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        self.run(AtomicStore::remove(&self.mount, key, condition)).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        self.run(AtomicStore::list(&self.mount, prefix, start_after, limit)).await
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        self.run(self.mount.count(prefix)).await
    }
}
