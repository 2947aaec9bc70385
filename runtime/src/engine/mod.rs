//! One wasmtime `Engine` for the process: settings, epoch ticker, ahead-of-time cache.

mod aot;
mod ticker;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;

use wasmtime::component::Component;
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

use crate::load::{Digest, LoadError};

/// How the engine is set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Where compiled drivers are kept, by digest and engine version; owner-only, made if missing. `None` keeps none.
    pub cache: Option<PathBuf>,
    /// How many instances of drivers may live at once, over all mounts.
    pub instances: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { cache: None, instances: 256 }
    }
}

impl EngineOptions {
    /// The defaults, with compiled drivers kept in `directory`.
    pub fn cached_in(directory: impl Into<PathBuf>) -> Self {
        Self { cache: Some(directory.into()), ..Self::default() }
    }
}

/// Compiles and runs drivers. Clones share it; a process needs one.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    cache: Option<PathBuf>,
    instances: u32,
}

impl Engine {
    /// An engine with `options`.
    ///
    /// # Errors
    /// [`LoadError::Engine`] if the machine cannot run one.
    pub fn new(options: EngineOptions) -> Result<Self, LoadError> {
        let pooled = wasmtime::Engine::new(&config(Some(pooling(options.instances))));
        // A machine whose address space is limited (`ulimit -v`, some containers) cannot reserve the pool: instances
        // are then allocated one by one, slower to make and as safe.
        let engine = pooled.or_else(|_| wasmtime::Engine::new(&config(None))).map_err(LoadError::engine)?;
        ticker::start(&engine).map_err(|error| LoadError::engine(error.into()))?;
        Ok(Self { engine, cache: options.cache, instances: options.instances })
    }

    /// The engine that this process shares, with the default options.
    ///
    /// # Errors
    /// [`LoadError::Engine`] if the machine cannot run one.
    pub fn shared() -> Result<Self, LoadError> {
        static SHARED: OnceLock<Engine> = OnceLock::new();
        if let Some(engine) = SHARED.get() {
            return Ok(engine.clone());
        }
        let engine = Self::new(EngineOptions::default())?;
        Ok(SHARED.get_or_init(|| engine).clone())
    }

    /// The wasmtime engine beneath.
    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// How many instances may live at once.
    pub(crate) fn instances(&self) -> u32 {
        self.instances
    }

    /// Compiles a component, or takes what an earlier process compiled.
    pub(crate) fn compile(&self, wasm: &[u8], digest: &Digest) -> wasmtime::Result<Component> {
        let compile = || match &self.cache {
            Some(directory) => aot::load_or_compile(&self.engine, directory, wasm, digest),
            None => Component::new(&self.engine, wasm),
        };
        // A file that nobody trusts meets a large compiler: what panics there is the file's refusal, not the host's end.
        let compiled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compile));
        compiled.unwrap_or_else(|_| Err(wasmtime::Error::msg("the compiler failed on it; please report the file to Cofferdam")))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("cache", &self.cache).field("instances", &self.instances).finish_non_exhaustive()
    }
}

fn config(pooling: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // Epochs, not fuel: two to three times cheaper, and a budget in time is what an operator thinks in.
        .epoch_interruption(true)
        // No WASI 0.3 in this contract: without it an empty call costs a tenth.
        .concurrency_support(false)
        // Not for drivers' own modules, each of which gets one: the adapters between the parts of a component that was
        // linked of several (QuickJS) use two, and without this the engine panics while it translates one.
        .wasm_multi_memory(true)
        // Nothing that storage drivers need; each is attack surface.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_custom_page_sizes(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(20))
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20);
    if let Some(pooling) = pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
    }
    config
}

fn pooling(instances: u32) -> PoolingAllocationConfig {
    let mut pooling = PoolingAllocationConfig::default();
    pooling
        .total_component_instances(instances)
        // A component that a language's tools made has up to eight core modules (runtime, adapter, shims).
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(8))
        .total_stacks(instances)
        // Interpreters (Python, StarlingMonkey) have large tables; the grant's own limit is below this.
        .table_elements(100_000)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        // What stays resident saves page faults when a slot is used again: a small driver's whole working set.
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(64);
    pooling
}
