//! The contract's host interfaces, each the one place where its kind of resource is opened.

pub(crate) mod connections;
pub(crate) mod data;
pub(crate) mod extend;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod last_words;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod sockets;
pub(crate) mod state;
pub(crate) mod system;
pub(crate) mod wasi;
