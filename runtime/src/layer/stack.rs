//! All layers of a mount, in the order in which they make sense.

use std::sync::Arc;

use super::breaker::{Breaker, BreakerOptions, BreakerState};
use super::cache::{CacheOptions, Cached};
use super::concurrency::{Concurrency, ConcurrencyOptions};
use super::guarded::Guarded;
use super::policy::Chain;
use super::retry::{Retry, RetryOptions};
use super::timeout::{Timeout, TimeoutOptions};
use crate::store::{AtomicStore, StreamingStore};

/// How the calls of a mount are made. By default nothing that goes well is any different for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerOptions {
    /// What failed is tried again.
    pub retry: RetryOptions,
    /// How long one try may take.
    pub timeout: TimeoutOptions,
    /// When a backend that does not answer is left alone.
    pub breaker: BreakerOptions,
    /// How much a backend is asked for at once.
    pub concurrency: ConcurrencyOptions,
    /// Which small values are remembered. None: a remembered value may be one that another process has changed or removed since, and what is decided by
    /// it is then decided wrongly. Only who knows that nobody else writes, or that nobody minds, can turn it on.
    pub cache: Option<CacheOptions>,
}

/// The policies of a mount, outermost first.
///
/// *Retry* is outside all, so that each attempt is admitted, counted and timed by itself. The *breaker* is outside *concurrency*: what it refuses waits for no
/// turn. The *timeout* is innermost: time in the queue is not the backend's.
pub type Policies = Chain<Retry, Chain<Breaker, Chain<Concurrency, Timeout>>>;

/// The policies that `options` describe, for the mount that the log calls `name`. Its two stores share them.
pub fn policies(name: &str, options: &LayerOptions) -> Policies {
    let attempt = Chain(Concurrency::new(name, options.concurrency), Timeout::new(options.timeout));
    Chain(Retry::new(options.retry), Chain(Breaker::new(name, options.breaker), attempt))
}

/// What the policies of a mount have to tell whoever watches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerState {
    /// How often a call was made once more.
    pub retries: u64,
    /// Whether calls are let through.
    pub breaker: BreakerState,
    /// How many calls the breaker has refused.
    pub refused: u64,
    /// How many calls the backend is asked for at once, at most.
    pub concurrency: usize,
    /// How many calls wait for their turn.
    pub waiting: usize,
}

/// Layers that can be asked for their state.
pub trait Layers: Send + Sync {
    /// What the policies have done so far, and would do with a call that comes now.
    fn state(&self) -> LayerState;
}

impl<S: Send + Sync> Layers for Guarded<S, Policies> {
    fn state(&self) -> LayerState {
        let Chain(retry, Chain(breaker, Chain(concurrency, _))) = self.policy();
        LayerState {
            retries: retry.retries(),
            breaker: breaker.state(),
            refused: breaker.refused(),
            concurrency: concurrency.limit(),
            waiting: concurrency.waiting(),
        }
    }
}

/// The stores of a mount with all its layers.
#[derive(Clone)]
pub struct Stack {
    /// Blobs.
    pub streaming: Arc<dyn StreamingStore>,
    /// Small values, which are remembered if the options say so.
    pub atomic: Arc<dyn AtomicStore>,
    /// What makes the calls of both, to be watched.
    pub layers: Arc<dyn Layers>,
}

/// Puts every layer that `options` describe over `store`, which the log calls `name`.
///
/// An observer belongs below them (in `store`): so each attempt is seen. What is remembered is asked of nobody, so the cache is above all.
pub fn stack<S: AtomicStore + StreamingStore + 'static>(store: S, name: &str, options: &LayerOptions) -> Stack {
    let guarded = Arc::new(Guarded::new(store, policies(name, options)));
    Stack { streaming: guarded.clone(), layers: guarded.clone(), atomic: cached(guarded, options) }
}

/// `store` with the cache that `options` describe, if they do: for small values that are made of objects of a [`Stack`].
///
/// One cache is all that a process may have over a store: another would not see what is changed through this one.
pub fn cached(store: Arc<dyn AtomicStore>, options: &LayerOptions) -> Arc<dyn AtomicStore> {
    match options.cache {
        Some(cache) => Arc::new(Cached::new(store, cache)),
        None => store,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::layer::scripted::{Scripted, error};
    use crate::path::{AtomicKey, StorePath};
    use crate::types::Condition;

    /// The layers over a store that fails as `errors` say, without pauses.
    fn over(store: &Scripted, change: impl FnOnce(&mut LayerOptions)) -> Stack {
        let mut options = LayerOptions::default();
        options.retry.wait = std::time::Duration::ZERO;
        change(&mut options);
        stack(store.clone(), "main", &options)
    }

    #[tokio::test]
    async fn each_attempt_counts_for_the_breaker_which_both_stores_share() {
        let store = Scripted::new(vec![error(ErrorKind::Unavailable); 4]);
        let stack = over(&store, |options| options.breaker.failures = 4);
        assert!(stack.streaming.stat(&StorePath::new("/a").unwrap()).await.is_err());
        assert_eq!(store.asked().len(), 4);
        let refusal = stack.atomic.get(&AtomicKey::new("a").unwrap()).await.unwrap_err();
        assert!(refusal.message().contains("left alone"), "{refusal}");
        assert!(store.asked().is_empty(), "refused at once: the pause that it asks for is longer than is waited");
        let state = stack.layers.state();
        assert_eq!((state.retries, state.breaker, state.refused), (3, BreakerState::Open, 1));
    }

    #[tokio::test]
    async fn what_is_remembered_is_asked_of_nobody() {
        let store = Scripted::new([]);
        let key = AtomicKey::new("a").unwrap();
        let plain = over(&store, |_| ());
        let remembers = over(&store, |options| options.cache = Some(CacheOptions::default()));
        for (stack, expected) in [(plain, 2), (remembers, 1)] {
            let first = stack.atomic.get(&key).await.unwrap();
            assert_eq!(stack.atomic.get(&key).await.unwrap(), first);
            assert_eq!(store.asked().len(), expected);
            stack.atomic.put(&key, "new".into(), Condition::Unconditional).await.unwrap();
            stack.atomic.get(&key).await.unwrap();
            assert_eq!(store.asked(), ["atomic-put new", "atomic-get"]);
        }
    }
}
