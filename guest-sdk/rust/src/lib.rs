//! Write Cofferdam storage drivers in Rust.
//!
//! A driver is a struct with [`Driver`], one store or both ([`StreamingStore`], [`AtomicStore`]) and whichever optional abilities
//! its backend has ([`Uploads`], [`Copying`], …). [`export_driver!`] makes it a component that imports just what it calls and
//! exports just what is named. It decides *where* bytes live; the host moves them, and does what is hard: [`files`] that are
//! replaced whole and durably, locks, [`http`] and [`connections`] with credentials that the driver never sees, [`data`] that never enters it.
//!
//! A complete driver, which keeps objects in a granted directory and runs natively in its own test:
//!
//! ```
//! use cofferdam_guest::prelude::*;
//! use cofferdam_guest::testing::{Harness, content};
//!
//! settings! {
//!     /// The settings of the drawer.
//!     pub struct Settings {
//!         /// The directory that holds the objects.
//!         pub root: String = "/data",
//!     }
//! }
//!
//! struct Drawer {
//!     root: String,
//! }
//!
//! impl Driver for Drawer {
//!     const NAME: &'static str = "drawer";
//!     const VERSION: &'static str = "1.0.0";
//!     type Settings = Settings;
//!
//!     fn configure(settings: Settings) -> Result<Self> {
//!         Ok(Self { root: settings.root })
//!     }
//! }
//!
//! impl Drawer {
//!     fn info(&self, path: &StorePath, file: FileInfo) -> ObjectInfo {
//!         ObjectInfo::object(path.as_str(), file.size, file.modified, file.stamp)
//!     }
//! }
//!
//! impl StreamingStore for Drawer {
//!     fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
//!         Ok(self.info(path, files::stat(&format!("{}{path}", self.root))?))
//!     }
//!
//!     fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
//!         let file = files::open(&format!("{}{path}", self.root), range)?;
//!         Ok(Opened { info: self.info(path, file.info), content: file.content })
//!     }
//!
//!     fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
//!         if condition != Condition::Unconditional {
//!             return Err(Error::unsupported("the drawer knows no conditions"));
//!         }
//!         Ok(self.info(path, files::replace(&format!("{}{path}", self.root), &content, CommitMode::empty())?))
//!     }
//! }
//!
//! cofferdam_guest::export_driver!(Drawer: StreamingStore);
//!
//! let mut drawer = Harness::<Drawer>::start(&[("root", "/data/top")])?;
//! let path = StorePath::new("/socks/blue")?;
//! drawer.put(&path, content::held("two"), Condition::Unconditional)?;
//! assert_eq!(drawer.open(&path, ByteRange::Last(2))?.content.bytes(10)?, b"wo");
//! # Ok::<(), Error>(())
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | [`driver`] | the traits that an author implements |
//! | [`mod@settings`] | typed settings and their schema |
//! | [`types`], [`path`], [`error`], [`list`] | the words of the contract, and help with them |
//! | [`host`] | what the host does: [`connections`], [`data`], [`files`], [`http`], [`system`] |
//! | `web` | with the feature of that name: what drivers of HTTP servers have in common |
//! | [`testing`] | running a driver natively |
//!
//! Build for `wasm32-unknown-unknown` as a `cdylib`, and make the module a component with `cofferdam build` or
//! `wit_component::ComponentEncoder`.

pub mod driver;
pub mod error;
pub mod host;
pub mod list;
pub mod path;
pub mod prelude;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod types;
#[cfg(feature = "web")]
pub mod web;

#[doc(hidden)]
pub mod bindings;
mod claims;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
#[cfg(target_arch = "wasm32")]
mod instance;
mod macros;
#[cfg(target_arch = "wasm32")]
mod panics;

pub use claims::Claims;
pub use driver::*;
pub use error::{Result, ResultExt};
pub use host::data::{Buffer, Content};
pub use host::{connections, data, files, http, system};
pub use list::PageBuilder;
pub use path::{Key, Prefix, StorePath};
pub use settings::{Secret, Settings};
pub use types::*;
