//! The loan of an instance: given back when dropped, or thrown away if a call was left half-way.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{Instance, Pool, instance};
use crate::call::CallContext;

/// An instance that is checked out.
pub(crate) struct Lease {
    instance: Option<Instance>,
    pool: Arc<Pool>,
    /// No call is half-way.
    clean: bool,
}

impl Lease {
    pub(super) fn new(pool: &Arc<Pool>, instance: Instance) -> Self {
        Self { instance: Some(instance), pool: pool.clone(), clean: true }
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The instance, for a call: until [`Lease::settle`] it counts as half-way. `None` only after [`Lease::into_instance`].
    pub(super) fn enter(&mut self) -> Option<&mut Instance> {
        self.clean = false;
        self.instance.as_mut()
    }

    /// The call has ended without a trap: the instance may be used again.
    pub(super) fn settle(&mut self) {
        self.clean = true;
    }

    /// A context for a call by `permit`.
    pub(super) fn context(&self, permit: OwnedSemaphorePermit) -> CallContext {
        match &self.instance {
            Some(instance) => instance::context_of(instance, permit),
            None => CallContext::new(Arc::default(), Some(permit)),
        }
    }

    /// The instance itself, out of the loan.
    pub(super) fn into_instance(mut self) -> Option<Instance> {
        self.instance.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.instance.take() {
            Some(instance) if self.clean => self.pool.check_in(instance),
            Some(instance) => self.pool.discard(instance),
            None => {}
        }
    }
}
