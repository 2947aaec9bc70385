//! What can be wrong on the way from sources to a component, as sentences that a person can act upon.

use std::io;
use std::path::{Path, PathBuf};

/// What this crate answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a project cannot be made or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no project here.
    #[error("there is no cofferdam.toml with a [driver] table in {} or in a folder above it", .0.display())]
    NoProject(PathBuf),
    /// Its file is wrong.
    #[error("{}: {what}", place(file, *line))]
    Project {
        /// The file.
        file: PathBuf,
        /// The line, where there is one to name.
        line: Option<usize>,
        /// What is wrong there.
        what: String,
    },
    /// A name that no driver can have.
    #[error("{0:?} cannot be a driver's name: it begins with a letter and has small letters, digits and single hyphens, 63 at most")]
    Name(String),
    /// There is something in the folder already.
    #[error("{} is not empty, and a new project never writes over what is there", .0.display())]
    NotEmpty(PathBuf),
    /// A language without a template in this build of the program.
    #[error("there is no template for {0}")]
    NoTemplate(crate::Language),
    /// A tool is not there.
    #[error("{what} is not there, and a driver in {language} is built with it; {remedy}")]
    Missing {
        /// What is built with it.
        language: &'static str,
        /// The tool.
        what: String,
        /// What gets it.
        remedy: String,
    },
    /// A tool was started and failed: in its own words.
    #[error("{command} failed ({status}):\n{printed}")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: String,
        /// All that it printed.
        printed: String,
    },
    /// What was compiled is not what the world asks for.
    #[error("{what}")]
    World {
        /// What is missing or too much, with the names of WIT.
        what: String,
    },
    /// The contract, or a file that was made of it, cannot be processed.
    #[error("{what}")]
    Contract {
        /// What and why.
        what: String,
    },
    /// The file system refused something.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was tried with which file.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }

    /// For `map_err`: something about the contract, with all causes.
    pub(crate) fn contract(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::Contract { what: format!("{what}: {error:#}") }
    }
}

fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}
