//! Credentials that are good for some time: fetched when they are first needed, and again before they end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;

use super::fetch::Failure;
use crate::error::{Error, ErrorKind, Result};

/// How long before their end credentials are fetched anew, at most: what is signed now must still be good when it arrives, and an
/// endpoint that is out of order has so long to come back.
const BEFORE_END: Duration = Duration::from_secs(5 * 60);

/// For how long nobody asks again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// What was fetched, and how long it is good. Without an end it is good for ever.
pub(super) struct Fetched<T> {
    pub(super) value: T,
    pub(super) until: Option<SystemTime>,
}

type Fetch<T> = Box<dyn Fn() -> BoxFuture<'static, Result<Fetched<T>, Failure>> + Send + Sync>;

/// Credentials, and how to fetch them. One call at a time fetches; the others go on with what is still good, or wait.
pub(super) struct Refreshed<T> {
    fetch: Fetch<T>,
    known: Mutex<Known<T>>,
    flight: tokio::sync::Mutex<()>,
}

struct Known<T> {
    value: Option<Arc<T>>,
    /// From when on it should be fetched anew.
    again: Option<SystemTime>,
    until: Option<SystemTime>,
    failed: Option<(Instant, Failure)>,
}

/// What is known at some time.
enum Have<T> {
    Good(Arc<T>),
    Ending(Arc<T>),
    Nothing,
}

impl<T> Known<T> {
    fn have(&self, now: SystemTime) -> Have<T> {
        let passed = |time: Option<SystemTime>| time.is_some_and(|time| now >= time);
        match &self.value {
            Some(value) if !passed(self.again) => Have::Good(value.clone()),
            Some(value) if !passed(self.until) => Have::Ending(value.clone()),
            _ => Have::Nothing,
        }
    }

    /// A failure that is too fresh for another try.
    fn just_failed(&self) -> Option<Failure> {
        self.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE).map(|(_, failure)| failure.clone())
    }
}

impl<T> Refreshed<T> {
    pub(super) fn new(fetch: Fetch<T>) -> Self {
        let known = Known { value: None, again: None, until: None, failed: None };
        Self { fetch, known: Mutex::new(known), flight: tokio::sync::Mutex::new(()) }
    }

    /// Credentials that are good now.
    ///
    /// # Errors
    /// `unavailable` with the code `credentials` if there are none and none can be had.
    ///
    /// # Cancel safety
    /// Dropping the future gives up what it fetches; the next call fetches it.
    pub(super) async fn get(&self) -> Result<Arc<T>> {
        let have = self.known().have(SystemTime::now());
        match have {
            Have::Good(value) => Ok(value),
            Have::Ending(value) => {
                let Ok(_flight) = self.flight.try_lock() else { return Ok(value) };
                if self.known().just_failed().is_some() {
                    return Ok(value);
                }
                self.refresh().await.or_else(|failure| {
                    tracing::warn!(%failure, "credentials cannot be refreshed; the old ones are used until they end");
                    Ok(value)
                })
            }
            Have::Nothing => {
                let _flight = self.flight.lock().await;
                {
                    let known = self.known();
                    if let Have::Good(value) | Have::Ending(value) = known.have(SystemTime::now()) {
                        return Ok(value);
                    }
                    if let Some(failure) = known.just_failed() {
                        return Err(unavailable(&failure));
                    }
                }
                self.refresh().await.map_err(|failure| unavailable(&failure))
            }
        }
    }

