//! The interface `connections`: byte streams to granted servers, opened by the host and kept for the next call.
//!
//! Nothing here knows wasmtime but `glue`. A name that a driver says becomes a stream by `Connections::get`, the one place where
//! the grant is asked; `endpoint` alone opens sockets.
//!
//! | module | its one job |
//! |---|---|
//! | `pool` | the granted connections of one mount: in use, idle, and the cap over both |
//! | `connection` | one connection as a call has it: reads, writes, giving back |
//! | `endpoint` | opening: addresses, TCP, TLS, authentication |
//! | `stream` | the bytes of an open connection, plain or in TLS |
//! | `redis` | `AUTH` of Redis |

mod connection;
mod endpoint;
mod glue;
mod pool;
mod redis;
mod stream;

pub(crate) use connection::Connection;
pub use endpoint::OpenError;
pub(crate) use pool::Connections;

#[cfg(test)]
mod tests;
