//! Where layers have their time from: the machine, and in tests a clock that they turn by hand.
//!
//! tokio's own paused time needs its feature `test-util`, which would compile wasmtime's WASI host a second time for tests.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

/// Tells the time and waits. Clones are of the same clock.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Time>);

/// A source of time.
pub(super) trait Time: Send + Sync {
    /// The moment that it is.
    fn now(&self) -> Instant;

    /// Ready when `duration` has passed.
    fn wait(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

impl Clock {
    /// The machine's clock.
    pub(super) fn system() -> Self {
        Self(Arc::new(System))
    }

    /// The moment that it is.
    pub(super) fn now(&self) -> Instant {
        self.0.now()
    }

    /// Ready when `duration` has passed.
    pub(super) fn wait(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.wait(duration)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

struct System;

impl Time for System {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod manual {
    //! A clock that stands still until a test turns it, or that jumps ahead to whatever is waited for.

    use std::sync::Mutex;

    use tokio::sync::oneshot;

    use super::{Arc, BoxFuture, Clock, Duration, Instant, Time};

    /// A clock in a test's hands.
    pub(in crate::layer) struct Manual {
        state: Mutex<State>,
        jumps: bool,
    }

    struct State {
        now: Instant,
        waits: Vec<Duration>,
        sleepers: Vec<(Instant, oneshot::Sender<()>)>,
    }

    impl Manual {
        /// A clock that stands still until [`Manual::advance`].
        pub(in crate::layer) fn still() -> Arc<Self> {
            Arc::new(Self::new(false))
        }

        /// A clock that is ahead by what anybody waits for as soon as he waits.
        pub(in crate::layer) fn jumping() -> Arc<Self> {
            Arc::new(Self::new(true))
        }

        fn new(jumps: bool) -> Self {
            Self { state: Mutex::new(State { now: Instant::now(), waits: Vec::new(), sleepers: Vec::new() }), jumps }
        }

        /// For a layer.
        pub(in crate::layer) fn clock(self: &Arc<Self>) -> Clock {
            Clock(self.clone())
        }

        /// Turns it, and wakes whoever has waited long enough.
        pub(in crate::layer) fn advance(&self, duration: Duration) {
            let mut state = self.state.lock().unwrap();
            state.now += duration;
            let now = state.now;
            let (due, waiting) = std::mem::take(&mut state.sleepers).into_iter().partition(|(deadline, _)| *deadline <= now);
            state.sleepers = waiting;
            drop(state);
            let due: Vec<(Instant, oneshot::Sender<()>)> = due;
            for (_, sleeper) in due {
                let _ = sleeper.send(());
            }
        }

        /// What was waited for so far.
        pub(in crate::layer) fn waits(&self) -> Vec<Duration> {
            self.state.lock().unwrap().waits.clone()
        }
    }

    impl Time for Manual {
        fn now(&self) -> Instant {
            self.state.lock().unwrap().now
        }

        fn wait(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let mut state = self.state.lock().unwrap();
            state.waits.push(duration);
            if self.jumps {
                state.now += duration;
                return Box::pin(tokio::task::yield_now());
            }
            let (wake, woken) = oneshot::channel();
            let deadline = state.now + duration;
            state.sleepers.push((deadline, wake));
            Box::pin(async move {
                let _ = woken.await;
            })
        }
    }
}
