//! What a mount does between calls: closes abandoned generators, drains those that nobody reads, drops idle instances and connections.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::{Instance, Pool};
use crate::content::Generated;

/// How often it looks around when nobody calls it.
const ROUND: Duration = Duration::from_secs(1);

/// Starts the janitor of `pool`. It ends with the pool.
pub(super) fn start(pool: &Arc<Pool>) -> AbortHandle {
    let attention = pool.attention.clone();
    let pool = Arc::downgrade(pool);
    let task = tokio::spawn(async move {
        loop {
            // Either somebody has something to do, or it is time to look around.
            let _ = tokio::time::timeout(ROUND, attention.notified()).await;
            let Some(pool) = Weak::upgrade(&pool) else { return };
            close_abandoned(&pool).await;
            drain_unread(&pool).await;
            drop_idle(&pool);
            pool.sandbox.resources.connections.close_idle();
        }
    });
    task.abort_handle()
}

/// Closes the generators of idle instances whose content is gone. Busy ones do it themselves at the end of their call.
async fn close_abandoned(pool: &Arc<Pool>) {
    let waiting = |instance: &Instance| instance.store.data().closing.is_waiting();
    let ids: Vec<_> = pool.slots().idle.iter().filter(|instance| waiting(instance)).map(|instance| instance.id).collect();
    for id in ids {
        let Ok((mut lease, _context)) = pool.lease_of(id).await else { continue };
        let Some(instance) = lease.enter() else { continue };
        match instance.close_generators(pool.limits().cpu).await {
            Ok(()) => lease.settle(),
            Err(error) => tracing::warn!(target: "cofferdam::driver", mount = pool.mount_name(), %error, "`generator.close` trapped"),
        }
        // Before the call's place: who gets that would else find no instance, and start a second one of a `single` driver.
        drop(lease);
    }
}

async fn drain_unread(pool: &Arc<Pool>) {
    let unread: Vec<Generated> =
        pool.slots().idle.iter().flat_map(|instance| instance.generated().filter(Generated::is_idle).collect::<Vec<_>>()).collect();
    for generated in unread {
        generated.drain(&pool.sandbox.resources.spool).await;
    }
}

fn drop_idle(pool: &Arc<Pool>) {
    if pool.single {
        return;
    }
    let limit = pool.limits().idle;
    let mut slots = pool.slots();
    let (keep, old): (Vec<_>, Vec<_>) =
        slots.idle.drain(..).partition(|instance| instance.last_used.elapsed() < limit || instance.generated().next().is_some());
    slots.idle = keep;
    drop(slots);
    drop(old);
}
