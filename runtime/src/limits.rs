//! What one instance may use: memory, tables, instances and CPU time, counted where the engine asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::grant::Limits;

/// How long one tick is: the grain of CPU budgets, and the longest that a guest keeps its thread from other tasks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ticks since the process began, of all engines' tickers together.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Counts one tick.
pub(crate) fn tick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// A limit that a guest ran into. It ends the instance.
#[derive(Debug)]
pub(crate) enum Exhausted {
    /// CPU time.
    Cpu(Duration),
    /// Anything else, in words.
    Resource(String),
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu(budget) => write!(f, "the call used up its CPU budget of {budget:?} (`cpu` or, while starting, `start` under [limits])"),
            Self::Resource(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Exhausted {}

/// Time that a call may spend in the guest, in ticks.
#[derive(Debug)]
pub(crate) struct CpuBudget {
    budget: Duration,
    left: u64,
    host_since: u64,
    excused: bool,
}

impl CpuBudget {
    pub(crate) fn new(budget: Duration) -> Self {
        Self { budget, left: ticks_of(budget), host_since: 0, excused: false }
    }

    /// A fresh budget, for the next call.
    pub(crate) fn refill(&mut self, budget: Duration) {
        *self = Self::new(budget);
    }

    /// The guest waits for the host from here on.
    pub(crate) fn enter_host(&mut self) {
        self.host_since = TICKS.load(Ordering::Relaxed);
    }

    /// The guest goes on. If ticks passed meanwhile the engine will notice one at the guest's next step: that one is not its own.
    pub(crate) fn leave_host(&mut self) {
        self.excused |= TICKS.load(Ordering::Relaxed) != self.host_since;
    }

    /// The engine saw that the epoch has moved on: lets other tasks run, or ends the guest.
    pub(crate) fn charge(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if std::mem::take(&mut self.excused) {
            return Ok(UpdateDeadline::Yield(1));
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(UpdateDeadline::Yield(1))
            }
            None => Err(Exhausted::Cpu(self.budget).into()),
        }
    }
}

fn ticks_of(budget: Duration) -> u64 {
    u64::try_from(budget.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Memory, tables and instances of one instance, held against its limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_limit: u64,
    table_limit: u64,
    instances: usize,
    memory: u64,
    tables: u64,
    /// Linear memory of all instances of the mount.
    total: Arc<AtomicU64>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits, total: Arc<AtomicU64>) -> Self {
        Self {
            memory_limit: limits.memory,
            table_limit: u64::from(limits.table_elements),
            instances: limits.instances as usize,
            memory: 0,
            tables: 0,
            total,
        }
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.total.fetch_sub(self.memory, Ordering::Relaxed);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.memory.saturating_add(more) > self.memory_limit {
            let message =
                format!("the driver needs more memory than its limit of {} (`memory` under [limits])", bytesize::ByteSize(self.memory_limit));
            return Err(Exhausted::Resource(message).into());
        }
        self.memory += more;
        self.total.fetch_add(more, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.tables.saturating_add(more) > self.table_limit {
            let message = format!("the driver needs more table elements than its limit of {} (`table-elements` under [limits])", self.table_limit);
            return Err(Exhausted::Resource(message).into());
        }
        self.tables += more;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_an_instances_memories() {
        let total = Arc::new(AtomicU64::new(0));
        let mut limiter = Limiter::new(&Limits { memory: 100, ..Limits::default() }, total.clone());
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 60, None).unwrap_err().to_string().contains("`memory` under [limits]"));
        assert_eq!(total.load(Ordering::Relaxed), 60);
        drop(limiter);
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_budget_ends_and_host_time_is_excused() {
        let mut budget = CpuBudget::new(TICK * 2);
        budget.enter_host();
        tick();
        budget.leave_host();
        assert!(budget.charge().is_ok() && budget.charge().is_ok() && budget.charge().is_ok());
        assert!(budget.charge().is_err());
    }
}
