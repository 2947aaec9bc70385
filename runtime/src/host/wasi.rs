//! WASI as a driver's language runtime sees it: inert, but for what the grant gives.

use wasmtime_wasi::{FsPerms, WasiCtx};

use super::log::{LogGate, LogStream};
use crate::bindings::cofferdam::storage::system::Level;
use crate::grant::{Access, Grant};

/// The most random bytes that one call answers.
const RANDOM_MAX: u64 = 64 << 10;

/// A WASI context for one instance: no preopens, an empty environment, sockets that refuse and standard streams that go
/// to the log, except where `grant` says otherwise. Clocks and randomness are real.
///
/// # Errors
/// If a granted directory cannot be opened.
pub(crate) fn context(grant: &Grant, log: &LogGate) -> wasmtime::Result<WasiCtx> {
    let mut builder = WasiCtx::builder();
    builder
        .stdout(LogStream::new(log.clone(), Level::Info))
        .stderr(LogStream::new(log.clone(), Level::Warn))
        .max_random_size(RANDOM_MAX)
        // Said again here, though they are the defaults: nothing of the network.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for (name, value) in &grant.environment {
        builder.env(name, value);
    }
    for directory in grant.directories.iter().filter(|directory| directory.wasi) {
        let access = match directory.access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder.preopened_dir(&directory.host, &directory.name, access)?;
    }
    Ok(builder.build())
}
