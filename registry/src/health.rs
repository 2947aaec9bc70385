//! Whether the registry lives (`/healthz`) and can serve (`/readyz`): the second asks every driver, and no more often than it bears.

use std::time::Duration;

use cofferdam::{Error, ErrorKind, Mount};
use futures::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// After failures a backend is asked less and less often, down to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Asks the mounts whether they are well, and remembers.
#[derive(Debug)]
pub(crate) struct Health {
    mounts: Vec<(String, Mount)>,
    interval: Duration,
    patience: Duration,
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    report: Report,
    good_until: Instant,
    failures: u32,
}

/// How the mounts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Whether all of them are well.
    pub(crate) ready: bool,
    /// What each answered.
    pub(crate) mounts: Vec<MountHealth>,
}

/// How one mount is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MountHealth {
    /// Its name.
    pub(crate) mount: String,
    /// `ok`, or the kind of error: its message may name what is nobody's business, and is in the log.
    pub(crate) health: &'static str,
}

impl Health {
    /// Asks `mounts`: an answer is good for `interval`, and none is waited for longer than `patience`.
    pub(crate) fn new(mounts: Vec<(String, Mount)>, interval: Duration, patience: Duration) -> Self {
        Self { mounts, interval, patience, last: Mutex::new(None) }
    }

    /// How the mounts are, or were a moment ago.
    ///
    /// # Cancel safety
    /// Dropping the future drops the question; the next caller asks again.
    pub(crate) async fn report(&self) -> Report {
        // Whoever comes while the mounts are asked waits for that answer.
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| Instant::now() < last.good_until) {
            return last.report.clone();
        }
        let report = self.ask().await;
        *last = Some(Last::after(last.as_ref(), report.clone(), Instant::now(), self.interval));
        report
    }

    async fn ask(&self) -> Report {
        let one = |(name, mount): (&str, &Mount)| {
            let (name, mount) = (name.to_owned(), mount.clone());
            async move {
                let slow = || Error::new(ErrorKind::DeadlineExceeded, format!("no answer within {:?}", self.patience));
                let answer = timeout(self.patience, mount.health()).await.unwrap_or_else(|_| Err(slow()));
                let health = answer.as_ref().map_or_else(|error| error.kind().as_str(), |()| "ok");
                if let Err(error) = answer {
                    tracing::warn!(mount = name, "the storage is not well: {error}");
                }
                MountHealth { mount: name, health }
            }
        };
        let mounts = join_all(self.mounts.iter().map(|(name, mount)| one((name, mount)))).await;
        Report { ready: mounts.iter().all(|mount| mount.health == "ok"), mounts }
    }
}

impl Last {
    /// What is remembered when `report` follows on `previous`.
    fn after(previous: Option<&Self>, report: Report, now: Instant, interval: Duration) -> Self {
        let failures = if report.ready { 0 } else { previous.map_or(0, |last| last.failures) + 1 };
        // Doubled with every failure after the first.
        let pause = interval.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE.max(interval));
        Self { report, good_until: now + pause, failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sick_backend_is_asked_less_and_less_often_until_it_is_well() {
        let now = Instant::now();
        let interval = Duration::from_secs(5);
        let mut last: Option<Last> = None;
        let mut pauses = Vec::new();
        for ready in [true, true, false, false, false, false, false, true, false] {
            let next = Last::after(last.as_ref(), Report { ready, mounts: Vec::new() }, now, interval);
            pauses.push((next.good_until - now).as_secs());
            last = Some(next);
        }
        assert_eq!(pauses, [5, 5, 5, 10, 20, 30, 30, 5, 5]);
        let rare = Duration::from_secs(60);
        let sick = Report { ready: false, mounts: Vec::new() };
        assert_eq!(Last::after(last.as_ref(), sick, now, rare).good_until - now, rare, "never more often than asked");
    }
}
