//! The one driver of a component instance: made by `configure`, kept for all later calls.

use std::any::Any;
use std::cell::RefCell;

use crate::error::Result;
use crate::types::Error;

thread_local! {
    static INSTANCE: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Keeps `driver` for the calls to come.
pub(crate) fn set<D: 'static>(driver: D) {
    INSTANCE.set(Some(Box::new(driver)));
}

/// Calls `function` with the driver.
///
/// # Errors
/// `internal` if there was no successful `configure`; what `function` answers.
pub(crate) fn with<D: 'static, T>(function: impl FnOnce(&mut D) -> Result<T>) -> Result<T> {
    INSTANCE.with_borrow_mut(|instance| {
        let driver = instance.as_mut().and_then(|driver| driver.downcast_mut());
        driver.map_or_else(|| Err(Error::internal("the driver is not configured")), function)
    })
}
