//! What a panic says reaches the host's log before it ends the instance.

use std::panic;
use std::sync::Once;

use crate::host::system::{Level, log};

/// Sees to it, once an instance. The default would write to a standard error that a component does not have.
pub(crate) fn are_heard() {
    static HEARD: Once = Once::new();
    HEARD.call_once(|| panic::set_hook(Box::new(|info| log(Level::Error, &info.to_string()))));
}
