//! The word that no byte of an object passes a guest: its memory does not grow, and what it asks of the host is told.
#![allow(clippy::unwrap_used)]

use cofferdam::{ByteRange, Condition, Content, Mount, StorePath, StreamingStore};

use crate::client::noise;
use crate::log::Log;

/// What the driver of `mount` asked of the host, a line a call, while `work` moved objects of 16 MiB.
///
/// # Panics
/// It is not well, or the memory of its instances grew by a MiB.
pub async fn calls_of(mount: &Mount, work: impl AsyncFnOnce()) -> String {
    mount.health().await.unwrap();
    let before = mount.stats().guest_memory;
    let log = Log::begin();
    work().await;
    let after = mount.stats().guest_memory;
    assert!(after < before + (1 << 20), "16 MiB took the driver's memory from {before} to {after} bytes");
    log.of("cofferdam::call").join("\n")
}

/// As [`calls_of`] an object of 16 MiB that is put, copied, and read at both places.
///
/// # Panics
/// As [`calls_of`]; something of that fails, or gives other bytes.
pub async fn calls_of_an_object(mount: &Mount) -> String {
    const SIZE: usize = 16 << 20;
    let (bytes, at, copy) = (noise(1, SIZE), StorePath::new("/large").unwrap(), StorePath::new("/copied").unwrap());
    calls_of(mount, async || {
        mount.put(&at, Content::from_bytes(bytes.clone()), Condition::IfAbsent).await.unwrap();
        mount.copy(&at, &copy, Condition::IfAbsent).await.unwrap();
        for at in [at, copy] {
            let opened = mount.open(&at, ByteRange::Whole).await.unwrap();
            assert_eq!(opened.content.bytes(SIZE as u64).await.unwrap(), bytes);
        }
    })
    .await
}

/// Those of `calls` in which it read content.
pub fn reads(calls: &str) -> Vec<&str> {
    calls.split("\\n").filter(|call| call.contains("content.read")).collect()
}
