//! The runtime beside the same work done natively, in one run: `cargo xtask bench runtime`.
//!
//! Every figure is a median over rounds in which both sides take turns, so that a machine whose speed drifts does so for both.

mod bulk;
mod calls;
mod commits;
mod loading;
mod stage;
mod table;

use anyhow::{Context, Result};

use crate::stage::Stage;
use crate::table::Table;

fn main() -> Result<()> {
    // One current-thread runtime, as a host runs them: one a core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    runtime.block_on(async {
        let stage = Stage::set().await?;
        println!("{}\n", cofferdam_benches::machine());
        let mut table = Table::new(["work", "native", "sandbox", "ratio"]);
        calls::measure(&stage, &mut table).await?;
        loading::measure(&stage, &mut table).await?;
        bulk::measure(&stage, &mut table).await?;
        commits::measure(&stage, &mut table).await?;
        print!("{}", table.render());
        Ok(())
    })
}
