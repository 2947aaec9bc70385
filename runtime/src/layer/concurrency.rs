//! Asks a backend for less at once when it says `rate-limited`, and slowly for more again.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::Notify;

use super::clock::Clock;
use super::policy::{Call, Policy};
use crate::error::{Error, ErrorKind, Result};

/// How many calls a backend is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyOptions {
    /// At most, as long as it does not complain. 1,024: no bound in practice, since the grant's `calls-in-flight` is lower; the way back up has an end.
    pub most: u32,
    /// At least, however much it complains. 1: somebody has to find out that it does not any more.
    pub least: u32,
    /// How long a call waits for its turn before it is answered `overloaded`. 30 s: half of what clients and proxies wait.
    pub patience: Duration,
}

impl Default for ConcurrencyOptions {
    fn default() -> Self {
        Self { most: 1024, least: 1, patience: Duration::from_secs(30) }
    }
}

/// A limit of calls at once that adapts: `rate-limited` halves it, as many successes as it allows calls add one (additive increase, multiplicative
/// decrease). Calls that had begun before it was halved do not halve it once more.
///
/// What an opened object's content still moves is not counted.
#[derive(Debug)]
pub struct Concurrency {
    name: Arc<str>,
    options: ConcurrencyOptions,
    clock: Clock,
    limit: AtomicUsize,
    in_flight: AtomicUsize,
    waiting: AtomicUsize,
    turn: Notify,
    /// How often the limit was lowered.
    cuts: AtomicU64,
    /// Successes since the limit changed, while it is below the most.
    successes: AtomicUsize,
}

impl Concurrency {
    /// Of the mount `name`, which is what it is called in the log.
    pub fn new(name: &str, options: ConcurrencyOptions) -> Self {
        Self::with_clock(name, options, Clock::system())
    }

    pub(super) fn with_clock(name: &str, options: ConcurrencyOptions, clock: Clock) -> Self {
        let limit = AtomicUsize::new((options.most as usize).max(options.least as usize).max(1));
        Self {
            name: name.into(),
            options,
            clock,
            limit,
            in_flight: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            turn: Notify::new(),
            cuts: AtomicU64::new(0),
            successes: AtomicUsize::new(0),
        }
    }

    /// How many calls it allows at once now.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// How many calls wait for their turn at this moment.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn most(&self) -> usize {
        (self.options.most as usize).max(self.least())
    }

    fn least(&self) -> usize {
        (self.options.least as usize).max(1)
    }

    fn try_enter(&self) -> Option<Turn<'_>> {
        let more = |calls| (calls < self.limit.load(Ordering::SeqCst)).then_some(calls + 1);
        self.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(Turn { of: self, cuts: self.cuts.load(Ordering::Relaxed) })
    }

    async fn enter(&self) -> Result<Turn<'_>> {
        match self.try_enter() {
            Some(turn) => Ok(turn),
            None => self.wait().await,
        }
    }

    async fn wait(&self) -> Result<Turn<'_>> {
        let _waiting = Waiting::new(&self.waiting);
        let mut patience = self.clock.wait(self.options.patience);
        loop {
            let mut woken = pin!(self.turn.notified());
            // From here on whoever leaves wakes somebody: what became free before is seen by the next line.
            woken.as_mut().enable();
            if let Some(turn) = self.try_enter() {
                return Ok(turn);
            }
            if let Either::Right(_) = select(woken, &mut patience).await {
                let (limit, patience) = (self.limit(), self.options.patience);
                let message =
                    format!("mount {}: its backend takes {limit} calls at once for the moment, and none ended within {patience:?}", self.name);
                return Err(Error::new(ErrorKind::Overloaded, message));
            }
        }
    }

    fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.turn.notify_one();
        }
    }

    /// The backend complained about a call that began after `cuts` cuts.
    fn lower(&self, cuts: u64) {
        // One complaint a round: the other calls in flight were sent when the limit was still the old one.
        if self.cuts.compare_exchange(cuts, cuts + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let half = |limit: usize| Some((limit.min(in_flight) / 2).max(self.least()));
        let former = self.limit.fetch_update(Ordering::SeqCst, Ordering::SeqCst, half).unwrap_or_else(|limit| limit);
        self.successes.store(0, Ordering::Relaxed);
        if former == self.most() {
            tracing::warn!(mount = %self.name, limit = self.limit(), "the backend wants fewer calls at once");
        }
    }

    /// A call did what was asked.
    fn succeeded(&self) {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit >= self.most() || self.successes.fetch_add(1, Ordering::Relaxed) + 1 < limit {
            return;
        }
        self.successes.store(0, Ordering::Relaxed);
        if self.limit.compare_exchange(limit, limit + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
            self.wake();
        }
    }
}

/// A call in flight.
struct Turn<'a> {
    of: &'a Concurrency,
    /// How often the limit had been lowered when it began.
    cuts: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.of.wake();
    }
}

