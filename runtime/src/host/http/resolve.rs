//! Names into addresses: looked up by the host, each checked, and the connection goes to those that passed.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::grant::AddressRange;
use crate::host::network::address;
use crate::host::network::lookup::{ADDRESSES_MAX, Lookup};

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
            let mut allowed = Vec::new();
            let mut refused = None;
            let found = found.await.map_err(|source| Unresolved { name: name.as_str().to_owned(), source })?;
            for ip in found.into_iter().take(ADDRESSES_MAX) {
                match address::check(ip, &granted) {
                    // The port is the URL's: the client puts it in for 0.
                    Ok(()) => allowed.push(SocketAddr::new(ip, 0)),
                    Err(what) => refused = Some(Refused { name: name.as_str().to_owned(), address: ip, what }),
                }
            }
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
