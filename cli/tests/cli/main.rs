//! The real binary, run as people run it: what it prints, what it leaves, how it exits.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod certify;
mod desk;
mod driver;
mod kill;
mod refusals;
mod serve;
mod store;
