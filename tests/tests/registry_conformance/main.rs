//! Every line of the distribution specification's conformance list, by raw HTTP against a running server.
//!
//! `COFFERDAM_TESTED_REGISTRY=docker-registry` runs them against Debian's, which passes what it implements: how these tests are tested.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cofferdam_tests::server::Served;

mod chunks;
mod discovery;
mod management;
mod manifests;
mod mounts;
mod protocol;
mod pull;
mod push;
mod referrers;

/// The registry that is tested.
fn served() -> Served {
    Served::fresh()
}
