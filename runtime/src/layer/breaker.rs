//! Leaves a backend alone that does not answer: calls are refused at once, until a single one has shown that it is back.

use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::policy::{Call, Policy};
use crate::error::{Error, ErrorKind, Result};

/// When a backend is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerOptions {
    /// After so many failures in a row, with nothing between them that the backend answered. 20: a server that restarts drops as many calls as are in
    /// flight and is back at once; one that is away fails that many in a moment. 0: never.
    pub failures: u32,
    /// How long it is then left alone, and again after a probe that failed. 10 s: soon enough for a client that asks again, and a backend that
    /// struggles gets one call in that time instead of thousands.
    pub open: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 20, open: Duration::from_secs(10) }
    }
}

/// The longest `retry-after` of a backend that keeps its breaker open.
const TOLD_MAX: Duration = Duration::from_secs(60);

/// When to come again while a probe is under way.
const PROBING: Duration = Duration::from_secs(1);

/// A circuit breaker. `closed` it lets every call through; `open` it answers `unavailable` with `retry-after`; when its time is over it is `half-open`: one
/// call at a time goes through, and closes it if the backend answers, whatever it answers.
///
/// A failure is `unavailable` or `deadline-exceeded`. A call whose content arrives while it runs is no witness of failure: its client
/// may be the one who went away.
#[derive(Debug)]
pub struct Breaker {
    name: Arc<str>,
    options: BreakerOptions,
    clock: Clock,
    /// Even while it is closed. Calls of an earlier closed time are no witnesses of this one.
    generation: AtomicU64,
    /// Failures in a row.
    failures: AtomicU32,
    tripped: Mutex<Tripped>,
    /// How many calls were refused.
    refused: AtomicU64,
}

/// Whether a [`Breaker`] lets calls through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All of them.
    Closed,
    /// None.
    Open,
    /// One at a time, to see whether the backend is back.
    HalfOpen,
}

/// What there is to know while it is not closed.
#[derive(Debug)]
struct Tripped {
    until: Instant,
    probing: bool,
}

/// What a call says of the backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Witness {
    Answered,
    Failed,
    /// It failed of what the driver did, or of what the host finds: the backend may not have been asked.
    Neither,
}

impl Breaker {
    /// Of the mount `name`, which is what it is called in the log.
    pub fn new(name: &str, options: BreakerOptions) -> Self {
        Self::with_clock(name, options, Clock::system())
    }

    pub(super) fn with_clock(name: &str, options: BreakerOptions, clock: Clock) -> Self {
        let tripped = Mutex::new(Tripped { until: clock.now(), probing: false });
        Self { name: name.into(), options, clock, generation: AtomicU64::new(0), failures: AtomicU32::new(0), tripped, refused: AtomicU64::new(0) }
    }

    /// Whether it lets calls through at this moment.
    pub fn state(&self) -> BreakerState {
        let tripped = self.tripped();
        match self.generation.load(Ordering::Acquire).is_multiple_of(2) {
            true => BreakerState::Closed,
            false if self.clock.now() < tripped.until => BreakerState::Open,
            false => BreakerState::HalfOpen,
        }
    }

    /// How many calls it has refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn tripped(&self) -> MutexGuard<'_, Tripped> {
        self.tripped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call through, as a probe perhaps, or refuses it.
    fn admit(&self) -> Result<(u64, Option<Probe<'_>>)> {
        let generation = self.generation.load(Ordering::Acquire);
        if generation.is_multiple_of(2) {
            return Ok((generation, None));
        }
        let mut tripped = self.tripped();
        let generation = self.generation.load(Ordering::Acquire);
        if generation.is_multiple_of(2) {
            return Ok((generation, None));
        }
        let left = tripped.until.saturating_duration_since(self.clock.now());
        if left.is_zero() && !tripped.probing {
            tripped.probing = true;
            return Ok((generation, Some(Probe { breaker: self })));
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        let left = if left.is_zero() { PROBING.min(self.options.open) } else { left };
        let milliseconds = u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1);
        let message =
            format!("mount {}: its backend does not answer and is left alone for the moment (`breaker` under [mount.NAME.layers])", self.name);
        Err(Error::new(ErrorKind::Unavailable, message).with_retry_after_ms(milliseconds))
    }

    /// An ordinary call has failed.
    fn failed(&self, generation: u64, told: Duration) {
        if self.failures.fetch_add(1, Ordering::AcqRel) + 1 < self.options.failures {
            return;
        }
        let mut tripped = self.tripped();
        if self.generation.load(Ordering::Acquire) != generation {
            return;
        }
        let open = self.options.open.max(told);
        *tripped = Tripped { until: self.clock.now() + open, probing: false };
        self.generation.store(generation + 1, Ordering::Release);
        tracing::warn!(mount = %self.name, failures = self.options.failures, ?open, "the backend does not answer: it is left alone");
    }

