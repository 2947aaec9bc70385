//! The HTTP surface and its server, in this process over the memory driver: access, events, request ids, shutdown, TLS, clients that dawdle.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod desk;
mod observed;
mod rules;
mod server;
mod tls;
