//! From the handlers to the queues: events are taken without waiting, filtered, and made durable in batches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cofferdam::AtomicStore;
use jiff::Timestamp;
use metrics::counter;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::deliver::{Delivery, EVENTS};
use super::lease::Lease;
use super::post::Post;
use super::queue::Queue;
use super::{Event, EventAction, Events, envelope};
use crate::access::Pattern;

/// How many events may wait to be made durable: seconds of work for the slowest of stores, some megabytes.
const UNWRITTEN: usize = 10_000;

/// How many events one batch has at most: some hundred bytes each, a body that any receiver takes.
const BATCH: usize = 200;

/// How long a stopping process makes events durable that it has taken.
const FLUSH: Duration = Duration::from_secs(5);

/// Whom to tell of what.
#[derive(Clone)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where events are posted to.
    pub url: String,
    /// Which events.
    pub actions: Vec<EventAction>,
    /// Of which repositories.
    pub repositories: Vec<Pattern>,
    /// The secret that signs each body.
    pub hmac: Option<Vec<u8>>,
    /// The token for `Authorization: Bearer …`.
    pub bearer: Option<String>,
    /// How long the receiver may take to answer.
    pub timeout: Duration,
    /// How many events wait at most; the oldest are dropped for newer ones.
    pub queue: u32,
}

impl fmt::Debug for Webhook {
    /// Without the secrets, and without the URL, which may carry one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).field("actions", &self.actions).finish_non_exhaustive()
    }
}

/// A webhook that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the webhook `{webhook}` cannot be set up: {reason}")]
pub struct WebhookError {
    pub(super) webhook: String,
    pub(super) reason: String,
}

/// Tells webhooks what happens. Clones share it.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    routes: Vec<Route>,
    closing: watch::Sender<bool>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

/// What one webhook wants, and the way to its queue.
struct Route {
    webhook: Webhook,
    unwritten: mpsc::Sender<(Arc<Event>, Timestamp)>,
}

impl Webhooks {
    /// Starts delivering to `webhooks`, with their queues in `store`. Must be called within a tokio runtime; everything runs there.
    ///
    /// # Errors
    /// [`WebhookError`]: a URL or token that cannot be used, a system without trust anchors or randomness.
    pub fn start(webhooks: Vec<Webhook>, store: &Arc<dyn AtomicStore>) -> Result<Self, WebhookError> {
        let (closing, closes) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut routes = Vec::new();
        for webhook in webhooks {
            let bad = |reason: String| WebhookError { webhook: webhook.name.clone(), reason };
            let instance = instance().map_err(|error| bad(error.to_string()))?;
            let queue = Queue::new(store.clone(), &webhook.name, &instance, webhook.queue.into());
            let lease = Lease::new(store.clone(), &webhook.name, &instance).map_err(|error| bad(error.to_string()))?;
            let (unwritten, events) = mpsc::channel(UNWRITTEN);
            let writer = Writer { webhook: webhook.name.clone(), queue: queue.clone(), instance, count: 0 };
            tasks.spawn(writer.run(events, closes.clone()));
            let (name, post) = (webhook.name.clone(), Post::new(&webhook)?);
            tasks.spawn(Delivery { webhook: name, queue, lease, post, closing: closes.clone() }.run());
            routes.push(Route { webhook, unwritten });
        }
        Ok(Self(Arc::new(Inner { routes, closing, tasks: tokio::sync::Mutex::new(tasks) })))
    }

    /// Stops delivering; what was recorded and not delivered is in the queues when this returns.
    ///
    /// # Cancel safety
    /// Dropping the future may lose events that were recorded within the last moments.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        let mut tasks = self.0.tasks.lock().await;
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(FLUSH * 2, ended).await.is_err() {
            tracing::error!("webhooks were not finished in time: some events may come twice, and the very last may be lost");
        }
    }
}

impl Route {
    fn wants(&self, event: &Event) -> bool {
        self.webhook.actions.contains(&event.action) && self.webhook.repositories.iter().any(|pattern| pattern.fits(event.repository.as_str()))
    }
}

impl Events for Webhooks {
    fn record(&self, event: Event) {
        let routes = &self.0.routes;
        // Most registries have many pulls and nobody who wants to know.
        if !routes.iter().any(|route| route.wants(&event)) {
            return;
        }
        let (event, now) = (Arc::new(event), Timestamp::now());
        for route in routes.iter().filter(|route| route.wants(&event)) {
            if let Err(TrySendError::Full(_)) = route.unwritten.try_send((event.clone(), now)) {
                counter!(EVENTS, "webhook" => route.webhook.name.clone(), "outcome" => "dropped").increment(1);
            }
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.routes.iter().map(|route| &route.webhook.name)).finish()
    }
}

/// A name for this process, in keys and notifications.
fn instance() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(base16ct::lower::encode_string(&bytes))
}

/// Makes the events of one webhook durable.
struct Writer {
    webhook: String,
    queue: Queue,
    instance: String,
    count: u64,
}

impl Writer {
    async fn run(mut self, mut events: mpsc::Receiver<(Arc<Event>, Timestamp)>, mut closing: watch::Receiver<bool>) {
        // What an earlier process left counts too.
        if let Err(error) = self.queue.make_room().await {
            tracing::warn!(webhook = self.webhook, "the queue of events cannot be counted: {error}");
        }
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            // What comes while a batch is being written is the next one: the busier, the larger.
            let taken = tokio::select! {
                taken = events.recv_many(&mut batch, BATCH) => taken,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            if taken == 0 {
                return;
            }
            self.write(&mut batch).await;
        }
        events.close();
        let flush = async {
            while events.recv_many(&mut batch, BATCH).await > 0 {
                self.write(&mut batch).await;
            }
        };
        let _ = timeout(FLUSH, flush).await;
    }

    /// Writes a batch, however long the store takes to be there again.
    async fn write(&mut self, batch: &mut Vec<(Arc<Event>, Timestamp)>) {
        let mut notifications = Vec::with_capacity(batch.len());
        let newest = batch.last().map_or_else(Timestamp::now, |(_, at)| *at);
        for (event, at) in batch.drain(..) {
            self.count += 1;
            let id = format!("{}-{}", self.instance, self.count);
            match envelope::notification(&event, &id, at, &self.instance) {
                Ok(notification) => notifications.push(notification),
                Err(error) => tracing::error!(webhook = self.webhook, "an event cannot be written: {error}"),
            }
        }
        let (body, events) = (Bytes::from(envelope::envelope(&notifications)), notifications.len() as u64);
        let nanoseconds = u64::try_from(newest.as_nanosecond()).unwrap_or(0);
        let mut pause = Duration::from_millis(100);
        loop {
            match self.queue.add(body.clone(), events, nanoseconds).await {
                Ok(0) => return,
                Ok(dropped) => {
                    tracing::warn!(
                        webhook = self.webhook,
                        "{dropped} events were dropped: more wait than `queue` allows, and the receiver takes none"
                    );
                    counter!(EVENTS, "webhook" => self.webhook.clone(), "outcome" => "dropped").increment(dropped);
                    return;
                }
                Err(error) => {
                    tracing::warn!(webhook = self.webhook, "{events} events cannot be made durable, and will be tried again: {error}");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }
}
