//! The host functions natively: the same names and shapes as the bindings that a component calls.

pub(crate) mod connections;
pub(crate) mod data;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod system;
