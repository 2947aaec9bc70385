//! The same small file store in every language, side by side in one run: `cargo xtask bench languages`.
//!
//! Each is its language's template, built as an author builds it. Every figure is a median over rounds in which all of them take turns.

mod costs;
mod made;
mod measure;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::costs::Costs;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let made = made::all(&target)?;
    let base = std::env::var_os("COFFERDAM_BENCH_DIR").map_or(target, PathBuf::from);
    let scratch = tempfile::tempdir_in(&base).with_context(|| format!("cannot make a directory in {}", base.display()))?;
    println!("{}\n", cofferdam_benches::machine());
    let mut costs: Vec<Costs> = made.iter().map(|made| Costs::new(made.name, made.component.len())).collect();
    measure::loading(&made, &mut costs, scratch.path())?;
    let mounts = measure::open(&made, scratch.path()).await?;
    measure::calls(&mounts, &mut costs).await?;
    measure::through_the_guest(&mounts, &mut costs).await?;
    measure::handed_over(&mounts, &mut costs, scratch.path()).await?;
    println!("{}\n{}", costs::table(&costs), costs::beside_rust(&costs));
    Ok(())
}
