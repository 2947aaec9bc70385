//! The hostile driver, mounted with tight limits on a scratch directory.

use std::path::Path;
use std::time::Duration;

use cofferdam::{
    Access, ByteRange, Content, DirectoryGrant, Error, ErrorKind, Grant, Limits, LoadError, Mount, MountOptions, SettingValue, SpoolOptions,
    StorePath, StreamingStore,
};
use tempfile::TempDir;

use crate::drivers;

/// A mount of the hostile driver, with the directory that it has as `/data`.
#[derive(Debug)]
pub struct Hostile {
    /// The mount.
    pub mount: Mount,
    /// What it has as `/data`.
    pub data: TempDir,
}

/// Limits under which every bomb goes off in a fraction of a second.
pub fn tight() -> Limits {
    Limits {
        memory: 32 << 20,
        table_elements: 1000,
        handles: 1000,
        cpu: Duration::from_millis(200),
        start: Duration::from_millis(400),
        // Far above the budgets of time in the guest: on a busy machine these take longer than they say.
        no_progress: Duration::from_secs(5),
        calls_in_flight: 4,
        queue: 64,
        ..Limits::default()
    }
}

/// A scratch directory.
///
/// # Panics
/// If none can be made.
pub fn scratch() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no scratch directory: {error}"))
}

/// `host`, given as `name`.
pub fn directory(name: &str, host: &Path, access: Access) -> DirectoryGrant {
    DirectoryGrant { name: name.to_owned(), host: host.to_owned(), access, wasi: false }
}

/// A grant of `data` as `/data`, with [`tight`] limits.
pub fn grant(data: &Path) -> Grant {
    Grant {
        directories: vec![directory("/data", data, Access::ReadWrite)],
        limits: tight(),
        spool: SpoolOptions { memory: 4 << 20, ..SpoolOptions::default() },
        ..Grant::default()
    }
}

impl Hostile {
    /// Mounts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn mount() -> Self {
        Self::mount_with(|_| ()).await
    }

    /// Mounts it with a grant that `edit` has changed.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn mount_with(edit: impl FnOnce(&mut Grant)) -> Self {
        let data = scratch();
        let mount = Self::open(data.path(), edit).await.unwrap_or_else(|error| panic!("the hostile driver does not start: {error}"));
        Self { mount, data }
    }

    /// Mounts it as it behaves with the setting `behaviour`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn behaving(behaviour: &str) -> Self {
        Self::mount_with(|grant| behave(grant, behaviour)).await
    }

    /// Opens a mount on `data`.
    ///
    /// # Errors
    /// The host's.
    pub async fn open(data: &Path, edit: impl FnOnce(&mut Grant)) -> Result<Mount, LoadError> {
        let mut grant = grant(data);
        edit(&mut grant);
        Mount::open(&drivers::load("hostile"), &grant, MountOptions::default()).await
    }

    /// The size that `stat` of `path` answers.
    ///
    /// # Errors
    /// That of the call.
    pub async fn stat(&self, path: &str) -> Result<u64, Error> {
        self.mount.stat(&store_path(path)).await.map(|info| info.size)
    }

    /// The error of `stat` of `path`.
    ///
    /// # Panics
    /// If there is none.
    pub async fn refused(&self, path: &str) -> Error {
        match self.stat(path).await {
            Ok(size) => panic!("{path} was answered, with the size {size}"),
            Err(error) => error,
        }
    }

    /// Sees that what is honest is served.
    ///
    /// # Panics
    /// If it is not.
    pub async fn serves(&self) {
        served(&self.mount).await;
    }

    /// What `call` answers, while honest calls are served beside it and after it; and how many were served meanwhile.
    ///
    /// # Panics
    /// If an honest call is not served.
    pub async fn serving_meanwhile<T>(&self, call: impl Future<Output = T>) -> (T, u32) {
        let mut served = 0;
        let honest = async {
            loop {
                self.serves().await;
                served += 1;
                tokio::task::yield_now().await;
            }
        };
        let answer = tokio::select! {
            biased;
            () = honest => unreachable!("it has no end"),
            answer = call => answer,
        };
        self.serves().await;
        (answer, served)
    }
}

async fn served(mount: &Mount) {
    let path = store_path("/fine");
    let size = mount.stat(&path).await.map(|info| info.size);
    assert!(matches!(size, Ok(5)), "an honest stat: {size:?}");
    let content = match mount.open(&path, ByteRange::Whole).await {
        Ok(opened) => opened.content.bytes(100).await,
        Err(error) => Err(error),
    };
    assert!(matches!(&content, Ok(bytes) if bytes == "fine!"), "an honest open: {content:?}");
}

/// Sets `behaviour`.
pub fn behave(grant: &mut Grant, behaviour: &str) {
    grant.settings.insert("behaviour".to_owned(), SettingValue::Text(behaviour.to_owned()));
}

/// `path`, which must be one.
///
/// # Panics
/// If it is not.
pub fn store_path(path: &str) -> StorePath {
    StorePath::new(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Four bytes.
pub fn four() -> Content {
    Content::from_bytes("four")
}

/// Sees that `error` is of `kind` and that its message has `part`.
///
/// # Panics
/// If not.
#[track_caller]
pub fn assert_error(error: &Error, kind: ErrorKind, part: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{:?} is not in {:?}", part, error.message());
}

/// Sees that `error` is a trap whose backtrace names `function`.
///
/// # Panics
/// If not.
#[track_caller]
pub fn assert_trapped_in(error: &Error, function: &str) {
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
    assert_backtrace(error, function);
}

/// Sees that the backtrace of `error` names `function`.
///
/// # Panics
/// If not.
#[track_caller]
pub fn assert_backtrace(error: &Error, function: &str) {
    let backtrace = error.backtrace().unwrap_or_else(|| panic!("no backtrace: {error}"));
    assert!(backtrace.contains(function), "{function} is not in the backtrace:\n{backtrace}");
}
