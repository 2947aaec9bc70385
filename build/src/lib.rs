//! Makes Cofferdam storage drivers from sources in any language: a new project, its tools, its component.
//!
//! An author installs nothing but the tools of their own language, and mostly not even those. The contract, the SDKs and the templates are
//! carried in the binary; bindings are made from the contract each time, never kept.
//!
//! ```no_run
//! use cofferdam_build::{Language, Project, Tools, build, scaffold};
//!
//! # fn example() -> cofferdam_build::Result<()> {
//! scaffold::create(Language::Python, "drawer", "drawer".as_ref())?;
//! let project = Project::find("drawer".as_ref())?;
//! let built = build(&project, &Tools::of_the_user()?, &mut |step| eprintln!("{step}"))?;
//! println!("{}: {} bytes", built.component.display(), built.size);
//! # Ok(())
//! # }
//! ```
//!
//! | module | its one job |
//! |---|---|
//! | [`project`] | `cofferdam.toml` |
//! | [`scaffold`] | a new project in an empty folder |
//! | [`tools`] | the tools of languages, in a folder of the user's |
//! | [`languages`] | one module a language: the steps from its sources to a component |
//! | [`contract`] | the contract in a folder, and the bindings that are made here |
//! | [`component`] | core module to component, checked against its world |
//! | `carried` | what the binary carries |
//! | `files` | files that are written whole |
//! | `process` | running the tools |

pub mod component;
pub mod contract;
pub mod languages;
pub mod project;
pub mod scaffold;
pub mod tools;

mod carried;
mod error;
mod files;
mod language;
mod make;
mod process;

pub use error::{Error, Result};
pub use files::replace;
pub use language::{Engine, Language};
pub use make::{Built, build};
pub use project::Project;
pub use tools::Tools;
