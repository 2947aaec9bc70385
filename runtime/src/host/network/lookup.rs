//! Names into addresses, as the operating system knows them.

use std::io;
use std::net::IpAddr;

use futures::future::BoxFuture;

/// How many addresses of one name are looked at.
pub(crate) const ADDRESSES_MAX: usize = 32;

/// Looks names up.
pub(crate) trait Lookup: Send + Sync {
    /// The addresses of `host`, in the order in which they are to be tried.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The operating system.
pub(crate) struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}
