//! Why a file cannot be loaded or mounted as a driver, in sentences that say what to do.

use std::path::{Path, PathBuf};

use super::Digest;
use crate::error::Error;
use crate::grant::GrantError;

/// Why a driver cannot be loaded, or not with this grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the driver {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another error, in a file.
    #[error("{}: {error}", path.display())]
    InFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<LoadError>,
    },
    /// A pin that is no digest.
    #[error("`{pin}` is no digest: write `sha256:` and 64 hexadecimal digits")]
    BadPin {
        /// What was given.
        pin: String,
    },
    /// The bytes are not the ones that the pin names.
    #[error("the driver's digest is {found}, but {expected} is pinned: it is not the file that was approved")]
    WrongDigest {
        /// The pin.
        expected: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// Not WebAssembly.
    #[error("not WebAssembly: it begins with {start}, not with `\\0asm`")]
    NotWasm {
        /// Its first bytes.
        start: String,
    },
    /// A core module.
    #[error("a core WebAssembly module, where a driver is a component: encode it (`wasm-tools component new`, or the SDK of its language)")]
    CoreModule,
    /// WebAssembly that does not validate or compile, machine code included.
    #[error("not a valid WebAssembly component: {message}")]
    Invalid {
        /// What the engine says.
        message: String,
    },
    /// A component of some other purpose.
    #[error("a component, but not a driver: it exports nothing of `cofferdam:storage` (it exports {exports})")]
    NotADriver {
        /// What it exports.
        exports: String,
    },
    /// Every driver exports `lifecycle`, and a store.
    #[error("not a whole driver: it does not export {missing}")]
    Incomplete {
        /// What is missing.
        missing: &'static str,
    },
    /// Built for a contract that this host does not speak.
    #[error(
        "built for contract {found} (`cofferdam:storage/{interface}`), where this host speaks {spoken}: build the driver against \
         `cofferdam:storage@{spoken}.0`, or use a host that speaks {found}"
    )]
    OtherMajor {
        /// An interface of it.
        interface: String,
        /// The versions that it exports.
        found: String,
        /// The host's.
        spoken: String,
    },
    /// It imports what this host cannot give to any driver.
    #[error("the driver imports what this host does not have:{}", list(.imports))]
    UnknownImports {
        /// Each import, and why it is not there.
        imports: Vec<String>,
    },
    /// It imports what the grant does not give.
    #[error("the driver imports what the grant does not give:{}\nTo allow it, add to the grant:\n\n{remedy}", list(.imports))]
    NotGranted {
        /// Each import with its functions.
        imports: Vec<String>,
        /// The lines of a grant that would allow it.
        remedy: String,
    },
    /// It imports WASI, and the grant says `strict = true`.
    #[error("the driver imports WASI, which `strict = true` in the grant refuses even in its inert form:{}", list(.imports))]
    Strict {
        /// Each import.
        imports: Vec<String>,
    },
    /// The shape of an import or export is not the contract's.
    #[error("the driver's interfaces are not those of the contract: {message}")]
    Incompatible {
        /// What the engine says.
        message: String,
    },
    /// The grant, or its settings, cannot be used.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A granted directory cannot be opened.
    #[error(transparent)]
    Directory(#[from] crate::host::files::OpenError),
    /// A granted connection cannot be prepared: its certificates or its password are not there.
    #[error(transparent)]
    Connection(#[from] crate::host::connections::OpenError),
    /// An HTTP rule cannot be used.
    #[error(transparent)]
    Http(#[from] crate::host::http::HttpOpenError),
    /// The spool's directory cannot be opened.
    #[error("cannot open the spool's directory {}: make it (`mkdir -p`), or name another under [spool]", path.display())]
    Spool {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The driver did not start: it trapped, refused its settings or took too long.
    #[error("the driver did not start: {0}")]
    Start(Error),
    /// The machine cannot run the engine.
    #[error("the WebAssembly engine cannot run: {message}")]
    Engine {
        /// What it says.
        message: String,
    },
}

fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("\n  - {item}")).collect()
}

impl LoadError {
    pub(crate) fn engine(error: wasmtime::Error) -> Self {
        Self::Engine { message: format!("{error:#}") }
    }

    pub(crate) fn invalid(error: wasmtime::Error) -> Self {
        Self::Invalid { message: format!("{error:#}") }
    }

    pub(crate) fn incompatible(error: wasmtime::Error) -> Self {
        Self::Incompatible { message: format!("{error:#}") }
    }

    /// This error, naming the file.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::InFile { path: path.to_owned(), error: Box::new(self) }
    }

    /// The error itself, without the file around it.
    pub fn cause(&self) -> &Self {
        match self {
            Self::InFile { error, .. } => error.cause(),
            other => other,
        }
    }
}
