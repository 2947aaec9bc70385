//! What a mount may reach by sockets of its own: names that a rule has, and the addresses to which they led.
//!
//! Nothing here knows wasmtime or WASI; `host::wasi::sockets` is the interface.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use super::network::address;
use super::network::lookup::{Given, Lookup, System};
use crate::grant::SocketRule;

/// How many addresses an instance may know at once; the oldest goes. A name whose addresses change with each lookup fills no memory.
const KNOWN_MAX: usize = 1024;

/// How much of a name is logged.
const NAME_MAX: usize = 255;

/// The rules of one mount. Clones share them.
#[derive(Clone)]
pub(crate) struct Sockets(Arc<Inner>);

struct Inner {
    /// For the audit.
    mount: Arc<str>,
    rules: Vec<SocketRule>,
    lookup: Arc<dyn Lookup>,
}

/// Why a name has no addresses for a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No rule has it, or none gives its addresses.
    Denied,
    /// Nobody knows it.
    Unresolved,
}

/// The addresses that one instance was told, each with the port of the rule that gave it. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<VecDeque<SocketAddr>>>);

impl Known {
    fn has(&self, address: SocketAddr) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&address)
    }

    fn learn(&self, address: SocketAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|old| *old != address);
        if known.len() >= KNOWN_MAX {
            known.pop_front();
        }
        known.push_back(address);
    }
}

impl Sockets {
    /// What `rules` give the mount of that name.
    pub(crate) fn new(rules: &[SocketRule], mount: Arc<str>) -> Self {
        Self::with(rules, mount, Arc::new(System))
    }

    fn with(rules: &[SocketRule], mount: Arc<str>, lookup: Arc<dyn Lookup>) -> Self {
        Self(Arc::new(Inner { mount, rules: rules.to_vec(), lookup }))
    }

    /// How many sockets an instance may have at once.
    pub(crate) fn most(&self) -> usize {
        self.0.rules.iter().map(|rule| rule.connections as usize).sum()
    }

