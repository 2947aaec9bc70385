//! Until something is so, at most so long.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition is waited for: far longer than it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` answers something.
///
/// # Panics
/// It does not within [`PATIENCE`].
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::park_timeout(POLL);
    }
}

/// [`until`] for a condition that must be awaited; other tasks go on meanwhile.
///
/// # Panics
/// It does not hold within [`PATIENCE`].
pub async fn until_async<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut interval = tokio::time::interval(POLL);
    loop {
        interval.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
    }
}
