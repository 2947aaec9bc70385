//! The rounds: loading, small calls, values through the guest, and a GiB past it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Condition, Content, Driver, Engine, EngineOptions, Mount, MountOptions, StorePath, StreamingStore,
};
use cofferdam_benches::large;

use crate::costs::{Costs, VALUE};
use crate::made::Made;

const COMPILED: usize = 3;
const LOADED: usize = 11;
const CALLED: usize = 21;
/// Calls of one round on a warm instance.
const WARM: u32 = 500;
const VALUES: usize = 21;
const LARGE: usize = 15;

/// Compiled, and from the ahead-of-time cache.
pub(crate) fn loading(made: &[Made], costs: &mut [Costs], scratch: &Path) -> Result<()> {
    let uncached = Engine::new(EngineOptions::default())?;
    let cached = engine(scratch)?;
    for _ in 0..COMPILED {
        for (made, costs) in made.iter().zip(&mut *costs) {
            costs.compile.push(load(&uncached, made)?);
        }
    }
    // One round more than is counted: the first fills the cache.
    for round in 0..=LOADED {
        for (made, costs) in made.iter().zip(&mut *costs) {
            let took = load(&cached, made)?;
            if round > 0 {
                costs.cached.push(took);
            }
        }
    }
    Ok(())
}

fn engine(scratch: &Path) -> Result<Engine> {
    Ok(Engine::new(EngineOptions::cached_in(scratch.join("cache")))?)
}

fn load(engine: &Engine, made: &Made) -> Result<Duration> {
    let start = Instant::now();
    black_box(Driver::load(engine, &made.component, None).with_context(|| format!("loading the driver in {}", made.name))?);
    Ok(start.elapsed())
}

/// A store of each, with what its template is granted, in a directory of its own.
pub(crate) async fn open(made: &[Made], scratch: &Path) -> Result<Vec<Mount>> {
    let engine = engine(scratch)?;
    let mut mounts = Vec::new();
    for (index, made) in made.iter().enumerate() {
        let host = scratch.join(format!("data-{index}"));
        std::fs::create_dir(&host)?;
        let mut grant = made.grant.clone();
        let directory = grant.directories.first_mut().with_context(|| format!("the template in {} is granted no directory", made.name))?;
        directory.host = host;
        let driver = Driver::load(&engine, &made.component, None)?;
        let mount = Mount::open(&driver, &grant, MountOptions::default()).await;
        mounts.push(mount.with_context(|| format!("opening the driver in {}", made.name))?);
    }
    Ok(mounts)
}

/// `stat` on a fresh instance and on a warm one, and the memory of the latter.
pub(crate) async fn calls(mounts: &[Mount], costs: &mut [Costs]) -> Result<()> {
    let path = StorePath::new("/bench/small")?;
    for store in mounts {
        StreamingStore::put(store, &path, Content::from_bytes(vec![7; 4096]), Condition::Unconditional).await?;
    }
    for _ in 0..CALLED {
        for (store, costs) in mounts.iter().zip(&mut *costs) {
            store.empty_pool().await;
            let start = Instant::now();
            black_box(store.stat(&path).await?);
            costs.cold.push(start.elapsed());
            let start = Instant::now();
            for _ in 0..WARM {
                black_box(store.stat(&path).await?);
            }
            costs.warm.push(start.elapsed() / WARM);
        }
    }
    for (store, costs) in mounts.iter().zip(costs) {
        let stats = store.stats();
        ensure!(stats.instances_live == 1, "one caller has {} instances", stats.instances_live);
        costs.memory = stats.guest_memory;
    }
    Ok(())
}

/// The largest value, put and got: the one content that these drivers hold in their own memory.
pub(crate) async fn through_the_guest(mounts: &[Mount], costs: &mut [Costs]) -> Result<()> {
    let key = AtomicKey::new("bench/value")?;
    let value: Bytes = large::frame().iter().copied().cycle().take(VALUE).collect::<Vec<_>>().into();
    for _ in 0..VALUES {
        for (store, costs) in mounts.iter().zip(&mut *costs) {
            let start = Instant::now();
            AtomicStore::put(store, &key, value.clone(), Condition::Unconditional).await?;
            costs.value_put.push(start.elapsed());
            let start = Instant::now();
            let got = store.get(&key).await?;
            costs.value_get.push(start.elapsed());
            ensure!(got.data == value, "a value came back as another");
        }
    }
    Ok(())
}

/// A GiB of a file's content, put and read, whose bytes stay in the host.
pub(crate) async fn handed_over(mounts: &[Mount], costs: &mut [Costs], scratch: &Path) -> Result<()> {
    let source = scratch.join("source");
    large::native_write(&source, &large::frame())?;
    let path = StorePath::new("/bench/large")?;
    // One round more than is counted: the first touches the pages of the source, and of the files that later ones reuse.
    for round in 0..=LARGE {
        // Each is the first as often as the others are: whoever comes after another finds its caches and its freed pages.
        for turn in 0..mounts.len() {
            let at = (turn + round) % mounts.len();
            let (Some(store), Some(costs)) = (mounts.get(at), costs.get_mut(at)) else { continue };
            let start = Instant::now();
            large::put_file(store, &path, &source).await?;
            let written = start.elapsed();
            let start = Instant::now();
            large::drain(store.open(&path, ByteRange::Whole).await?.content).await?;
            let read = start.elapsed();
            // Only one is there at a time: seven might not fit into memory, where reading is to be measured.
            StreamingStore::remove(store, std::slice::from_ref(&path)).await?;
            if round > 0 {
                costs.written.push(written);
                costs.read.push(read);
            }
        }
    }
    Ok(())
}