    async fn refresh(&self) -> Result<Arc<T>, Failure> {
        let fetched = (self.fetch)().await;
        let now = SystemTime::now();
        let mut known = self.known();
        match fetched {
            Ok(Fetched { value, until }) => {
                let value = Arc::new(value);
                let again = |until: SystemTime| now + until.duration_since(now).unwrap_or_default().saturating_sub(BEFORE_END);
                // What is good for a short time is used for most of it.
                let early = |until: SystemTime| now + until.duration_since(now).unwrap_or_default() / 2;
                *known = Known { value: Some(value.clone()), again: until.map(|until| again(until).max(early(until))), until, failed: None };
                Ok(value)
            }
            Err(failure) => {
                known.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(failure: &Failure) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the rule's credentials cannot be had: {failure}")).with_code("credentials".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// What is fetched is the number of the fetch; it waits for `gate`, and is as `answer` says.
    struct Endpoint {
        asked: AtomicU64,
        gate: Semaphore,
        answer: Mutex<Result<Option<Duration>, Failure>>,
    }

    impl Endpoint {
        fn new(lifetime: Option<Duration>) -> Arc<Self> {
            Arc::new(Self { asked: AtomicU64::new(0), gate: Semaphore::new(1000), answer: Mutex::new(Ok(lifetime)) })
        }

        fn refreshed(self: &Arc<Self>) -> Arc<Refreshed<u64>> {
            let endpoint = self.clone();
            Arc::new(Refreshed::new(Box::new(move || {
                let endpoint = endpoint.clone();
                Box::pin(async move {
                    let value = endpoint.asked.fetch_add(1, Ordering::Relaxed) + 1;
                    endpoint.gate.acquire().await.unwrap().forget();
                    let lifetime = endpoint.answer.lock().unwrap().clone()?;
                    Ok(Fetched { value, until: lifetime.map(|lifetime| SystemTime::now() + lifetime) })
                })
            })))
        }

        fn asked(&self) -> u64 {
            self.asked.load(Ordering::Relaxed)
        }

        fn breaks(&self) {
            *self.answer.lock().unwrap() = Err(Failure::new("http://metadata answers 500"));
        }
    }

    /// As if so much time had passed.
    fn pass(refreshed: &Refreshed<u64>, time: Duration) {
        let mut known = refreshed.known();
        known.again = known.again.map(|again| again - time);
        known.until = known.until.map(|until| until - time);
        known.failed = known.failed.take().map(|(at, failure)| (at.checked_sub(time).unwrap(), failure));
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn credentials_are_fetched_once_and_again_before_they_end() {
        let endpoint = Endpoint::new(Some(HOUR));
        let refreshed = endpoint.refreshed();
        for _ in 0..3 {
            assert_eq!(*refreshed.get().await.unwrap(), 1);
        }
        pass(&refreshed, HOUR - BEFORE_END - Duration::from_secs(1));
        assert_eq!(*refreshed.get().await.unwrap(), 1);
        pass(&refreshed, Duration::from_secs(2));
        assert_eq!(*refreshed.get().await.unwrap(), 2);
        assert_eq!(*refreshed.get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn of_many_callers_one_asks() {
        let endpoint = Endpoint::new(Some(HOUR));
        let refreshed = endpoint.refreshed();
        let values = join_all((0..20).map(|_| refreshed.get())).await;
        assert!(values.into_iter().all(|value| *value.unwrap() == 1));
        assert_eq!(endpoint.asked(), 1);
        // While one fetches anew, the others go on with what is still good.
        pass(&refreshed, HOUR - BEFORE_END / 2);
        endpoint.gate.forget_permits(1000);
        let fetching = tokio::spawn({
            let refreshed = refreshed.clone();
            async move { *refreshed.get().await.unwrap() }
        });
        while endpoint.asked() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*refreshed.get().await.unwrap(), 1);
        endpoint.gate.add_permits(1);
        assert_eq!(fetching.await.unwrap(), 2);
        assert_eq!(endpoint.asked(), 2);
    }

    #[tokio::test]
    async fn old_credentials_are_used_until_they_end() {
        let endpoint = Endpoint::new(Some(HOUR));
        let refreshed = endpoint.refreshed();
        refreshed.get().await.unwrap();
        endpoint.breaks();
        pass(&refreshed, HOUR - BEFORE_END / 2);
        for _ in 0..5 {
            assert_eq!(*refreshed.get().await.unwrap(), 1);
        }
        assert_eq!(endpoint.asked(), 2, "nobody asks again right after a failure");
        pass(&refreshed, PAUSE);
        assert_eq!(*refreshed.get().await.unwrap(), 1);
        assert_eq!(endpoint.asked(), 3);
        pass(&refreshed, BEFORE_END);
        let error = refreshed.get().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("credentials")));
        assert!(error.to_string().contains("cannot be had: http://metadata answers 500"), "{error}");
        *endpoint.answer.lock().unwrap() = Ok(Some(HOUR));
        assert!(refreshed.get().await.is_err(), "too soon");
        pass(&refreshed, PAUSE);
        assert_eq!(*refreshed.get().await.unwrap(), 5);
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_leaves_no_trace() {
        let endpoint = Endpoint::new(None);
        let refreshed = endpoint.refreshed();
        endpoint.gate.forget_permits(1000);
        let fetching = tokio::spawn({
            let refreshed = refreshed.clone();
            async move { refreshed.get().await.map(drop) }
        });
        while endpoint.asked() < 1 {
            tokio::task::yield_now().await;
        }
        fetching.abort();
        assert!(fetching.await.unwrap_err().is_cancelled());
        endpoint.gate.add_permits(1);
        assert_eq!(*refreshed.get().await.unwrap(), 2);
        pass(&refreshed, 1000 * HOUR);
        assert_eq!(*refreshed.get().await.unwrap(), 2, "what has no end needs no refreshing");
    }
}
