//! The registry beside Debian's `docker-registry`, nginx and plain programs, in one run: `cargo xtask bench registry`.
//!
//! Every figure is a median over rounds in which all sides take turns, so that a machine whose speed drifts does so for all.
//! The sides serve the same directory, one at a time, to the same client.

mod crowd;
mod http;
mod memory;
mod plain;
mod pull;
mod push;
mod scene;
mod servers;
mod wrk;

use anyhow::Result;

use crate::scene::Scene;
use cofferdam_benches::aims::Table;

fn main() -> Result<()> {
    let scene = Scene::set()?;
    println!("{}\n", scene.describe());
    let mut table = Table::default();
    pull::measure(&scene, &mut table)?;
    push::measure(&scene, &mut table)?;
    memory::measure(&scene, &mut table)?;
    crowd::measure(&scene, &mut table)?;
    print!("{}", table.render());
    Ok(())
}
