//! Names into addresses: looked up by the host, each checked, and the connection goes to those that passed.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::grant::AddressRange;
use crate::host::network::lookup::{Given, Lookup};

/// A name that leads only to addresses which the rule does not give.
#[derive(Debug)]
pub(super) struct Refused {
    name: String,
    pub(super) address: IpAddr,
    what: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} leads to {}, {}", self.name, self.address, self.what)
    }
}

impl std::error::Error for Refused {}

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} is not resolved: {source}")]
pub(super) struct Unresolved {
    name: String,
    source: io::Error,
}

/// The resolver of one rule.
pub(super) struct Resolver {
    lookup: Arc<dyn Lookup>,
    granted: Arc<[AddressRange]>,
}

impl Resolver {
    pub(super) fn new(lookup: Arc<dyn Lookup>, granted: Vec<AddressRange>) -> Self {
        Self { lookup, granted: granted.into() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, granted) = (self.lookup.lookup(name.as_str().to_owned()), self.granted.clone());
        Box::pin(async move {
            let found = found.await.map_err(|source| Unresolved { name: name.as_str().to_owned(), source })?;
            let Given { addresses, mut refused } = Given::of(found, &granted);
            match refused.pop() {
                Some((address, what)) if addresses.is_empty() => Err(Refused { name: name.as_str().to_owned(), address, what }.into()),
                // The port is the URL's: the client puts it in for 0.
                _ => Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs),
            }
        })
    }
}
