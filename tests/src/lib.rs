//! Helpers shared by the end-to-end tests.
//!
//! | module | gives a test |
//! |---|---|
//! | [`doubles`] | host interfaces that the runtime does not serve yet |
//! | [`drivers`] | the components that `cargo xtask build` made |
//! | [`hostile`] | the hostile driver, mounted with tight limits on a scratch directory |
//! | [`log`] | what was logged while it ran |
//! | [`tiny`] | a driver of a hundred lines of WebAssembly text, for shapes that no compiler makes |

pub mod doubles;
pub mod drivers;
pub mod hostile;
pub mod log;
pub mod tiny;
