//! The certification suite for Cofferdam storage drivers: the contract in executable form.
//!
//! [`certify`] runs every [`Case`] against a driver with a grant and answers a [`Report`]. Each case holds one rule of the contract
//! (`docs/contract.md` lists them by id), on a fresh, empty place of its own: every directory that the grant lets the driver write
//! to is replaced by a new one inside it, so what an operator keeps there is never touched.
//!
//! Claims are tested in both directions: what a driver claims must work, and what it does not claim must be refused with
//! `unsupported`. A case that has nothing to ask is skipped with its reason.
//!
//! ```no_run
//! use cofferdam::{Driver, Engine, Grant};
//! use cofferdam_certification::{Options, certify};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let driver = Driver::load_file(&Engine::shared()?, "filesystem.wasm".as_ref(), None)?;
//! let grant = Grant::from_file("grant.toml".as_ref())?;
//! let report = certify(&driver, &grant, &Options::default()).await?;
//! for case in report.failures() {
//!     eprintln!("{}: {}", case.id, case.reason().unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The list of cases is data too:
//!
//! ```
//! let case = cofferdam_certification::cases().find(|case| case.id() == "put.overwrite").expect("a case");
//! assert!(case.rule().contains("etag"));
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | [`certify`] | runs the cases one after another, each bounded in time |
//! | `case` | what a case is: id, rule, the claims that it needs |
//! | `cases` | the cases themselves, one module a group |
//! | `context` | what a case works with: mounts over a fresh place, data, sizes, a second process |
//! | `scratch` | fresh places inside the granted directories |
//! | `data` | reproducible bytes of any size |
//! | `steps` | what many cases do: store, compare, expect a refusal |
//! | `verdict` | how a case ends early |
//! | `options` | how to certify |
//! | `report` | what came of it |
//! | [`worker`] | the second host process |

mod case;
mod cases;
mod certify;
mod context;
mod data;
mod error;
mod options;
mod report;
mod scratch;
mod steps;
mod verdict;
pub mod worker;

pub use case::{Case, Claim};
pub use cases::cases;
pub use certify::certify;
pub use error::Error;
pub use options::{Options, Progress};
pub use report::{CaseReport, Outcome, Report};
