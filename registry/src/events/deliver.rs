//! A webhook's queue, emptied: batch by batch, in order, again and again until the receiver takes it.

use std::time::Duration;

use cofferdam::Result;
use metrics::counter;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::lease::{Lease, RENEW};
use super::post::{Post, Posted};
use super::queue::{Queue, Waiting};

/// Events by what became of them: labels `webhook`, `outcome` (`delivered`, `refused`, `dropped`).
pub(super) const EVENTS: &str = "cofferdam_events_total";

/// The pause after a first failure; doubled with each further one.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause: a receiver that is back is told within this.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often a batch is offered that the receiver calls wrong: it may be the receiver that is.
const REFUSALS: u32 = 10;

/// Delivers the events of one webhook.
pub(super) struct Delivery {
    pub(super) webhook: String,
    pub(super) queue: Queue,
    pub(super) lease: Lease,
    pub(super) post: Post,
    pub(super) closing: watch::Receiver<bool>,
}

impl Delivery {
    /// Runs until `closing` says so; what is on its way then is waited for, so that it does not come twice.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        while !self.is_closing() {
            match self.round().await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(webhook = self.webhook, "the queue of events cannot be read, and will be tried again: {error}");
                }
            }
            if failures > 0 {
                self.rest(pause(failures)).await;
            } else {
                let queue = self.queue.clone();
                tokio::select! {
                    () = queue.added() => {}
                    // Another process may have added something: its additions are not told here.
                    () = self.rest(RENEW) => {}
                }
            }
        }
        self.lease.release().await;
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Waits for `pause`, or until closing.
    async fn rest(&mut self, pause: Duration) {
        // An error is a sender that has gone: closing too.
        let _ = timeout(pause, self.closing.wait_for(|closing| *closing)).await;
    }

    /// Delivers all that waits, if it is this process's turn.
    async fn round(&mut self) -> Result<()> {
        while !self.is_closing() && self.lease.hold().await? {
            let batches = self.queue.oldest().await?;
            if batches.is_empty() {
                return Ok(());
            }
            for batch in batches {
                if !self.deliver_batch(&batch).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Delivers one batch; false if another process has taken over, or this one ends.
    async fn deliver_batch(&mut self, batch: &Waiting) -> Result<bool> {
        let (mut failures, mut refusals) = (0, 0);
        loop {
            // Dropped meanwhile to make room, say.
            let Some(body) = self.queue.body(batch).await? else { return Ok(true) };
            let outcome = match self.post.send(body).await {
                Posted::Taken => Some("delivered"),
                Posted::Refused(reason) => {
                    refusals += 1;
                    tracing::warn!(webhook = self.webhook, "the receiver refuses {} events: {reason}", batch.events);
                    (refusals >= REFUSALS).then_some("refused")
                }
                Posted::Later(reason) => {
                    tracing::warn!(webhook = self.webhook, "{} events are not delivered yet: {reason}", batch.events);
                    None
                }
            };
            if let Some(outcome) = outcome {
                self.queue.remove(batch).await?;
                counter!(EVENTS, "webhook" => self.webhook.clone(), "outcome" => outcome).increment(batch.events);
                return Ok(!self.is_closing() && self.lease.hold().await?);
            }
            failures += 1;
            if !self.wait(pause(failures)).await? {
                return Ok(false);
            }
        }
    }

    /// Waits, and keeps the lease meanwhile; false if it is lost, or this process ends.
    async fn wait(&mut self, pause: Duration) -> Result<bool> {
        let until = Instant::now() + pause;
        loop {
            if self.is_closing() || !self.lease.hold().await? {
                return Ok(false);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(true);
            }
            self.rest(left.min(RENEW)).await;
        }
    }
}

fn pause(failures: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds: Vec<_> = [1, 2, 3, 6, 7, 60].map(|failures| pause(failures).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60]);
    }
}
