//! Names into addresses, as the operating system knows them, and those of them that a grant gives.

use std::io;
use std::net::IpAddr;

use futures::future::BoxFuture;

use super::address;
use crate::grant::AddressRange;

/// How many addresses of one name are looked at.
const ADDRESSES_MAX: usize = 32;

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

/// What a grant gives of the addresses of one name.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Those that may be connected to, in the order in which they are to be tried.
    pub(crate) addresses: Vec<IpAddr>,
    /// Those that may not, each with what it is.
    pub(crate) refused: Vec<(IpAddr, &'static str)>,
}

impl Given {
    /// Checks each address that was `found`: the connection must go to those that passed, with no second lookup.
    pub(crate) fn of(found: Vec<IpAddr>, granted: &[AddressRange]) -> Self {
        let mut given = Self::default();
        for ip in found.into_iter().take(ADDRESSES_MAX) {
            match address::check(ip, granted) {
                Ok(()) => given.addresses.push(ip),
                Err(what) => given.refused.push((ip, what)),
            }
        }
        given
    }
}

/// Names whose answers a test says.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod scripted {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Answers from a list, one entry a question, the last for ever; an empty entry is a name that nobody knows.
    pub(crate) struct Names {
        answers: Mutex<Vec<Vec<IpAddr>>>,
        asked: Mutex<Vec<String>>,
    }

    impl Names {
        /// Each answer is addresses with spaces between.
        pub(crate) fn new(answers: &[&str]) -> Arc<Self> {
            let answers = answers.iter().map(|text| text.split_terminator(' ').map(|ip| ip.parse().unwrap()).collect()).collect();
            Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
        }

        /// The names that were asked for so far.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Lookup for Names {
        fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            self.asked.lock().unwrap().push(host);
            let mut answers = self.answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            Box::pin(async move { if answer.is_empty() { Err(io::Error::from(io::ErrorKind::NotFound)) } else { Ok(answer) } })
        }
    }
}
