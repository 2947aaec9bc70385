//! What may go wrong around a registry: killed and stopped processes, full disks, silent clients, broken drivers, crowds.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crowds;
mod dice;
mod disk;
mod kills;
mod readers;
mod replicas;
mod traps;
