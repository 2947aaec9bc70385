//! One GiB of content: made, put and read.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use bytes::Bytes;
use cofferdam::{Condition, Content, Mount, StorePath, StreamingStore};
use futures::StreamExt;

/// How much is moved.
pub const GIB: u64 = 1 << 30;

/// How much of it at a time.
pub const FRAME: usize = 256 << 10;

/// Bytes to write again and again.
pub fn frame() -> Bytes {
    (0..FRAME).map(|byte| (byte * 31 % 251) as u8).collect::<Vec<_>>().into()
}

/// Puts the GiB of the file `source`.
///
/// # Errors
/// The store cannot take it.
///
/// # Cancel safety
/// As that of `put`.
pub async fn put_file(store: &Mount, path: &StorePath, source: &Path) -> Result<()> {
    store.put(path, Content::from_file(File::open(source)?, 0, GIB), Condition::Unconditional).await?;
    Ok(())
}

/// Reads all of `content`.
///
/// # Errors
/// It breaks off.
///
/// # Cancel safety
/// What was read is gone.
pub async fn drain(content: Content) -> Result<()> {
    let mut stream = content.into_stream();
    while let Some(bytes) = stream.next().await {
        black_box(bytes?);
    }
    Ok(())
}

/// Writes a GiB as a driver without a sandbox would: a temporary name, `fsync`, `rename`.
///
/// # Errors
/// The disk cannot take it.
pub fn native_write(path: &Path, frame: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    for _ in 0..GIB as usize / FRAME {
        file.write_all(frame)?;
    }
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}
