//! The typed policy: what one mount may touch, and how much it may use.
//!
//! A [`Grant`] is the only place from which a sandbox is built; what it does not say is refused. It is read from TOML
//! ([`Grant::from_file`]) or made in code. `docs/design.md` has the file's format; here are its parts:
//!
//! | module | its one job |
//! |---|---|
//! | `address_range` | a range of addresses, as a grant names it |
//! | `brokered` | secrets among the settings, refused where the host authenticates |
//! | `connection` | the tables `[[connection]]`, typed |
//! | `describe` | what a grant gives, in words |
//! | `http` | which servers a driver may ask |
//! | `socket` | the tables `[[socket]]`, typed |
//! | `sign` | where the credentials of a rule are |
//! | [`limits`] | how much of the machine a mount may use, with safe defaults |
//! | [`fields`] | values of a TOML table, each with its place in the file |
//! | `parse` | the tables of a grant file, typed |
//! | [`settings`] | the driver's settings, checked against its schema |
//! | [`suggest`] | the smallest grant that would let a driver load |
//! | `nearest` | the known word that was probably meant |

mod address_range;
mod brokered;
mod connection;
mod describe;
mod error;
pub mod fields;
mod http;
pub mod limits;
mod nearest;
mod parse;
pub mod settings;
mod sign;
mod socket;
pub mod suggest;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use address_range::{AddressRange, AddressRangeError};
pub use connection::{AuthProtocol, ConnectionAuth, ConnectionGrant, SecretSource, Trust};
pub use error::{GrantError, Place};
pub use http::{HttpRule, Origin};
pub use limits::{Limits, SpoolOptions};
pub use parse::MountFile;
pub use sign::{AwsCredentials, Signing};
pub use socket::SocketRule;

/// A kind of thing that only a grant gives, as the contract's host interfaces divide them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrantKind {
    /// A directory, through `files`.
    Directory,
    /// HTTP requests, through `http`.
    Http,
    /// Byte streams to a server, through `connections`.
    Connection,
}

/// Everything that one mount of a driver may touch. The default grants nothing.
///
/// `Debug` shows names, never the values of settings or of the environment: they may be secrets.
#[derive(Clone, Default, PartialEq)]
pub struct Grant {
    /// The driver's own settings; [`settings::check_grant`] holds them against its schema.
    pub settings: BTreeMap<String, SettingValue>,
    /// Directories of the host, by the name that the driver uses.
    pub directories: Vec<DirectoryGrant>,
    /// Byte streams to servers, by the name that the driver uses.
    pub connections: Vec<ConnectionGrant>,
    /// Servers that it may ask by HTTP.
    pub http: Vec<HttpRule>,
    /// Servers to which it may open connections of its own, by `wasi:sockets`.
    pub sockets: Vec<SocketRule>,
    /// The environment that the driver's language runtime sees.
    pub environment: BTreeMap<String, String>,
    /// Refuse drivers that import WASI even in its inert form.
    pub strict: bool,
    /// Start a `single` driver again, empty, after it trapped. Without it its mount stays unavailable, so that nobody
    /// takes a lost store for an empty one.
    pub restart_empty: bool,
    /// How much of the machine it may use.
    pub limits: Limits,
    /// Where content waits that must be held and is not.
    pub spool: SpoolOptions,
}

/// One directory of the host, given to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// The name by which the driver knows it: absolute, `/data`.
    pub name: String,
    /// Where it is on the host: absolute.
    pub host: PathBuf,
    /// What the driver may do with it.
    pub access: Access,
    /// Give it as a WASI preopen too, for drivers that use their language's own files.
    pub wasi: bool,
}

/// What may be done with a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    #[default]
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
        })
    }
}

/// The value of a setting. `Debug` shows its type only: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Text of which only the schema knows the type: given on a command line, say.
    Untyped(String),
}

impl SettingValue {
    /// The value's type, in words.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Untyped(_) => "untyped text",
        }
    }
}

impl fmt::Debug for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.type_name())
    }
}

impl Grant {
    /// Reads a grant from `text`; `file` is where it stands: its name is in every error, and paths are relative to it.
    ///
    /// # Errors
    /// [`GrantError`], with line and column, for anything that is not exactly a grant: unknown keys too.
    pub fn parse(text: &str, file: &Path) -> Result<Self, GrantError> {
        parse::grant(text, file)
    }

    /// Reads a grant from `file`.
    ///
    /// # Errors
    /// [`GrantError::Unreadable`] if it cannot be read, otherwise as [`Grant::parse`].
    pub fn from_file(file: &Path) -> Result<Self, GrantError> {
        Self::parse(&fields::read(file)?, file)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("settings", &self.settings)
            .field("directories", &self.directories)
            .field("connections", &self.connections)
            .field("http", &self.http)
            .field("sockets", &self.sockets)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .field("strict", &self.strict)
            .field("restart_empty", &self.restart_empty)
            .field("limits", &self.limits)
            .field("spool", &self.spool)
            .finish()
    }
}
