//! Small records by hierarchical key, over either kind of store.
//!
//! | implementation | a record is | children are |
//! |---|---|---|
//! | [`ObjectRecords`] | an object of the streaming store, so that another registry can read it | whatever lies directly below |
//! | [`KeyRecords`] | a value of the atomic store | keys directly below: a layout gives those it lists no deeper ones |

mod keys;
mod objects;

use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::Result;

pub(crate) use keys::KeyRecords;
pub(crate) use objects::ObjectRecords;

use crate::name::NamePage;

/// The most that a record has, in bytes: what an atomic store takes at most.
const RECORD_MAX: u64 = cofferdam::VALUE_MAX as u64;

/// Small records by key: `repositories/library/debian/_manifests/tags/latest`. A success means durable.
#[async_trait]
pub(crate) trait Records: Send + Sync {
    /// The record under `key`, if there is one. One call of the driver.
    async fn get(&self, key: &str) -> Result<Option<Bytes>>;

    /// Stores a record, replacing what is there.
    async fn put(&self, key: &str, data: Bytes) -> Result<()>;

    /// Removes records; missing ones are no error.
    async fn remove(&self, keys: &[String]) -> Result<()>;

    /// The names directly below `prefix` that come after `after`, in byte order. Nothing there is an empty page.
    async fn children(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<NamePage>;
}