    /// A probe has ended.
    fn probed(&self, witness: Witness, told: Duration) {
        let mut tripped = self.tripped();
        match witness {
            Witness::Answered => {
                self.failures.store(0, Ordering::Release);
                self.generation.fetch_add(1, Ordering::AcqRel);
                tracing::info!(mount = %self.name, "the backend answers again");
            }
            Witness::Failed => tripped.until = self.clock.now() + self.options.open.max(told),
            Witness::Neither => {}
        }
    }
}

/// A probe that is under way. The next may come when it is dropped.
struct Probe<'a> {
    breaker: &'a Breaker,
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.breaker.tripped().probing = false;
    }
}

fn witness<T>(call: Call, result: &Result<T>) -> Witness {
    match result.as_ref().map_err(Error::kind) {
        Ok(_) => Witness::Answered,
        Err(ErrorKind::Unavailable | ErrorKind::DeadlineExceeded) if call.live => Witness::Neither,
        Err(ErrorKind::Unavailable | ErrorKind::DeadlineExceeded) => Witness::Failed,
        Err(ErrorKind::Internal | ErrorKind::Trapped | ErrorKind::Overloaded | ErrorKind::Misbehaved) => Witness::Neither,
        Err(ErrorKind::InvalidArgument | ErrorKind::InvalidPath | ErrorKind::Unsupported) => Witness::Neither,
        Err(_) => Witness::Answered,
    }
}

impl Policy for Breaker {
    async fn run<T, F, A>(&self, call: Call, attempt: F) -> Result<T>
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send,
    {
        let (generation, probe) = self.admit()?;
        let result = attempt().await;
        let told =
            || result.as_ref().err().and_then(Error::retry_after_ms).map_or(Duration::ZERO, |ms| Duration::from_millis(ms.into())).min(TOLD_MAX);
        match (witness(call, &result), probe) {
            (witness, Some(probe)) => {
                self.probed(witness, told());
                drop(probe);
            }
            (Witness::Answered, None) if self.failures.load(Ordering::Relaxed) != 0 && self.is(generation) => {
                self.failures.store(0, Ordering::Release)
            }
            (Witness::Failed, None) if self.options.failures > 0 && self.is(generation) => self.failed(generation, told()),
            _ => {}
        }
        result
    }
}

