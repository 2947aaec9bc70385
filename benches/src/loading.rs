//! Loading a driver: compiled, and from the ahead-of-time cache.

use std::time::Instant;

use anyhow::Result;
use cofferdam::{Driver, Engine, EngineOptions};
use cofferdam_benches::median;

use crate::stage::Stage;
use crate::table::Table;

pub(crate) async fn measure(stage: &Stage, table: &mut Table) -> Result<()> {
    let uncached = Engine::new(EngineOptions::default())?;
    for name in ["filesystem", "skeleton-python"] {
        let Ok(bytes) = std::fs::read(stage.drivers.join(format!("{name}.wasm"))) else { continue };
        // The skeleton imports interfaces that come later: it compiles, and is refused after that, which takes no time.
        let rounds = if bytes.len() > 1 << 20 { 3 } else { 11 };
        let mut compile = Vec::new();
        for _ in 0..rounds {
            let start = Instant::now();
            let _ = Driver::load(&uncached, &bytes, None);
            compile.push(start.elapsed());
        }
        table.times(&format!("compile and load {name} ({} KiB)", bytes.len() >> 10), None, median(compile));
        let _ = Driver::load(&stage.engine, &bytes, None);
        let mut cached = Vec::new();
        for _ in 0..21 {
            let start = Instant::now();
            let _ = Driver::load(&stage.engine, &bytes, None);
            cached.push(start.elapsed());
        }
        table.times(&format!("load {name} from the cache"), None, median(cached));
    }
    Ok(())
}
