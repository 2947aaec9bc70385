//! What the host does for a driver: [`connections`], [`data`], [`files`], [`http`], [`system`].
//!
//! In a component these call the host. In native tests they work on the world of the running
//! [`Harness`](crate::testing::Harness).

pub mod connections;
pub mod data;
pub mod files;
pub mod http;
pub mod system;
pub mod walk;

#[cfg(target_arch = "wasm32")]
pub(crate) mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::native as backend;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm as backend;
