//! The conformance list again, over the layout `indexed`: clients cannot tell which one a registry has.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cofferdam_tests::server::{Config, Served};

#[path = "registry_conformance/chunks.rs"]
mod chunks;
#[path = "registry_conformance/discovery.rs"]
mod discovery;
#[path = "registry_conformance/management.rs"]
mod management;
#[path = "registry_conformance/manifests.rs"]
mod manifests;
#[path = "registry_conformance/mounts.rs"]
mod mounts;
#[path = "registry_conformance/protocol.rs"]
mod protocol;
#[path = "registry_conformance/pull.rs"]
mod pull;
#[path = "registry_conformance/push.rs"]
mod push;
#[path = "registry_conformance/referrers.rs"]
mod referrers;

/// The registry that is tested.
fn served() -> Served {
    Served::configured(|data| Config { layout: "indexed", ..Config::of(data) })
}
