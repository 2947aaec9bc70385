//! The time, random bytes and the log (contract: `system`).

pub use crate::bindings::cofferdam::storage::system::Level;
use crate::host::backend;

/// The time, in nanoseconds since the Unix epoch.
pub fn now() -> u64 {
    backend::system::now()
}

/// Random bytes, fit for keys; at most 64 KiB.
pub fn random(length: u32) -> Vec<u8> {
    backend::system::random(length)
}

/// `length` random bytes as hexadecimal digits: for tokens and ids.
pub fn random_hex(length: u32) -> String {
    hex(&random(length))
}

/// `bytes` as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Writes a message to the host's log.
pub fn log(level: Level, message: &str) {
    backend::system::log(level, message);
}
