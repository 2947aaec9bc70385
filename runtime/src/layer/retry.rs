//! Makes a call again that failed and may succeed later.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Clock;
use super::policy::{Call, Policy};
use crate::error::{Error, Result};

/// How often and how soon a call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// How often a call is made at most, with the first time. 4: what is not back within a second has an outage, and the client's own
    /// patience is worth more than the host's. 1 makes every call once.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with each further one. A pause is a random part of it (full jitter), so that
    /// callers who failed together do not come back together. 100 ms: a connection that was reset is made anew, a busy server has breath.
    pub wait: Duration,
    /// The longest pause of all. Also the longest `retry-after` that is waited for: where the backend wants more the error goes to the caller at
    /// once, who learns from it when to come again. 5 s: longer than that no client's connection should be held for nothing.
    pub wait_max: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { attempts: 4, wait: Duration::from_millis(100), wait_max: Duration::from_secs(5) }
    }
}

/// Makes calls again, if they are repeatable and failed with what is retryable (see [`Error::is_retryable`]).
#[derive(Debug)]
pub struct Retry {
    options: RetryOptions,
    clock: Clock,
    /// How often a call was made once more.
    retries: AtomicU64,
}

impl Retry {
    /// As `options` say.
    pub fn new(options: RetryOptions) -> Self {
        Self::with_clock(options, Clock::system())
    }

    pub(super) fn with_clock(options: RetryOptions, clock: Clock) -> Self {
        Self { options, clock, retries: AtomicU64::new(0) }
    }

    /// How often a call was made once more, since the start.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// How long to wait after attempt number `made` failed with `error`; `None` if it was the last.
    fn pause(&self, made: u32, error: &Error) -> Option<Duration> {
        let RetryOptions { attempts, wait, wait_max } = self.options;
        let told = Duration::from_millis(error.retry_after_ms().unwrap_or(0).into());
        if made >= attempts || !error.is_retryable() || told > wait_max {
            return None;
        }
        let longest = wait.saturating_mul(1_u32.checked_shl(made - 1).unwrap_or(u32::MAX)).min(wait_max);
        // Jitter comes on top of what the backend says: whoever it told the same would else come back together.
        Some(told + longest.mul_f64(part()))
    }
}

/// A random number between 0 and 1. A machine that has no randomness waits for the longest.
fn part() -> f64 {
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}

impl Policy for Retry {
    async fn run<T, F, A>(&self, call: Call, attempt: F) -> Result<T>
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send,
    {
        let mut made = 0;
        loop {
            let error = match attempt().await {
                Err(error) if call.repeatable => error,
                result => return result,
            };
            made += 1;
            let Some(pause) = self.pause(made, &error) else { return Err(error) };
            tracing::debug!(operation = call.operation.as_str(), made, ?pause, %error, "will be tried again");
            self.clock.wait(pause).await;
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::error::ErrorKind;
    use crate::layer::clock::manual::Manual;
    use crate::layer::observe::Operation;
    use crate::layer::scripted::error;

    /// How many attempts are made of a call that always fails with `failure`, its error, and the pauses between.
    async fn attempts(options: RetryOptions, call: Call, failure: Error) -> (u32, Error, Vec<Duration>) {
        let (time, made) = (Manual::jumping(), AtomicU32::new(0));
        let retry = Retry::with_clock(options, time.clock());
        let result = retry.run(call, || {
            made.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err::<(), _>(failure.clone()))
        });
        let error = result.await.unwrap_err();
        assert_eq!(retry.retries(), u64::from(made.load(Ordering::Relaxed) - 1));
        (made.into_inner(), error, time.waits())
    }

    fn read() -> Call {
        Call::repeatable(Operation::Stat)
    }

    #[tokio::test]
    async fn what_may_succeed_later_is_tried_as_often_as_is_said_with_growing_pauses() {
        for _ in 0..50 {
            let (made, error, pauses) = attempts(RetryOptions::default(), read(), error(ErrorKind::Unavailable)).await;
            assert_eq!((made, error.kind(), pauses.len()), (4, ErrorKind::Unavailable, 3));
            for (pause, longest) in pauses.iter().zip([100, 200, 400]) {
                assert!(*pause <= Duration::from_millis(longest), "{pauses:?}");
            }
        }
    }

    #[tokio::test]
    async fn pauses_differ_and_end_growing() {
        let options = RetryOptions { attempts: 40, wait_max: Duration::from_secs(1), ..RetryOptions::default() };
        let (made, _, pauses) = attempts(options, read(), error(ErrorKind::RateLimited)).await;
        assert_eq!(made, 40);
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(1)), "{pauses:?}");
        assert!(pauses.iter().collect::<std::collections::HashSet<_>>().len() > 30, "{pauses:?}");
    }

    #[tokio::test]
    async fn what_the_backend_wants_is_the_least_pause() {
        let busy = error(ErrorKind::Internal).with_retry_after_ms(700);
        let (made, _, pauses) = attempts(RetryOptions::default(), read(), busy).await;
        assert_eq!(made, 4);
        assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(700)), "{pauses:?}");
    }

    #[tokio::test]
    async fn a_pause_that_is_too_long_is_the_callers_to_make() {
        let away = error(ErrorKind::Unavailable).with_retry_after_ms(5001);
        let (made, error, pauses) = attempts(RetryOptions::default(), read(), away).await;
        assert_eq!((made, error.retry_after_ms(), pauses.len()), (1, Some(5001), 0));
    }

    #[tokio::test]
    async fn nothing_else_is_tried_again() {
        let once = RetryOptions { attempts: 1, ..RetryOptions::default() };
        let none = RetryOptions { attempts: 0, ..RetryOptions::default() };
        for (options, call, kind) in [
            (RetryOptions::default(), read(), ErrorKind::NotFound),
            (RetryOptions::default(), read(), ErrorKind::DeadlineExceeded),
            (RetryOptions::default(), Call::once(Operation::Rename), ErrorKind::Unavailable),
            (once, read(), ErrorKind::Unavailable),
            (none, read(), ErrorKind::Unavailable),
        ] {
            let (made, error, _) = attempts(options, call, error(kind)).await;
            assert_eq!((made, error.kind()), (1, kind));
        }
    }
}