impl Breaker {
    /// Whether it has neither opened nor closed since it was of this `generation`.
    fn is(&self, generation: u64) -> bool {
        self.generation.load(Ordering::Acquire) == generation
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;
    use crate::layer::clock::manual::Manual;
    use crate::layer::observe::Operation;
    use crate::layer::scripted::error;

    const OPEN: Duration = Duration::from_secs(10);

    fn three() -> BreakerOptions {
        BreakerOptions { failures: 3, open: OPEN }
    }

    fn call() -> Call {
        Call::repeatable(Operation::Stat)
    }

    async fn ask(breaker: &Breaker, result: Result<()>) -> Result<(), Error> {
        breaker.run(call(), || ready(result.clone())).await
    }

    async fn fail(breaker: &Breaker, kind: ErrorKind) {
        assert_eq!(ask(breaker, Err(error(kind))).await.unwrap_err().message(), "as scripted");
    }

    /// After how many milliseconds a caller whom it refuses should come again; `None` if it lets him through.
    async fn refused(breaker: &Breaker) -> Option<u32> {
        let refusal = ask(breaker, Err(error(ErrorKind::NotFound))).await.unwrap_err();
        if refusal.kind() == ErrorKind::NotFound {
            return None;
        }
        assert_eq!(refusal.kind(), ErrorKind::Unavailable);
        assert!(refusal.message().contains("left alone"), "{refusal}");
        refusal.retry_after_ms()
    }

    #[tokio::test]
    async fn it_opens_after_so_many_failures_in_a_row_and_closes_when_a_probe_is_answered() {
        let time = Manual::still();
        let breaker = Breaker::with_clock("main", three(), time.clock());
        for kind in [ErrorKind::Unavailable, ErrorKind::DeadlineExceeded, ErrorKind::Unavailable] {
            fail(&breaker, kind).await;
        }
        assert_eq!(refused(&breaker).await, Some(10_000));
        time.advance(OPEN - Duration::from_millis(1));
        assert_eq!(refused(&breaker).await, Some(1));
        time.advance(Duration::from_millis(1));
        fail(&breaker, ErrorKind::Unavailable).await;
        assert_eq!(refused(&breaker).await, Some(10_000), "a probe that fails leaves it open as long again");
        time.advance(OPEN);
        assert_eq!(refused(&breaker).await, None, "a backend that has nothing there is one that answers");
        fail(&breaker, ErrorKind::Unavailable).await;
        fail(&breaker, ErrorKind::Unavailable).await;
        assert_eq!(refused(&breaker).await, None, "the count begins anew");
    }

    #[tokio::test]
    async fn an_answer_between_failures_keeps_it_closed() {
        let breaker = Breaker::with_clock("main", three(), Manual::still().clock());
        for _ in 0..5 {
            fail(&breaker, ErrorKind::Unavailable).await;
            fail(&breaker, ErrorKind::Unavailable).await;
            fail(&breaker, ErrorKind::PreconditionFailed).await;
        }
        assert_eq!(refused(&breaker).await, None);
    }

    #[tokio::test]
    async fn what_is_no_failure_of_the_backend_does_not_open_it() {
        let breaker = Breaker::with_clock("main", three(), Manual::still().clock());
        for kind in [ErrorKind::Trapped, ErrorKind::Overloaded, ErrorKind::Misbehaved, ErrorKind::RateLimited].repeat(3) {
            fail(&breaker, kind).await;
        }
        let client = Call { live: true, ..Call::once(Operation::WritePart) };
        for _ in 0..10 {
            let gone = || ready(Err::<(), _>(error(ErrorKind::Unavailable)));
            assert!(breaker.run(client, gone).await.is_err());
        }
        assert_eq!(refused(&breaker).await, None, "clients that go away open nothing");
        let never = Breaker::with_clock("main", BreakerOptions { failures: 0, ..three() }, Manual::still().clock());
        for _ in 0..100 {
            fail(&never, ErrorKind::Unavailable).await;
        }
    }

    #[tokio::test]
    async fn one_probe_at_a_time_and_one_that_is_dropped_makes_room() {
        let time = Manual::still();
        let breaker = Breaker::with_clock("main", three(), time.clock());
        for _ in 0..3 {
            fail(&breaker, ErrorKind::Unavailable).await;
        }
        time.advance(OPEN);
        {
            let mut probe = pin!(breaker.run(call(), pending::<Result<()>>));
            assert!(probe.as_mut().now_or_never().is_none());
            assert_eq!(refused(&breaker).await, Some(1000));
        }
        assert!(ask(&breaker, Ok(())).await.is_ok());
        assert_eq!(refused(&breaker).await, None);
    }

    #[tokio::test]
    async fn calls_from_before_it_opened_are_no_witnesses_afterwards() {
        let time = Manual::still();
        let breaker = Breaker::with_clock("main", three(), time.clock());
        let slow = |answer: tokio::sync::oneshot::Receiver<Result<()>>| {
            let answer = answer.shared();
            let breaker = &breaker;
            async move { breaker.run(call(), || answer.clone().map(|told| told.unwrap())).await }
        };
        let (tells, answers): (Vec<_>, Vec<_>) = (0..4).map(|_| tokio::sync::oneshot::channel()).unzip();
        let mut slow: Vec<_> = answers.into_iter().map(|answer| Box::pin(slow(answer))).collect();
        for call in &mut slow {
            assert!(call.now_or_never().is_none());
        }
        for _ in 0..3 {
            fail(&breaker, ErrorKind::Unavailable).await;
        }
        let mut tells = tells.into_iter();
        tells.next().unwrap().send(Ok(())).unwrap();
        assert!(slow.remove(0).await.is_ok());
        assert!(refused(&breaker).await.is_some(), "only a probe closes it");
        time.advance(OPEN);
        assert!(ask(&breaker, Ok(())).await.is_ok());
        for (tell, call) in tells.zip(slow) {
            tell.send(Err(error(ErrorKind::DeadlineExceeded))).unwrap();
            assert!(call.await.is_err());
        }
        assert_eq!(refused(&breaker).await, None, "what had hung since does not open it again");
    }

    #[tokio::test]
    async fn it_stays_open_as_long_as_the_backend_wants() {
        let time = Manual::still();
        let breaker = Breaker::with_clock("main", BreakerOptions { failures: 1, ..three() }, time.clock());
        assert!(ask(&breaker, Err(error(ErrorKind::Unavailable).with_retry_after_ms(20_000))).await.is_err());
        assert_eq!(refused(&breaker).await, Some(20_000));
        time.advance(Duration::from_secs(20));
        assert!(ask(&breaker, Err(error(ErrorKind::Unavailable).with_retry_after_ms(u32::MAX))).await.is_err());
        assert_eq!(refused(&breaker).await, Some(60_000));
    }
}