/// A call that waits for its turn.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Policy for Concurrency {
    async fn run<T, F, A>(&self, _call: Call, attempt: F) -> Result<T>
    where
        T: Send,
        F: Fn() -> A + Send + Sync,
        A: Future<Output = Result<T>> + Send,
    {
        let turn = self.enter().await?;
        let result = attempt().await;
        match &result {
            Ok(_) => self.succeeded(),
            Err(error) if error.kind() == ErrorKind::RateLimited => self.lower(turn.cuts),
            Err(_) => {}
        }
        result
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;
    use futures::future::BoxFuture;
    use tokio::sync::oneshot;

    use super::*;
    use crate::layer::clock::manual::Manual;
    use crate::layer::observe::Operation;
    use crate::layer::scripted::error;

    type Tell = oneshot::Sender<Result<()>>;

    fn call() -> Call {
        Call::repeatable(Operation::Stat)
    }

    fn limited(most: u32, time: &Arc<Manual>) -> Concurrency {
        Concurrency::with_clock("main", ConcurrencyOptions { most, ..ConcurrencyOptions::default() }, time.clock())
    }

    async fn ask(concurrency: &Concurrency, result: Result<()>) -> Result<()> {
        concurrency.run(call(), || ready(result.clone())).await
    }

    /// `n` calls in flight, each with what ends it.
    fn hanging(concurrency: &Concurrency, n: usize) -> Vec<(Tell, BoxFuture<'_, Result<()>>)> {
        let hang = || {
            let (tell, told) = oneshot::channel();
            let told = told.shared();
            let call = async move { concurrency.run(call(), || told.clone().map(|told| told.unwrap())).await };
            (tell, call.boxed())
        };
        let mut calls: Vec<_> = (0..n).map(|_| hang()).collect();
        for (_, call) in &mut calls {
            assert!(call.now_or_never().is_none());
        }
        calls
    }

    #[tokio::test]
    async fn a_complaint_halves_what_is_in_flight_once_a_round() {
        let time = Manual::still();
        let concurrency = limited(1024, &time);
        for (tell, call) in hanging(&concurrency, 16) {
            tell.send(Err(error(ErrorKind::RateLimited))).unwrap();
            assert_eq!(call.await.unwrap_err().kind(), ErrorKind::RateLimited);
        }
        assert_eq!(concurrency.limit(), 8);
        assert!(ask(&concurrency, Err(error(ErrorKind::RateLimited))).await.is_err());
        assert_eq!(concurrency.limit(), 1, "half of the one that was in flight, and never nothing");
    }

    #[tokio::test]
    async fn successes_raise_it_slowly_and_to_no_more_than_the_most() {
        let time = Manual::still();
        let concurrency = limited(5, &time);
        assert!(ask(&concurrency, Err(error(ErrorKind::RateLimited))).await.is_err());
        let mut limits = Vec::new();
        for _ in 0..14 {
            limits.push(concurrency.limit());
            ask(&concurrency, Ok(())).await.unwrap();
        }
        assert_eq!(limits, [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]);
        assert!(ask(&concurrency, Err(error(ErrorKind::NotFound))).await.is_err());
        assert_eq!(concurrency.limit(), 5, "no other error lowers it");
    }

    #[tokio::test]
    async fn who_is_over_the_limit_waits_for_his_turn() {
        let time = Manual::still();
        let concurrency = limited(2, &time);
        let mut calls = hanging(&concurrency, 2);
        let mut waiting = pin!(ask(&concurrency, Ok(())));
        let mut gives_up = Box::pin(ask(&concurrency, Ok(())));
        assert!(gives_up.as_mut().now_or_never().is_none());
        assert!(waiting.as_mut().now_or_never().is_none());
        // The first in the queue is woken, and goes away: the turn is the second's.
        drop(calls.pop());
        drop(gives_up);
        waiting.await.unwrap();
        assert_eq!((concurrency.in_flight.load(Ordering::SeqCst), concurrency.waiting.load(Ordering::SeqCst)), (1, 0));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let time = Manual::still();
        let concurrency = limited(1, &time);
        let mut hangs = pin!(concurrency.run(call(), pending::<Result<()>>));
        assert!(hangs.as_mut().now_or_never().is_none());
        let mut waiting = pin!(ask(&concurrency, Ok(())));
        assert!(waiting.as_mut().now_or_never().is_none());
        time.advance(Duration::from_secs(30));
        let refusal = waiting.await.unwrap_err();
        assert_eq!((refusal.kind(), refusal.is_retryable()), (ErrorKind::Overloaded, false));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_more_than_the_limit_are_in_flight_and_all_get_their_turn() {
        let concurrency = Arc::new(limited(3, &Manual::still()));
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..200).map(|_| {
            let (concurrency, now, peak) = (concurrency.clone(), now.clone(), peak.clone());
            tokio::spawn(async move {
                let work = || async {
                    peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                };
                concurrency.run(call(), work).await.unwrap();
            })
        });
        for ended in futures::future::join_all(tasks).await {
            ended.unwrap();
        }
        assert_eq!((peak.load(Ordering::SeqCst), concurrency.in_flight.load(Ordering::SeqCst)), (3, 0));
    }
}
