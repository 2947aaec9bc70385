//! Workers: threads with a runtime of their own, each with its share of the connections.

use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::connection::Connections;
use super::tls::Tls;
use super::{ServerError, ServerOptions, Stopped};
use crate::http::Api;

/// The metric of connections that are open.
const CONNECTIONS: &str = "cofferdam_http_connections";

/// How long a worker waits for work on its blocking threads when its connections have ended: an `fsync` on a slow disk.
const BLOCKING_GRACE: Duration = Duration::from_secs(5);

/// A connection that nobody serves yet.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) tls: Option<Tls>,
    /// Its place among the connections that are allowed at once.
    pub(super) place: OwnedSemaphorePermit,
}

/// All workers of a server.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    connections: mpsc::UnboundedSender<(Accepted, Counted)>,
    live: Arc<AtomicUsize>,
    stopped: oneshot::Receiver<usize>,
}

/// One of the connections that a worker has; counts down when dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!(CONNECTIONS).increment(1);
        Self(live.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!(CONNECTIONS).decrement(1);
    }
}

impl Workers {
    pub(super) fn start(api: &Arc<Api>, options: &ServerOptions) -> Result<Self, ServerError> {
        metrics::describe_gauge!(CONNECTIONS, "Connections of clients that are open.");
        let count = options.workers.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        (0..count).map(|index| Worker::start(index, api.clone(), options.clone())).collect::<Result<_, _>>().map(Self)
    }

    /// Gives a connection to the worker that has the fewest.
    pub(super) fn hand_over(&self, accepted: Accepted) {
        let Some(worker) = self.0.iter().min_by_key(|worker| worker.live.load(Ordering::Relaxed)) else { return };
        // A worker ends only after this sender, so this fails only if its thread has died; the client sees its connection closed.
        if worker.connections.send((accepted, Counted::new(&worker.live))).is_err() {
            tracing::error!("a worker of the server has ended before its time");
        }
    }

    /// Tells the workers that no more connections come, and waits until they have ended.
    pub(super) async fn stop(self) -> Stopped {
        let stopped: Vec<_> = self.0.into_iter().map(|worker| worker.stopped).collect();
        let mut cut_off = 0;
        for stopped in stopped {
            cut_off += stopped.await.unwrap_or(0);
        }
        Stopped { cut_off }
    }
}

impl Worker {
    fn start(index: usize, api: Arc<Api>, options: ServerOptions) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Worker { source };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().thread_name(format!("http-{index}-blocking")).build().map_err(failed)?;
        let (connections, accepted) = mpsc::unbounded_channel();
        let (done, stopped) = oneshot::channel();
        let run = move || {
            let cut_off = runtime.block_on(serve(accepted, api, options));
            runtime.shutdown_timeout(BLOCKING_GRACE);
            // Nobody waits for a server whose `run` was dropped.
            let _ = done.send(cut_off);
        };
        thread::Builder::new().name(format!("http-{index}")).spawn(run).map_err(failed)?;
        Ok(Self { connections, live: Arc::default(), stopped })
    }
}

/// Serves what is handed over until no more comes, then finishes; answers how many connections were cut off.
async fn serve(mut accepted: mpsc::UnboundedReceiver<(Accepted, Counted)>, api: Arc<Api>, options: ServerOptions) -> usize {
    // One channel a worker: every connection looks at it whenever it is woken, and cores should not share its lock.
    let (close, closing) = watch::channel(());
    let deadline = options.shutdown_deadline;
    let connections = Arc::new(Connections::new(api, options, closing));
    let mut live = JoinSet::new();
    loop {
        tokio::select! {
            next = accepted.recv() => match next {
                Some((accepted, counted)) => {
                    let connections = connections.clone();
                    live.spawn(async move {
                        connections.serve(accepted).await;
                        drop(counted);
                    });
                }
                None => break,
            },
            Some(ended) = live.join_next(), if !live.is_empty() => report(ended),
        }
    }
    close.send_replace(());
    let finished = async {
        while let Some(ended) = live.join_next().await {
            report(ended);
        }
    };
    // What is left at the deadline is dropped with the set.
    let _ = tokio::time::timeout(deadline, finished).await;
    live.len()
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended in a panic; the others go on");
    }
}
