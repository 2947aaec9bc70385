//! Opening a granted connection: addresses, TCP, TLS, authentication.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::redis;
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{AuthProtocol, ConnectionGrant};
use crate::host::network::lookup::{Given, Lookup};
use crate::host::network::secret::{Secret, SecretError};
use crate::host::network::tls::{self, TrustError};

/// Where a connection goes, and how.
pub(super) struct Endpoint {
    pub(super) grant: ConnectionGrant,
    mount: Arc<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    lookup: Arc<dyn Lookup>,
}

/// Why a connection grant cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the connection grant {name:?} cannot be used: {problem}")]
pub struct OpenError {
    /// The grant's name.
    pub name: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a connection grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Its certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Its password.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its host, which is no name that a certificate could have.
    #[error("no certificate can have the name {0:?}, so `tls` is of no use")]
    ServerName(String),
}

impl Endpoint {
    /// Prepares what `grant` says, so that what is wrong with it is known before the first call. Nothing is connected.
    ///
    /// # Errors
    /// [`OpenError`] if its certificates or its password cannot be read.
    pub(super) fn new(grant: &ConnectionGrant, mount: &Arc<str>, lookup: Arc<dyn Lookup>) -> Result<Self, OpenError> {
        let prepare = || {
            if let Some(auth) = &grant.auth {
                Secret::read(&auth.password)?;
            }
            let Some(trust) = &grant.tls else { return Ok(None) };
            let name = ServerName::try_from(grant.host.clone()).map_err(|_| Problem::ServerName(grant.host.clone()))?;
            Ok(Some((TlsConnector::from(Arc::new(tls::client(trust)?)), name)))
        };
        let tls = prepare().map_err(|problem: Problem| OpenError { name: grant.name.clone(), problem })?;
        Ok(Self { grant: grant.clone(), mount: mount.clone(), tls, lookup })
    }

    /// A new connection, ready for the driver.
    ///
    /// # Errors
    /// `permission-denied` if the grant does not give any of the server's addresses, `unavailable` if it cannot be reached in time,
    /// `unauthenticated` if it refuses the grant's credentials.
    ///
    /// # Cancel safety
    /// What was opened is closed.
    pub(super) async fn open(&self) -> Result<Stream> {
        let limit = self.grant.connect_timeout;
        match tokio::time::timeout(limit, self.open_patiently()).await {
            Ok(opened) => opened,
            Err(_) => Err(self.unavailable(format!("nothing answered within {limit:?} (`connect-timeout`)"))),
        }
    }

    async fn open_patiently(&self) -> Result<Stream> {
        let tcp = self.connect(&self.addresses().await?).await?;
        let mut stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some((connector, name)) => {
                let shaken = connector.connect(name.clone(), tcp).await;
                Stream::Tls(Box::new(shaken.map_err(|error| self.unavailable(format!("TLS failed: {error}")))?))
            }
        };
        if let Some(auth) = &self.grant.auth {
            let password = Secret::read(&auth.password).map_err(|error| self.unavailable(error.to_string()))?;
            let made = match auth.protocol {
                AuthProtocol::Redis => redis::authenticate(&mut stream, auth.user.as_deref(), &password).await,
            };
            made.map_err(|error| {
                Error::new(error.kind(), format!("the connection {:?}: {}", self.grant.name, error.message()))
                    .with_code(error.code().map(str::to_owned))
            })?;
        }
        Ok(stream)
    }

    /// The server's addresses that the grant gives: those that are checked are those that are connected to.
    async fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let (host, port) = (self.grant.host.as_str(), self.grant.port);
        let found = self.lookup.lookup(host.to_owned()).await;
        let found = found.map_err(|error| self.unavailable(format!("the name {host} is not resolved: {error}")))?;
        let Given { addresses, refused } = Given::of(found, &self.grant.addresses);
        for (address, what) in &refused {
            tracing::warn!(
                target: "cofferdam::audit", mount = &*self.mount, connection = self.grant.name, host, %address, what, "an address was refused"
            );
        }
        match refused.first() {
            _ if !addresses.is_empty() => Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()),
            None => Err(self.unavailable(format!("the name {host} has no address"))),
            Some((ip, what)) => Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "the connection {:?} leads to {ip}, {what}, which needs the line `addresses = [\"{}\"]` in its [[connection]] table",
                    self.grant.name,
                    ip.to_canonical()
                ),
            )),
        }
    }

    /// The first of `addresses` that answers.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream> {
        let mut last: Option<io::Error> = None;
        for address in addresses {
            let connected = async {
                let tcp = TcpStream::connect(address).await?;
                // A driver writes a whole command at once, and waits for the answer.
                tcp.set_nodelay(true)?;
                Ok(tcp)
            };
            match connected.await {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = Some(error),
            }
        }
        let reason = last.map_or_else(|| "no address".to_owned(), |error: io::Error| error.to_string());
        Err(self.unavailable(reason))
    }

    fn unavailable(&self, reason: String) -> Error {
        let ConnectionGrant { name, host, port, .. } = &self.grant;
        Error::new(ErrorKind::Unavailable, format!("the connection {name:?} to {host} port {port} cannot be opened: {reason}"))
    }
}
