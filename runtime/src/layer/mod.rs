//! Stores over stores: what every call passes through on its way to a driver.
//!
//! | module | its one job |
//! |---|---|
//! | `observe` | tells an observer of each call, its time, its bytes and its outcome |
//! | `forward` | the two traits over an observed store |
//! | `atomic_objects` | small values as objects, for drivers that keep none |

mod atomic_objects;
mod forward;
mod observe;

pub use atomic_objects::AtomicObjects;
pub use observe::{Observation, Observed, Observer, Operation, Outcome};
