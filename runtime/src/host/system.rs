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
        Ok(random(length)?)
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.resources.log.write(level, &message);
        if level == Level::Error {
            self.last_words.say(&message);
        }
        Ok(())
    }
}

/// Random bytes from the operating system: `length` of them, or [`RANDOM_MAX`] if that is fewer.
fn random(length: u32) -> Result<Vec<u8>, getrandom::Error> {
    let mut bytes = vec![0; length.min(RANDOM_MAX) as usize];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_bounded_and_differ() {
        assert!(random(0).unwrap().is_empty());
        assert_eq!(random(u32::MAX).unwrap().len(), RANDOM_MAX as usize);
        assert_ne!(random(32).unwrap(), random(32).unwrap());
    }
}
