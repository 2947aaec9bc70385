//! The two traits that a host programs against: small values and blobs.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::claims::Claims;
use crate::content::Content;
use crate::error::{Error, Result};
use crate::path::{AtomicKey, Prefix, StorePath};
use crate::types::{
    ByteRange, Condition, Etag, FoundPart, FoundUpload, Keys, ListOptions, ObjectInfo, Opened, Page, Part, PartId, PresignedAccess, PresignedUrl,
    UploadToken, Value, WrittenPart,
};

/// Small values, at most 1 MiB, with compare-and-swap.
///
/// # Cancel safety
/// Dropping a future stops the call: a change has then happened wholly or not at all, and the next call works.
#[async_trait]
pub trait AtomicStore: Send + Sync {
    /// The value of `key`.
    ///
    /// # Errors
    /// `not-found`, and what [`Error`] lists for any call.
    async fn get(&self, key: &AtomicKey) -> Result<Value>;

    /// Stores `data` under `key`; answers the new etag.
    ///
    /// # Errors
    /// `already-exists` if `if-absent` does not hold, `precondition-failed` if `if-match` does not, `invalid-argument` over 1 MiB.
    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag>;

    /// Removes `key`; missing is success without a condition.
    ///
    /// # Errors
    /// `precondition-failed` if `condition` does not hold, `unsupported` for a condition that is not claimed.
    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()>;

    /// Keys that begin with `prefix` (a plain string), in byte order, after `start_after`, at most `limit`.
    ///
    /// # Errors
    /// What [`Error`] lists for any call; an unknown prefix is an empty answer.
    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys>;

    /// How many keys begin with `prefix`.
    ///
    /// # Errors
    /// What [`Error`] lists for any call.
    async fn count(&self, prefix: &str) -> Result<u64>;
}

/// Blobs by path. A success means durable.
///
/// What is optional in the contract answers `unsupported` where the driver does not claim it; [`crate::fallback`] builds on the rest.
///
/// # Cancel safety
/// Dropping a future stops the call: a change has then happened wholly or not at all, and the next call works.
#[async_trait]
pub trait StreamingStore: Send + Sync {
    /// What the driver claims.
    fn claims(&self) -> &Claims;

    /// All of `content` as held content: itself if it is held already, else moved into this store's spool.
    ///
    /// # Errors
    /// `quota-exceeded` where the spool's budgets end, and what the source of the bytes reports.
    async fn hold(&self, content: Content) -> Result<Content>;

    /// Metadata of an object.
    ///
    /// # Errors
    /// `not-found`, also for a prefix.
    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo>;

    /// Opens an object: metadata, and the bytes of `range`, all of one version.
    ///
    /// # Errors
    /// `not-found`, also for a prefix.
    async fn open(&self, path: &StorePath, range: ByteRange) -> Result<Opened>;

    /// Stores an object, replacing atomically.
    ///
    /// # Errors
    /// `already-exists` if `if-absent` does not hold, `precondition-failed` if `if-match` does not, `unsupported` for a condition that is not claimed,
    /// `invalid-argument` if `content` does not have the size that it said. The old object is whole after any error.
    async fn put(&self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo>;

    /// One page of what is below `prefix`.
    ///
    /// # Errors
    /// `not-found` for a first page of a prefix that does not exist.
    async fn list(&self, prefix: &Prefix, options: ListOptions) -> Result<Page>;

    /// Removes exact objects: one result each, in order; missing is success.
    ///
    /// # Errors
    /// The call as a whole fails as any call can; each path has its own result.
    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>>;

    /// Begins an upload to `path`.
    ///
    /// # Errors
    /// `unsupported` without the interface `uploads`.
    async fn create_upload(&self, path: &StorePath) -> Result<UploadToken>;

    /// Writes one part. With the claim `live-content` the content may be live and its size unknown.
    ///
    /// # Errors
    /// `upload-expired` or `not-found` for an upload that is over, `invalid-argument` for a part that breaks the claimed sizes.
    async fn write_part(&self, token: &UploadToken, part: Part, content: Content) -> Result<PartId>;

    /// Makes the object of `parts` visible at `destination`.
    ///
    /// # Errors
    /// `upload-expired`, `already-exists` if `if-absent` does not hold, `invalid-argument` for a part that was never written.
    async fn complete_upload(&self, token: &UploadToken, parts: &[WrittenPart], destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;

    /// Ends an upload and releases its storage; again is success.
    ///
    /// # Errors
    /// As any call can fail.
    async fn abort_upload(&self, token: &UploadToken) -> Result<()>;

    /// One page of unfinished uploads, and the cursor of the next.
    ///
    /// # Errors
    /// `unsupported` without the interface `upload-listing`.
    async fn find_uploads(&self, cursor: Option<&str>, limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)>;

    /// The parts of an unfinished upload.
    ///
    /// # Errors
    /// `unsupported` without the interface `upload-listing`; `upload-expired` or `not-found` for one that is over.
    async fn written_parts(&self, token: &UploadToken) -> Result<Vec<FoundPart>>;

    /// Copies within the store in one call of the driver.
    ///
    /// # Errors
    /// `unsupported` without the interface `copying`, `not-found` if there is no `source`.
    async fn copy(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;

    /// Moves within the store in one call of the driver.
    ///
    /// # Errors
    /// `unsupported` without the interface `renaming`, `not-found` if there is no `source`.
    async fn rename(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;

    /// Stores content under a name that the store chooses by its digest; answers that key.
    ///
    /// # Errors
    /// `unsupported` without the interface `content-store`, or for an algorithm that the driver does not know.
    async fn store(&self, content: Content, algorithm: &str) -> Result<StorePath>;

    /// A URL at which a plain client does `access` on the object at `path`, and not after `valid_for`, in whole seconds (the rest is cut off).
    /// Whether the object is there is not checked.
    ///
    /// # Errors
    /// `unsupported` without the interface `presigning`, or with settings under which there are no such URLs; `invalid-argument` for a time that the backend
    /// refuses; `permission-denied` for a URL to which no HTTP rule of the grant leads: a driver sends nobody where it may not go itself.
    async fn presign(&self, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Result<PresignedUrl>;
}

/// The error of a call that this driver does not offer.
pub(crate) fn not_offered(interface: &str) -> Error {
    Error::unsupported(format!("the driver does not export `{interface}`"))
}
