//! What a running registry does by itself: unfinished uploads are purged, histograms kept small.

use std::time::Duration;

use cofferdam::upload::PurgeMode;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use crate::config::{PurgeConfig, UploadsConfig};
use crate::metrics::Metrics;
use crate::store::Store;

/// How often samples are moved into histograms: at a hundred thousand calls a second some megabytes lie there until then.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// Starts everything; it ends when the set is dropped.
pub(super) fn start(stores: &[Store], uploads: &UploadsConfig, metrics: Option<&Metrics>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(metrics) = metrics.cloned() {
        tasks.spawn(async move {
            let mut ticks = interval(METRICS_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                metrics.upkeep();
            }
        });
    }
    let mode = match uploads.purge {
        PurgeConfig::Remove => PurgeMode::Remove,
        PurgeConfig::DryRun => PurgeMode::DryRun,
        PurgeConfig::Off => return tasks,
    };
    for store in stores {
        tasks.spawn(purge(store.clone(), uploads.clone(), mode));
    }
    tasks
}

async fn purge(store: Store, uploads: UploadsConfig, mode: PurgeMode) {
    let mut ticks = interval_at(Instant::now() + uploads.purge_interval, uploads.purge_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let name = store.name();
        match store.uploads().purge(uploads.purge_age, mode).await {
            Ok(purged) => {
                let (uploads, orphans) = (purged.uploads.len(), purged.orphans);
                match mode {
                    PurgeMode::DryRun => {
                        for upload in &purged.uploads {
                            tracing::info!(store = name, upload = %upload.id, "this upload would be purged");
                        }
                    }
                    PurgeMode::Remove => tracing::info!(store = name, uploads, orphans, "unfinished uploads were purged"),
                }
            }
            Err(error) => tracing::warn!(store = name, "unfinished uploads could not be purged, and will be tried again: {error}"),
        }
    }
}
