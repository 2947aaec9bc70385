//! What is wrong with a grant, in sentences that say what to do.

use std::fmt;
use std::path::PathBuf;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Why a grant cannot be used. No message shows the value of a setting or of the environment: they may be secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file as it was named.
        file: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{place}: not TOML: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// A key that means nothing.
    #[error("{place}: unknown key `{key}` {table}; {hint}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// Which table it stands in: `in [limits]`.
        table: &'static str,
        /// The nearest known key, or all of them.
        hint: String,
    },
    /// A key that must be there is not.
    #[error("{place}: `{key}` is missing {table}; add it: {example}")]
    MissingKey {
        /// The table's first key.
        place: Place,
        /// The key.
        key: &'static str,
        /// Which table it is missing in.
        table: &'static str,
        /// A line that would do.
        example: &'static str,
    },
    /// A value of another type than its key has.
    #[error("{place}: `{key}` {table} must be {expected}, not {found}")]
    WrongType {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// Which table it stands in.
        table: &'static str,
        /// What it must be.
        expected: String,
        /// The type that it has.
        found: &'static str,
    },
    /// A value of the right type that does not mean what it must.
    #[error("{place}: `{key}` {table} {problem}")]
    BadValue {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// Which table it stands in.
        table: &'static str,
        /// What is wrong with it: `is … but must be …`.
        problem: String,
    },
    /// Two directories have one name.
    #[error("{place}: the directory `{name}` is granted twice, first at line {first}; give one of them another name")]
    DuplicateDirectory {
        /// Where the second is.
        place: Place,
        /// The name.
        name: String,
        /// The line of the first.
        first: usize,
    },
    /// A setting that the driver does not have.
    #[error("unknown setting `{name}`; {hint}")]
    UnknownSetting {
        /// The setting.
        name: String,
        /// The nearest known setting, or all of them.
        hint: String,
    },
    /// A setting of another type than the driver wants.
    #[error("the setting `{name}` must be {expected}, not {found}")]
    SettingType {
        /// The setting.
        name: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A setting that the driver needs.
    #[error("the driver needs the setting `{name}`{}; add it under [settings] in the grant", describe(description))]
    MissingSetting {
        /// The setting.
        name: String,
        /// What the driver says about it.
        description: String,
    },
    /// A setting that is a secret, beside an authenticator of the host's.
    #[error(
        "the setting `{name}` is a secret, and the host authenticates for this driver: take it out of [settings], for no secret needs to enter a \
         sandbox. Instead of it the grant has:\n\n{instead}"
    )]
    BrokeredSecret {
        /// The setting.
        name: String,
        /// The lines of the grant by which the host has the secret.
        instead: String,
    },
    /// The driver's schema is not one.
    #[error("the driver's settings schema is wrong: {problem}; that is a fault of the driver, not of the grant")]
    BadSchema {
        /// What is wrong with it.
        problem: String,
    },
}

fn describe(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}
