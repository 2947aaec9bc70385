//! Write Cofferdam storage drivers in Rust.
pub mod driver;
pub mod error;
pub mod host;
pub mod path;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod types;

#[doc(hidden)]
pub mod bindings;
mod claims;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
#[cfg(target_arch = "wasm32")]
mod instance;
mod macros;

pub use claims::Claims;
pub use driver::*;
pub use error::{Result, ResultExt};
pub use host::data::{Buffer, Content};
pub use host::{data, files, system};
pub use path::{Key, Prefix, StorePath};
pub use settings::{Secret, Settings};
pub use types::*;
