//! What `/metrics` says: calls of the drivers and the state of their mounts, in Prometheus' text format.
//!
//! Requests are counted where they are answered, in `http`; everything goes through the `metrics` facade to one recorder.

use std::sync::{Arc, OnceLock};

use cofferdam::layer::{BreakerState, Layers, Observation, Observer, Operation, Outcome};
use cofferdam::{ErrorKind, Mount};
use metrics::{Counter, Histogram, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use crate::store::Store;

/// Calls of a driver: labels `mount`, `driver`, `operation`.
const CALLS: &str = "cofferdam_driver_calls_total";
/// Calls that failed: labels as [`CALLS`], and `kind`.
const ERRORS: &str = "cofferdam_driver_errors_total";
/// Seconds that calls took: labels as [`CALLS`].
const CALL_SECONDS: &str = "cofferdam_driver_call_seconds";
/// Bytes that were stored or opened: labels as [`CALLS`].
const BYTES: &str = "cofferdam_driver_bytes_total";

const INSTANCES: &str = "cofferdam_mount_instances";
const CREATED: &str = "cofferdam_mount_instances_created_total";
const TRAPS: &str = "cofferdam_mount_traps_total";
const WAITING: &str = "cofferdam_mount_queue";
const HANDLES: &str = "cofferdam_mount_handles";
const SPOOL: &str = "cofferdam_mount_spool_bytes";
const MEMORY: &str = "cofferdam_mount_guest_memory_bytes";
const RETRIES: &str = "cofferdam_mount_retries_total";
const BREAKER: &str = "cofferdam_mount_breaker_open";
const REFUSED: &str = "cofferdam_mount_breaker_refused_total";
const CONCURRENCY: &str = "cofferdam_mount_concurrency_limit";
const TURNS: &str = "cofferdam_mount_concurrency_waiting";
const UPLOADS: &str = "cofferdam_uploads_open";

/// Bounds of histograms, in seconds: a stat of a file takes tens of microseconds, a large part on a slow backend minutes.
const BUCKETS: [f64; 14] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0];

/// The kinds of errors, for the label; `dropped` is added to them.
const KINDS: [ErrorKind; 19] = [
    ErrorKind::NotFound,
    ErrorKind::AlreadyExists,
    ErrorKind::PreconditionFailed,
    ErrorKind::InvalidPath,
    ErrorKind::InvalidRange,
    ErrorKind::InvalidArgument,
    ErrorKind::Unsupported,
    ErrorKind::PermissionDenied,
    ErrorKind::Unauthenticated,
    ErrorKind::QuotaExceeded,
    ErrorKind::RateLimited,
    ErrorKind::Unavailable,
    ErrorKind::Corrupted,
    ErrorKind::UploadExpired,
    ErrorKind::Internal,
    ErrorKind::Trapped,
    ErrorKind::DeadlineExceeded,
    ErrorKind::Overloaded,
    ErrorKind::Misbehaved,
];

/// Everything that is measured. Clones share it.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    mounts: Arc<[Watched]>,
    stores: Arc<[Store]>,
}

/// A mount whose state is told.
struct Watched {
    name: String,
    mount: Mount,
    layers: Arc<dyn Layers>,
}

/// Installs the process's recorder of metrics, the first time.
///
/// # Errors
/// [`BuildError`] if another recorder is installed already.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(BuildError::FailedToSetGlobalRecorder)?;
    describe();
    Ok(HANDLE.get_or_init(|| handle).clone())
}

