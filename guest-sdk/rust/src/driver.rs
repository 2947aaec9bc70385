//! What a driver author implements: [`Driver`], a store, and whichever optional abilities the backend has.
//!
//! One instance runs one call at a time, so every function has the driver's state for itself. Paths are checked before
//! a function is called. The semantics are those of the contract (`wit/`); these pages only say what Rust adds.

use crate::claims::Claims;
use crate::error::Result;
use crate::host::data::Content;
use crate::path::{Key, Prefix, StorePath};
use crate::settings::Settings;
use crate::types::{Access, ByteRange, Condition, Error, Found, FoundPart, Keys, ListOptions, ObjectInfo, Opened, Page, Part, Value, WrittenPart};

/// How many keys the default [`AtomicStore::count`] asks for at a time.
const COUNT_PAGE: u32 = 1000;

/// Every driver: its name, its settings, its state.
pub trait Driver: Sized + 'static {
    /// `^[a-z][a-z0-9-]{0,62}$`: what the driver stores to, as `filesystem`.
    const NAME: &'static str;

    /// The driver's version, for people: `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// The settings, as [`settings!`](crate::settings!) makes them.
    type Settings: Settings;

    /// Makes the driver from its settings: once an instance, without touching any grant.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting that has no meaning.
    fn configure(settings: Self::Settings) -> Result<Self>;

    /// What is true of this driver with these settings.
    fn claims(&self) -> Claims {
        Claims::new()
    }

    /// Whether the backend can be reached: one cheap round trip.
    ///
    /// # Errors
    /// `unavailable` when the backend is gone; what else it answers.
    fn health(&mut self) -> Result<()> {
        Ok(())
    }

    /// Checks the path of an object that comes in. Override it for a backend that takes fewer names than the contract.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that is broken.
    fn check_path(&self, path: String) -> Result<StorePath> {
        StorePath::new(path)
    }
}

/// Objects of any size (contract: `streaming-store`). What is left out is refused with `unsupported`.
pub trait StreamingStore: Driver {
    /// The metadata of an object.
    ///
    /// # Errors
    /// `not-found`, also for a prefix.
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo>;

    /// Opens an object; a range at or past its end is empty.
    ///
    /// # Errors
    /// `not-found`, also for a prefix.
    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened>;

    /// Writes an object, replacing what is there atomically.
    ///
    /// # Errors
    /// As the contract's `put`: whatever it is, the old object stays whole.
    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let _ = (content, condition);
        Err(Error::unsupported(format!("this driver only reads, so {path} cannot be written")))
    }

    /// One page of what is below `prefix`. Its limit is at least 1.
    ///
    /// # Errors
    /// `not-found` for a first page of a prefix that does not exist; `invalid-argument` for a cursor that no page had.
    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        let _ = options;
        Err(Error::unsupported(format!("this driver cannot list {prefix}")))
    }

    /// Removes exactly these objects, one answer each, in order. One that is missing is a success.
    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        paths.iter().map(|path| Err(Error::unsupported(format!("this driver only reads, so {path} cannot be removed")))).collect()
    }
}

/// Small values with compare and swap (contract: `atomic-store`). Values over 1 MiB are refused before `put` is called.
pub trait AtomicStore: Driver {
    /// The value under `key`.
    ///
    /// # Errors
    /// `not-found`.
    fn get(&mut self, key: &Key) -> Result<Value>;

    /// Writes the value under `key` if `condition` holds, in one step; answers the new etag.
    ///
    /// # Errors
    /// `already-exists` or `precondition-failed` if the condition does not hold.
    fn put(&mut self, key: &Key, data: &[u8], condition: Condition) -> Result<String>;

    /// Removes the value under `key`; one that is missing is a success.
    ///
    /// # Errors
    /// `precondition-failed`; `unsupported` for `if-match` if it is not claimed; `invalid-argument` for `if-absent`.
    fn remove(&mut self, key: &Key, condition: Condition) -> Result<()>;

