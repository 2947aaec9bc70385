//! The word that no byte of an object passes a guest: its memory does not grow, and what it asks of the host is told.
#![allow(clippy::unwrap_used)]

use cofferdam::Mount;

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

/// Those of `calls` in which it read content.
pub fn reads(calls: &str) -> Vec<&str> {
    calls.split("\\n").filter(|call| call.contains("content.read")).collect()
}
