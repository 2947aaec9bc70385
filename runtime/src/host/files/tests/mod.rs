//! What the contract promises of `files`, one module a group of promises.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commit;
mod crash;
mod grants;
mod lock;
mod look;
mod sandbox;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Directories;
use crate::call::{CallContext, Guards};
use crate::content::Content;
use crate::error::{ErrorKind, Result};
use crate::grant::{Access, DirectoryGrant};
use crate::types::ByteRange;

/// A host directory that is gone at the end, beside one that nobody was granted.
struct Scratch {
    _temp: tempfile::TempDir,
    granted: PathBuf,
    outside: PathBuf,
}

impl Scratch {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let (granted, outside) = (temp.path().join("granted"), temp.path().join("outside"));
        std::fs::create_dir(&granted).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "secret").unwrap();
        Self { _temp: temp, granted, outside }
    }

    /// The granted directory as `/data`, to read and write.
    fn open(&self) -> Directories {
        open(&[("/data", &self.granted, Access::ReadWrite)])
    }

    fn host(&self, path: &str) -> PathBuf {
        self.granted.join(path)
    }

    /// What is in the host's own directory but locks' files, which may come and go.
    fn own_files(&self) -> Vec<PathBuf> {
        let Ok(own) = std::fs::read_dir(self.host(".cofferdam")) else { return Vec::new() };
        let owners = own.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("locks"));
        owners.flat_map(|owner| std::fs::read_dir(owner).unwrap().map(|entry| entry.unwrap().path())).collect()
    }

    /// Temporary files that are there now.
    fn temporaries(&self) -> usize {
        self.own_files().iter().filter(|path| !path.ends_with("lock")).count()
    }
}

fn open(grants: &[(&str, &Path, Access)]) -> Directories {
    Directories::open(&granting(grants)).unwrap()
}

fn granting(grants: &[(&str, &Path, Access)]) -> Vec<DirectoryGrant> {
    let grant = |(name, host, access): &(&str, &Path, Access)| DirectoryGrant {
        name: (*name).to_owned(),
        host: (*host).to_owned(),
        access: *access,
        wasi: false,
    };
    grants.iter().map(grant).collect()
}

fn call() -> CallContext {
    CallContext::new(Arc::<Guards>::default(), None)
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

async fn read(directories: &Directories, path: &str) -> Result<String> {
    let (info, content) = directories.open_file(path, ByteRange::Whole)?;
    let bytes = content.bytes(u64::MAX).await?;
    assert_eq!(info.size, bytes.len() as u64);
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Content that arrives in frames of `size` bytes.
fn arriving(bytes: &[u8], size: usize) -> Content {
    let frames: Vec<_> = bytes.chunks(size).map(|frame| Ok(bytes::Bytes::copy_from_slice(frame))).collect();
    Content::live(futures::stream::iter(frames), None)
}

/// Bytes of which no two places look alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}