fn describe() {
    metrics::describe_counter!(CALLS, "Calls of the driver, by mount, driver and operation.");
    metrics::describe_counter!(ERRORS, "Calls of the driver that failed, by kind of error; `dropped`: whoever asked went away.");
    metrics::describe_histogram!(CALL_SECONDS, Unit::Seconds, "Time that calls of the driver took, queueing included.");
    metrics::describe_counter!(BYTES, Unit::Bytes, "Bytes that calls stored, or opened for reading.");
    metrics::describe_gauge!(INSTANCES, "Instances of the driver, live ones and, of those, idle ones.");
    metrics::describe_counter!(CREATED, "Instances of the driver that were made.");
    metrics::describe_counter!(TRAPS, "Calls that ended in a trap or at a deadline.");
    metrics::describe_gauge!(WAITING, "Calls that wait for an instance.");
    metrics::describe_gauge!(HANDLES, "Handles that instances hold.");
    metrics::describe_gauge!(SPOOL, Unit::Bytes, "Bytes that wait in the spool, in memory and on disk.");
    metrics::describe_gauge!(MEMORY, Unit::Bytes, "Linear memory of all instances.");
    metrics::describe_counter!(RETRIES, "Calls of the driver that were made once more, because the first try failed.");
    metrics::describe_gauge!(
        BREAKER,
        "1 while calls are refused because the backend does not answer, 0.5 while one at a time is let through, else 0."
    );
    metrics::describe_counter!(REFUSED, "Calls that were refused without asking the backend, which did not answer.");
    metrics::describe_gauge!(CONCURRENCY, "Calls that the backend is asked for at once, at most; it falls when the backend says `rate-limited`.");
    metrics::describe_gauge!(TURNS, "Calls that wait because the backend is asked for as many as that.");
    metrics::describe_gauge!(UPLOADS, "Uploads that this process has written to of late.");
}

impl Metrics {
    /// Tells of `mounts` and `stores` beside what is counted.
    pub(crate) fn new(handle: PrometheusHandle, mounts: impl IntoIterator<Item = (String, Mount, Arc<dyn Layers>)>, stores: Vec<Store>) -> Self {
        let mounts = mounts.into_iter().map(|(name, mount, layers)| Watched { name, mount, layers }).collect();
        Self { handle, mounts, stores: stores.into() }
    }

    /// All metrics in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        for watched in &*self.mounts {
            watched.tell();
        }
        for store in &*self.stores {
            metrics::gauge!(UPLOADS, "store" => store.name().to_owned()).set(store.uploads().recent() as f64);
        }
        self.handle.render()
    }

    /// Moves what was recorded into histograms: without it they keep every sample until somebody asks.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("mounts", &self.mounts.len()).finish_non_exhaustive()
    }
}

impl Watched {
    fn tell(&self) {
        let stats = self.mount.stats();
        let mount = || self.name.clone();
        let driver = || self.mount.description().name.clone();
        metrics::gauge!(INSTANCES, "mount" => mount(), "driver" => driver(), "state" => "live").set(stats.instances_live as f64);
        metrics::gauge!(INSTANCES, "mount" => mount(), "driver" => driver(), "state" => "idle").set(stats.instances_idle as f64);
        metrics::counter!(CREATED, "mount" => mount(), "driver" => driver()).absolute(stats.instances_created);
        metrics::counter!(TRAPS, "mount" => mount(), "driver" => driver()).absolute(stats.traps);
        metrics::gauge!(WAITING, "mount" => mount(), "driver" => driver()).set(f64::from(stats.waiting));
        metrics::gauge!(HANDLES, "mount" => mount(), "driver" => driver()).set(stats.handles_live as f64);
        metrics::gauge!(SPOOL, "mount" => mount(), "driver" => driver(), "place" => "memory").set(stats.spool_memory as f64);
        metrics::gauge!(SPOOL, "mount" => mount(), "driver" => driver(), "place" => "disk").set(stats.spool_disk as f64);
        metrics::gauge!(MEMORY, "mount" => mount(), "driver" => driver()).set(stats.guest_memory as f64);
        let layers = self.layers.state();
        let open = match layers.breaker {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 0.5,
            BreakerState::Open => 1.0,
        };
        metrics::counter!(RETRIES, "mount" => mount(), "driver" => driver()).absolute(layers.retries);
        metrics::gauge!(BREAKER, "mount" => mount(), "driver" => driver()).set(open);
        metrics::counter!(REFUSED, "mount" => mount(), "driver" => driver()).absolute(layers.refused);
        metrics::gauge!(CONCURRENCY, "mount" => mount(), "driver" => driver()).set(layers.concurrency as f64);
        metrics::gauge!(TURNS, "mount" => mount(), "driver" => driver()).set(layers.waiting as f64);
    }
}

