//! `system` natively: the clock, the random numbers and the standard error of the test.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bindings::cofferdam::storage::system::Level;

/// The most that one call of `random` answers, as the contract says.
const RANDOM_MAX: u32 = 64 << 10;

/// As the host's `now`.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
}

/// As the host's `random`, and good enough for tests: each `RandomState` hashes with keys of its own.
pub(crate) fn random(length: u32) -> Vec<u8> {
    let words = std::iter::repeat_with(|| RandomState::new().hash_one(0).to_le_bytes());
    words.flatten().take(length.min(RANDOM_MAX) as usize).collect()
}

/// As the host's `log`.
pub(crate) fn log(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
