//! The registry with its records in a real Redis and its blobs in a real S3 server, as `examples/redis-s3.toml` says.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backends;
mod images;
mod outages;
mod replicas;
