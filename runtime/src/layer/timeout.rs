//! Ends a call that takes too long.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::clock::Clock;
use super::observe::Operation;
use super::policy::{Call, Policy};
use crate::error::{Error, ErrorKind, Result};

/// How long one attempt of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeoutOptions {
    /// The whole time of an attempt, but for its content. None: the grant's `no-progress` ends what hangs (60 s without a byte), and costs nothing
    /// here. A time that is shorter than that is for backends which had better be asked again.
    ///
    /// Completing an upload, copying and renaming are not held to it: a backend may work at them for minutes. Nor is content that arrives
    /// while the call runs.
    pub attempt: Option<Duration>,
    /// How many bytes of content a second an attempt must move at least: so much longer it may take. 64 KiB: a slow line between two towns.
    pub least_rate: u64,
}

impl Default for TimeoutOptions {
    fn default() -> Self {
        Self { attempt: None, least_rate: 64 << 10 }
    }
}

/// Answers `deadline-exceeded` for a call that takes too long, and stops it. The error is retryable: it has a `retry-after` of nothing.
#[derive(Clone, Debug)]
pub struct Timeout {
    options: TimeoutOptions,
    clock: Clock,
}

impl Timeout {
    /// As `options` say.
    pub fn new(options: TimeoutOptions) -> Self {
        Self::with_clock(options, Clock::system())
    }

    pub(super) fn with_clock(options: TimeoutOptions, clock: Clock) -> Self {
        Self { options, clock }
    }

    /// How long an attempt of `call` may take.
    fn time_for(&self, call: Call) -> Option<Duration> {
        let works_long = matches!(call.operation, Operation::CompleteUpload | Operation::Copy | Operation::Rename | Operation::Hold);
        let attempt = self.options.attempt.filter(|_| !works_long && !call.live)?;
        let seconds = call.bytes.unwrap_or(0) / self.options.least_rate.max(1);
        Some(attempt.saturating_add(Duration::from_secs(seconds)))
    }
}

impl Policy for Timeout {
    async fn run<T, F, A>(&self, call: Call, attempt: F) -> Result<T>
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send,
    {
        let Some(time) = self.time_for(call) else { return attempt().await };
        // A timer is made when the call waits for the first time, which many never do.
        let timer = async { self.clock.wait(time).await };
        match select(pin!(attempt()), pin!(timer)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                let message = format!("no answer within {time:?} (`timeout` under [mount.NAME.layers])");
                Err(Error::new(ErrorKind::DeadlineExceeded, message).with_retry_after_ms(0))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::pending;

    use futures::FutureExt;

    use super::*;
    use crate::layer::clock::manual::Manual;

    const SECOND: Duration = Duration::from_secs(1);

    fn second() -> TimeoutOptions {
        TimeoutOptions { attempt: Some(SECOND), ..TimeoutOptions::default() }
    }

    #[tokio::test]
    async fn a_call_that_never_answers_ends_and_may_be_tried_again() {
        let time = Manual::still();
        let timeout = Timeout::with_clock(second(), time.clock());
        let mut call = pin!(timeout.run(Call::once(Operation::Stat), pending::<Result<()>>));
        assert!(call.as_mut().now_or_never().is_none());
        time.advance(SECOND - Duration::from_millis(1));
        assert!(call.as_mut().now_or_never().is_none());
        time.advance(Duration::from_millis(1));
        let error = call.await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::DeadlineExceeded, true));
        assert!(error.message().contains("1s"), "{error}");
    }

    #[tokio::test]
    async fn what_is_ready_starts_no_timer() {
        let time = Manual::still();
        let timeout = Timeout::with_clock(second(), time.clock());
        assert_eq!(timeout.run(Call::once(Operation::Stat), || std::future::ready(Ok(7))).await.unwrap(), 7);
        assert!(time.waits().is_empty());
    }

    #[test]
    fn content_has_the_time_that_it_needs() {
        let timeout = Timeout::new(second());
        let put = Call::once(Operation::Put);
        assert_eq!(timeout.time_for(put), Some(SECOND));
        assert_eq!(timeout.time_for(Call { bytes: Some(640 << 10), ..put }), Some(11 * SECOND));
        assert_eq!(timeout.time_for(Call { live: true, ..put }), None);
        assert_eq!(timeout.time_for(Call::once(Operation::CompleteUpload)), None);
        assert_eq!(Timeout::new(TimeoutOptions::default()).time_for(put), None);
        let no_rate = TimeoutOptions { least_rate: 0, ..second() };
        assert!(Timeout::new(no_rate).time_for(Call { bytes: Some(u64::MAX), ..put }).is_some());
    }
}
