//! What keeps a server from starting.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is taken, is not this machine's, or needs privileges.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A certificate or key cannot be read.
    #[error("cannot read {what} from {}: {reason}", path.display())]
    TlsFile {
        /// Certificate or key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key are read and do not serve.
    #[error("the certificate {} and the key {} do not serve: {source}", certificate.display(), key.display())]
    Tls {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// A worker's thread or runtime cannot be made.
    #[error("cannot start a worker: {source}")]
    Worker {
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let a socket be waited for.
    #[error("cannot accept connections on {address}: {source}")]
    Accept {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}