/// Counts the calls of one mount.
///
/// Each metric is looked up by its labels once, when it is first needed; a call then costs some atomic additions.
#[derive(Clone)]
pub(crate) struct MountObserver(Arc<Counts>);

struct Counts {
    mount: String,
    driver: String,
    operations: Box<[OfOperation]>,
}

#[derive(Default)]
struct OfOperation {
    calls: OnceLock<Counter>,
    seconds: OnceLock<Histogram>,
    bytes: OnceLock<Counter>,
    errors: [OnceLock<Counter>; KINDS.len() + 1],
}

impl MountObserver {
    pub(crate) fn new(mount: &str, driver: &str) -> Self {
        let operations = Operation::ALL.iter().map(|_| OfOperation::default()).collect();
        Self(Arc::new(Counts { mount: mount.to_owned(), driver: driver.to_owned(), operations }))
    }
}

impl Observer for MountObserver {
    fn observe(&self, observation: Observation) {
        let counts = &*self.0;
        let Some(cells) = counts.operations.get(observation.operation as usize) else { return };
        let operation = observation.operation.as_str();
        let (mount, driver) = (|| counts.mount.clone(), || counts.driver.clone());
        let calls = || metrics::counter!(CALLS, "mount" => mount(), "driver" => driver(), "operation" => operation);
        cells.calls.get_or_init(calls).increment(1);
        let seconds = || metrics::histogram!(CALL_SECONDS, "mount" => mount(), "driver" => driver(), "operation" => operation);
        cells.seconds.get_or_init(seconds).record(observation.elapsed.as_secs_f64());
        if observation.bytes > 0 {
            let bytes = || metrics::counter!(BYTES, "mount" => mount(), "driver" => driver(), "operation" => operation);
            cells.bytes.get_or_init(bytes).increment(observation.bytes);
        }
        let kind = match observation.outcome {
            Outcome::Done => return,
            Outcome::Failed(kind) => Some(kind),
            Outcome::Dropped => None,
        };
        let at = kind.and_then(|kind| KINDS.iter().position(|known| *known == kind)).unwrap_or(KINDS.len());
        let name = kind.map_or("dropped", ErrorKind::as_str);
        let errors = || metrics::counter!(ERRORS, "mount" => mount(), "driver" => driver(), "operation" => operation, "kind" => name);
        cells.errors[at].get_or_init(errors).increment(1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn calls_are_counted_by_operation_and_kind() {
        let handle = install().unwrap();
        let observer = MountObserver::new("m", "d");
        let elapsed = Duration::from_millis(3);
        let outcomes = [Outcome::Done, Outcome::Done, Outcome::Failed(ErrorKind::NotFound), Outcome::Dropped];
        for outcome in outcomes {
            observer.observe(Observation { operation: Operation::Open, outcome, elapsed, bytes: 7 });
        }
        let text = handle.render();
        for line in [
            "cofferdam_driver_calls_total{mount=\"m\",driver=\"d\",operation=\"open\"} 4",
            "cofferdam_driver_bytes_total{mount=\"m\",driver=\"d\",operation=\"open\"} 28",
            "cofferdam_driver_errors_total{mount=\"m\",driver=\"d\",operation=\"open\",kind=\"not-found\"} 1",
            "cofferdam_driver_errors_total{mount=\"m\",driver=\"d\",operation=\"open\",kind=\"dropped\"} 1",
            "cofferdam_driver_call_seconds_bucket{mount=\"m\",driver=\"d\",operation=\"open\",le=\"0.005\"} 4",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
