//! From the component's exports to the traits: checks what comes in, calls the driver, hands out what it answers.

use std::marker::PhantomData;

use crate::bindings::cofferdam::storage::data::{Content as RawContent, Opened as RawOpened};
use crate::bindings::{atomic_store, content_store, copying, generator, lifecycle, presigning, renaming, streaming_store, upload_listing, uploads};
use crate::driver::{AtomicStore, ContentStore, Copying, Driver, Generator, Presigning, Renaming, StreamingStore, UploadListing, Uploads};
use crate::error::Result;
use crate::host::data::Content;
use crate::instance;
use crate::panics;
use crate::path::{Key, Prefix};
use crate::settings::Settings;
use crate::types::{Access, ByteRange, Condition, Error, Found, FoundPart, Keys, ListOptions, ObjectInfo, Page, Part, VALUE_MAX, Value, WrittenPart};

/// Implements the exports of a component for the driver `D`; for [`export_driver!`](crate::export_driver!).
#[doc(hidden)]
pub struct Exported<D>(PhantomData<D>);

impl<D: Driver> lifecycle::interface::Guest for Exported<D> {
    fn describe() -> lifecycle::interface::Description {
        panics::are_heard();
        lifecycle::interface::Description { name: D::NAME.to_owned(), version: D::VERSION.to_owned(), settings_schema: D::Settings::schema() }
    }

    fn configure(settings: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
        panics::are_heard();
        let driver = D::configure(D::Settings::parse(settings)?)?;
        let claims = driver.claims();
        instance::set(driver);
        Ok(claims.into_pairs())
    }

    fn health() -> Result<()> {
        instance::with(D::health)
    }
}

impl<D: StreamingStore> streaming_store::interface::Guest for Exported<D> {
    fn stat(path: String) -> Result<ObjectInfo> {
        instance::with(|driver: &mut D| {
            let path = driver.check_path(path)?;
            driver.stat(&path)
        })
    }

    fn open(path: String, range: ByteRange) -> Result<RawOpened> {
        instance::with(|driver: &mut D| {
            let path = driver.check_path(path)?;
            driver.open(&path, range).map(|opened| RawOpened { info: opened.info, content: opened.content.0 })
        })
    }

    fn put(path: String, content: RawContent, condition: Condition) -> Result<ObjectInfo> {
        instance::with(|driver: &mut D| {
            let path = driver.check_path(path)?;
            StreamingStore::put(driver, &path, Content(content), condition)
        })
    }

    fn list(prefix: String, options: ListOptions) -> Result<Page> {
        let prefix = Prefix::new(prefix)?;
        let options = ListOptions { limit: options.limit.max(1), ..options };
        instance::with(|driver: &mut D| StreamingStore::list(driver, &prefix, options))
    }

    fn remove(paths: Vec<String>) -> Vec<Result<()>> {
        let count = paths.len();
        let answers = instance::with(|driver: &mut D| {
            let checked: Vec<_> = paths.into_iter().map(|path| driver.check_path(path)).collect();
            let valid: Vec<_> = checked.iter().filter_map(|path| path.clone().ok()).collect();
            let mut removed = StreamingStore::remove(driver, &valid).into_iter();
            let unanswered = || Err(Error::internal("the driver gave no answer for this path"));
            Ok(checked.into_iter().map(|path| path.and_then(|_| removed.next().unwrap_or_else(unanswered))).collect())
        });
        answers.unwrap_or_else(|error| vec![Err(error); count])
    }
}

impl<D: AtomicStore> atomic_store::interface::Guest for Exported<D> {
    fn get(key: String) -> Result<Value> {
        let key = Key::new(key)?;
        instance::with(|driver: &mut D| driver.get(&key))
    }

    fn put(key: String, data: Vec<u8>, condition: Condition) -> Result<String> {
        let key = Key::new(key)?;
        if data.len() > VALUE_MAX {
            return Err(Error::invalid_argument(format!("a value has at most {VALUE_MAX} bytes, this one {}", data.len())));
        }
        instance::with(|driver: &mut D| AtomicStore::put(driver, &key, &data, condition))
    }

    fn remove(key: String, condition: Condition) -> Result<()> {
        let key = Key::new(key)?;
        instance::with(|driver: &mut D| AtomicStore::remove(driver, &key, condition))
    }

    fn list(prefix: String, start_after: Option<String>, limit: u32) -> Result<Keys> {
        instance::with(|driver: &mut D| AtomicStore::list(driver, &prefix, start_after.as_deref(), limit.max(1)))
    }

    fn count(prefix: String) -> Result<u64> {
        instance::with(|driver: &mut D| driver.count(&prefix))
    }
}

impl<D: Uploads> uploads::interface::Guest for Exported<D> {
    fn create(path: String) -> Result<String> {
        instance::with(|driver: &mut D| {
            let path = driver.check_path(path)?;
            driver.create(&path)
        })
    }

    fn write_part(token: String, part: Part, content: RawContent) -> Result<String> {
        instance::with(|driver: &mut D| driver.write_part(&token, part, Content(content)))
    }

    fn complete(token: String, parts: Vec<WrittenPart>, destination: String, condition: Condition) -> Result<ObjectInfo> {
        instance::with(|driver: &mut D| {
            let destination = driver.check_path(destination)?;
            driver.complete(&token, parts, &destination, condition)
        })
    }

    fn abort(token: String) -> Result<()> {
        instance::with(|driver: &mut D| driver.abort(&token))
    }
}

impl<D: UploadListing> upload_listing::interface::Guest for Exported<D> {
    fn find(cursor: Option<String>, limit: u32) -> Result<(Vec<Found>, Option<String>)> {
        instance::with(|driver: &mut D| driver.find(cursor.as_deref(), limit.max(1)))
    }

    fn written(token: String) -> Result<Vec<FoundPart>> {
        instance::with(|driver: &mut D| driver.written(&token))
    }
}

impl<D: Copying> copying::interface::Guest for Exported<D> {
    fn copy(source: String, destination: String, condition: Condition) -> Result<ObjectInfo> {
        instance::with(|driver: &mut D| {
            let (source, destination) = (driver.check_path(source)?, driver.check_path(destination)?);
            driver.copy(&source, &destination, condition)
        })
    }
}

impl<D: Renaming> renaming::interface::Guest for Exported<D> {
    fn rename(source: String, destination: String, condition: Condition) -> Result<ObjectInfo> {
        instance::with(|driver: &mut D| {
            let (source, destination) = (driver.check_path(source)?, driver.check_path(destination)?);
            driver.rename(&source, &destination, condition)
        })
    }
}

impl<D: ContentStore> content_store::interface::Guest for Exported<D> {
    fn store(content: RawContent, algorithm: String) -> Result<String> {
        instance::with(|driver: &mut D| driver.store(Content(content), &algorithm))
    }
}

impl<D: Presigning> presigning::interface::Guest for Exported<D> {
    fn presign(path: String, access: Access, seconds: u32) -> Result<String> {
        instance::with(|driver: &mut D| {
            let path = driver.check_path(path)?;
            driver.presign(&path, access, seconds)
        })
    }
}

impl<D: Generator> generator::interface::Guest for Exported<D> {
    fn pull(cursor: u64, max: u32) -> Result<Vec<u8>> {
        instance::with(|driver: &mut D| driver.pull(cursor, max))
    }

    fn close(cursor: u64) {
        // There is nobody to tell that the driver was never configured.
        let _ = instance::with(|driver: &mut D| {
            driver.close(cursor);
            Ok(())
        });
    }
}
