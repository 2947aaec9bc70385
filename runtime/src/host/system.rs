//! The interface `system`: time, randomness, log.

use std::time::{SystemTime, UNIX_EPOCH};

use super::state::State;
use crate::bindings::cofferdam::storage::system::{Host, Level};

/// The most random bytes of one call (contract: `system.random`).
const RANDOM_MAX: u32 = 64 << 10;

impl Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; length.min(RANDOM_MAX) as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        Ok(bytes)
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.resources.log.write(level, &message);
        Ok(())
    }
}
