//! The registry below its HTTP: one set of tests over each layout on each driver, and what is special to a layout.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod blobs;
mod catalog;
mod docker;
mod gc;
mod manifests;
mod referrers;
mod scrub;
mod tags;
mod world;
