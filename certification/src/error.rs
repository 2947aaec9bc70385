//! Why a driver could not be certified at all.

use std::path::PathBuf;

use cofferdam::LoadError;

/// Why there is no report. What a driver does wrong is in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The driver cannot be mounted with this grant, so nothing can be asked of it.
    #[error(transparent)]
    Mount(#[from] LoadError),
    /// No fresh place could be made inside a granted directory.
    #[error("cannot make a fresh directory to certify in, inside {}: the certifier needs to write there", directory.display())]
    Scratch {
        /// The granted directory.
        directory: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The driver stores to a server, and nothing keeps the cases apart there, nor from what is stored already.
    #[error(
        "the driver stores to a server: name the setting by which the server keeps stores apart (`--place prefix`, say), so that each case has a \
         fresh place and what is stored already stays untouched"
    )]
    NoPlace,
    /// A pattern that selects nothing.
    #[error("no case matches `{pattern}`; ids look like `put.overwrite`, `list.*`")]
    NoCase {
        /// The pattern.
        pattern: String,
    },
    /// The files that the driver is to be filled with already cannot be read.
    #[error("cannot read the files that the driver is filled with, below {}", directory.display())]
    Filled {
        /// Where they should be.
        directory: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}
