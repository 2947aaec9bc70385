//! Stores over stores: what every call passes through on its way to a driver.
//!
//! | module | its one job |
//! |---|---|
//! | `stack` | all layers of a mount, in their order, and their options |
//! | `cache` | remembers small values |
//! | `guarded` | the two traits over a store whose calls a policy makes |
//! | `policy` | what makes calls: one trait, and two of them as one |
//! | `retry`, `breaker`, `concurrency`, `timeout` | the policies |
//! | `clock` | where they have their time from |
//! | `observe` | tells an observer of each call, its time, its bytes and its outcome |
//! | `forward` | the two traits over an observed store |
//! | `atomic_objects` | small values as objects, for drivers that keep none |

mod atomic_objects;
mod breaker;
mod cache;
mod clock;
mod concurrency;
mod forward;
mod guarded;
mod observe;
mod policy;
mod retry;
#[cfg(test)]
mod scripted;
mod stack;
mod timeout;

pub use atomic_objects::AtomicObjects;
pub use breaker::{Breaker, BreakerOptions, BreakerState};
pub use cache::{CacheOptions, Cached};
pub use concurrency::{Concurrency, ConcurrencyOptions};
pub use guarded::Guarded;
pub use observe::{Observation, Observed, Observer, Operation, Outcome};
pub use policy::{Call, Chain, Policy};
pub use retry::{Retry, RetryOptions};
pub use stack::{LayerOptions, LayerState, Layers, Policies, Stack, cached, policies, stack};
pub use timeout::{Timeout, TimeoutOptions};