    /// Keys that begin with `prefix` and come after `start_after`, in byte order. `limit` is at least 1.
    ///
    /// # Errors
    /// What the backend answers.
    fn list(&mut self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys>;

    /// How many keys begin with `prefix`. By default the sum of the pages of `list`.
    ///
    /// # Errors
    /// As `list`.
    fn count(&mut self, prefix: &str) -> Result<u64> {
        let (mut total, mut last) = (0, None::<String>);
        loop {
            let mut page = AtomicStore::list(self, prefix, last.as_deref(), COUNT_PAGE)?;
            total += page.keys.len() as u64;
            last = page.keys.pop();
            if !page.more || last.is_none() {
                return Ok(total);
            }
        }
    }
}

/// Objects made of parts (contract: `uploads`).
pub trait Uploads: Driver {
    /// Begins an upload to `path`; answers its token.
    ///
    /// # Errors
    /// What the backend answers.
    fn create(&mut self, path: &StorePath) -> Result<String>;

    /// Writes one part, durably; answers its id.
    ///
    /// # Errors
    /// `upload-expired` or `not-found` after `complete` or `abort`; as the contract's `write-part`.
    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String>;

    /// Makes the object of `parts`, joined in the order of their numbers.
    ///
    /// # Errors
    /// As the contract's `complete`; the upload stays usable after `invalid-argument` and `already-exists`.
    fn complete(&mut self, token: &str, parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;

    /// Gives up an upload and its storage; one that is not known is a success.
    ///
    /// # Errors
    /// `invalid-argument` for what is no token of this driver.
    fn abort(&mut self, token: &str) -> Result<()>;
}

/// Finding unfinished uploads, to purge them (contract: `upload-listing`).
pub trait UploadListing: Uploads {
    /// One page of unfinished uploads, and the cursor of the next. `limit` is at least 1.
    ///
    /// # Errors
    /// `invalid-argument` for a cursor that no page had.
    fn find(&mut self, cursor: Option<&str>, limit: u32) -> Result<(Vec<Found>, Option<String>)>;

    /// The parts of an upload that were written, by number.
    ///
    /// # Errors
    /// `upload-expired` or `not-found` if it is not known.
    fn written(&mut self, token: &str) -> Result<Vec<FoundPart>>;
}

/// Copying in one round trip (contract: `copying`).
pub trait Copying: StreamingStore {
    /// Writes the bytes of `source` to `destination`, atomically.
    ///
    /// # Errors
    /// `not-found`, and `destination` is untouched; otherwise as `put`.
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;
}

/// Moving in one step (contract: `renaming`).
pub trait Renaming: StreamingStore {
    /// Moves `source` to `destination`, replacing what is there whole.
    ///
    /// # Errors
    /// `not-found`, and `destination` is untouched; otherwise as `put`.
    fn rename(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo>;
}

/// Keeping content under a name made of its digest (contract: `content-store`).
pub trait ContentStore: StreamingStore {
    /// Stores `content`; answers the path of the object.
    ///
    /// # Errors
    /// `unsupported` for an algorithm that this store does not use; otherwise as `put`.
    fn store(&mut self, content: Content, algorithm: &str) -> Result<String>;
}

/// URLs at which clients read objects themselves (contract: `presigning`).
pub trait Presigning: StreamingStore {
    /// A URL at which a plain client does `access` on exactly this object, for so many seconds.
    ///
    /// # Errors
    /// `unsupported` with settings under which there are none; `invalid-argument` for a time that the backend refuses.
    fn presign(&mut self, path: &StorePath, access: Access, seconds: u32) -> Result<String>;
}

/// The other side of [`Content::from_generator`] (contract: `generator`).
pub trait Generator: Driver {
    /// The next bytes of `cursor`, at most `max`; empty is the end.
    ///
    /// # Errors
    /// Any; it reaches the reader, and nothing more is pulled.
    fn pull(&mut self, cursor: u64, max: u32) -> Result<Vec<u8>>;

    /// `cursor` is not needed any more: comes exactly once.
    fn close(&mut self, cursor: u64);
}
