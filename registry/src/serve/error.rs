//! Why a registry does not start, in sentences that say what to do.

use std::net::SocketAddr;
use std::path::PathBuf;

use cofferdam::LoadError;

use crate::access::AccessError;
use crate::events::WebhookError;
use crate::server::ServerError;

/// Why a registry does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Anybody who reaches the address could push and delete.
    #[error(
        "refusing to listen on {address}: other machines reach it, and nobody is asked for a name. Add [auth.htpasswd] or [auth.token] to the \
         configuration, or listen on 127.0.0.1, or write `insecure = true` at the top of the configuration if that is what you want"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// A driver does not load, or does not start with its grant.
    #[error("[mount.{mount}]: {error}")]
    Mount {
        /// The mount.
        mount: String,
        /// Why.
        #[source]
        error: Box<LoadError>,
    },
    /// A driver that has no blobs.
    #[error("[mount.{mount}]: the driver `{driver}` is no streaming store, so it cannot hold blobs; name another mount in `blobs`")]
    NoBlobs {
        /// The mount.
        mount: String,
        /// Its driver.
        driver: String,
    },
    /// A driver that has no atomic data, and cannot be made to.
    #[error(
        "[mount.{mount}]: the driver `{driver}` cannot hold the registry's small records, because {reason}; name a mount whose driver is an atomic store \
         in `atomic`"
    )]
    NoAtomic {
        /// The mount.
        mount: String,
        /// Its driver.
        driver: String,
        /// What is missing.
        reason: String,
    },
    /// A driver that makes no presigned URLs.
    #[error("[mount.{mount}]: the driver `{driver}` makes no presigned URLs, so no client can be redirected to its store; leave `redirect` out")]
    NoRedirects {
        /// The mount.
        mount: String,
        /// Its driver.
        driver: String,
    },
    /// The storage does not answer as it should.
    #[error("the storage of {repositories} cannot be opened: {error}")]
    Store {
        /// Which repositories.
        repositories: String,
        /// Why.
        #[source]
        error: cofferdam::Error,
    },
    /// Users or keys.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A secret that is to be sent with webhooks.
    #[error("cannot read the secret {} of the webhook `{webhook}`: {error}", path.display())]
    Secret {
        /// The webhook.
        webhook: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: std::io::Error,
    },
    /// A webhook's URL, token or connection.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Metrics, or what the configuration names and does not have.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The listeners.
    #[error(transparent)]
    Server(#[from] ServerError),
}
