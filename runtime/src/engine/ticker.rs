//! The thread that advances the engine's epoch: the clock of CPU budgets.

use crate::limits::{TICK, tick};

/// Ticks until `engine` is gone.
pub(super) fn start(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("cofferdam-ticker".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            tick();
            engine.increment_epoch();
        }
    })?;
    Ok(())
}