    /// The addresses of `name` that a rule gives; the instance may connect to them from then on, as long as it lives.
    ///
    /// # Errors
    /// [`Refusal::Denied`] at once for a name that no rule has, before anybody is asked for it.
    ///
    /// # Cancel safety
    /// Dropping the future gives the lookup up.
    pub(crate) fn lookup(&self, name: &str, known: &Known) -> Result<impl Future<Output = Result<Vec<IpAddr>, Refusal>> + Send + use<>, Refusal> {
        let rules: Vec<_> = self.0.rules.iter().filter(|rule| rule.is_for(name)).cloned().collect();
        let name: String = name.chars().take(NAME_MAX).collect();
        let Some(first) = rules.first() else {
            self.refuse(&format!("a lookup of {name:?}"), "no rule allows it");
            return Err(Refusal::Denied);
        };
        let found: BoxFuture<'static, io::Result<Vec<IpAddr>>> = match first.address() {
            Some(ip) => Box::pin(std::future::ready(Ok(vec![ip]))),
            None => self.0.lookup.lookup(first.host().to_owned()),
        };
        let (sockets, known) = (self.clone(), known.clone());
        Ok(async move {
            let found = found.await.map_err(|_| Refusal::Unresolved)?;
            sockets.give(&name, found, &rules, &known)
        })
    }

    /// Those of the addresses that were `found` for `name` which its `rules` give.
    fn give(&self, name: &str, found: Vec<IpAddr>, rules: &[SocketRule], known: &Known) -> Result<Vec<IpAddr>, Refusal> {
        let mut given = Vec::new();
        let mut refused = None;
        let found: Vec<_> = found.into_iter().map(|ip| ip.to_canonical()).collect();
        for rule in rules {
            let of_rule = Given::of(found.clone(), &rule.addresses);
            refused = of_rule.refused.last().copied().or(refused);
            for ip in of_rule.addresses {
                known.learn(SocketAddr::new(ip, rule.port()));
                if !given.contains(&ip) {
                    given.push(ip);
                }
            }
        }
        match refused {
            _ if !given.is_empty() => Ok(given),
            None => Err(Refusal::Unresolved),
            Some((ip, what)) => {
                self.refuse(&format!("a lookup of {name:?}"), &format!("it leads to {ip}, {what}"));
                Err(Refusal::Denied)
            }
        }
    }

    /// Whether the instance that knows `known` may connect to `address`.
    pub(crate) fn may_connect(&self, address: SocketAddr, known: &Known) -> bool {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let rule = self.0.rules.iter().find(|rule| rule.address() == Some(address.ip()) && rule.port() == address.port());
        let why = match rule.map(|rule| address::check(address.ip(), &rule.addresses)) {
            _ if known.has(address) => return true,
            Some(Ok(())) => return true,
            Some(Err(what)) => format!("it is {what}"),
            None => "no name that a rule allows with this port was found to lead there".to_owned(),
        };
        self.refuse(&format!("a connection to {address}"), &why);
        false
    }

    /// Tells the audit's log of a refusal: what was wanted, and why not.
    pub(crate) fn refuse(&self, what: &str, why: &str) {
        tracing::warn!(target: "cofferdam::audit", mount = &*self.0.mount, socket = what, why, "a driver's socket was refused");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::host::network::lookup::scripted::Names;

    fn sockets(rules: &[(&str, &[&str])], answers: &[&str]) -> Sockets {
        let rule = |(allow, addresses): &(&str, &[&str])| {
            let mut rule = SocketRule::parse(allow).unwrap();
            rule.addresses = addresses.iter().map(|range| range.parse().unwrap()).collect();
            rule
        };
        Sockets::with(&rules.iter().map(rule).collect::<Vec<_>>(), "test".into(), Names::new(answers))
    }

    async fn lookup(sockets: &Sockets, name: &str, known: &Known) -> Result<Vec<String>, Refusal> {
        Ok(sockets.lookup(name, known)?.await?.iter().map(ToString::to_string).collect())
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_is_open_once_its_name_was_looked_up_and_only_at_its_port() {
        let sockets = sockets(&[("tcp://db.example:5432", &[])], &["9.9.9.9 2606:4700::1111"]);
        let known = Known::default();
        assert!(!sockets.may_connect(at("9.9.9.9:5432"), &known));
        assert_eq!(lookup(&sockets, "DB.example", &known).await.unwrap(), ["9.9.9.9", "2606:4700::1111"]);
        for address in ["9.9.9.9:5432", "[2606:4700::1111]:5432", "[::ffff:9.9.9.9]:5432"] {
            assert!(sockets.may_connect(at(address), &known), "{address}");
        }
        for address in ["9.9.9.9:5433", "9.9.9.10:5432", "[2606:4700::1111]:22"] {
            assert!(!sockets.may_connect(at(address), &known), "{address}");
        }
        assert!(!sockets.may_connect(at("9.9.9.9:5432"), &Known::default()), "another instance was not told");
    }

    #[tokio::test]
    async fn a_name_that_no_rule_has_is_not_looked_up() {
        let sockets = sockets(&[("tcp://db.example:5432", &[])], &["9.9.9.9"]);
        for name in ["other.example", "x.db.example", "9.9.9.9", "localhost", ""] {
            assert_eq!(lookup(&sockets, name, &Known::default()).await, Err(Refusal::Denied), "{name}");
        }
    }

    #[tokio::test]
    async fn special_addresses_are_left_out_and_refused_where_there_are_no_others() {
        let known = Known::default();
        let answers = ["10.0.0.1 9.9.9.9", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::7f00:1 10.0.0.1", ""];
        let sockets = sockets(&[("tcp://db.example:1", &[])], &answers);
        assert_eq!(lookup(&sockets, "db.example", &known).await.unwrap(), ["9.9.9.9"]);
        for _ in 0..3 {
            assert_eq!(lookup(&sockets, "db.example", &known).await, Err(Refusal::Denied));
        }
        assert_eq!(lookup(&sockets, "db.example", &known).await, Err(Refusal::Unresolved));
        for address in ["10.0.0.1:1", "169.254.169.254:1", "127.0.0.1:1", "[::ffff:127.0.0.1]:1"] {
            assert!(!sockets.may_connect(at(address), &known), "{address}");
        }
    }

    #[tokio::test]
    async fn each_rule_gives_its_own_port_and_addresses() {
        let known = Known::default();
        let sockets = sockets(&[("tcp://db.example:1", &["10.0.0.0/8"]), ("tcp://db.example:2", &[])], &["10.0.0.1"]);
        assert_eq!(lookup(&sockets, "db.example", &known).await.unwrap(), ["10.0.0.1"]);
        assert!(sockets.may_connect(at("10.0.0.1:1"), &known) && !sockets.may_connect(at("10.0.0.1:2"), &known));
        assert_eq!(sockets.most(), 64);
    }

    #[tokio::test]
    async fn a_server_that_is_named_by_its_address_needs_no_lookup() {
        let known = Known::default();
        let sockets = sockets(&[("tcp://9.9.9.9:1", &[]), ("tcp://127.0.0.1:1", &[]), ("tcp://[::1]:2", &["::1/128"])], &[""]);
        assert!(sockets.may_connect(at("9.9.9.9:1"), &known) && sockets.may_connect(at("[::1]:2"), &known));
        assert!(!sockets.may_connect(at("127.0.0.1:1"), &known) && !sockets.may_connect(at("9.9.9.9:2"), &known));
        assert_eq!(lookup(&sockets, "9.9.9.9", &known).await.unwrap(), ["9.9.9.9"]);
        assert_eq!(lookup(&sockets, "127.0.0.1", &known).await, Err(Refusal::Denied));
    }

    #[test]
    fn what_an_instance_knows_is_bounded() {
        let known = Known::default();
        for port in 1..=2000 {
            known.learn(SocketAddr::new([9, 9, 9, 9].into(), port));
        }
        assert!(known.has(at("9.9.9.9:2000")) && !known.has(at("9.9.9.9:1")));
        assert_eq!(known.0.lock().unwrap().len(), KNOWN_MAX);
    }
}
