//! WASI as a component sees it: inert, but for what the grant gives.
//!
//! | module | its one job |
//! |---|---|
//! | `io` | waiting is the host's time, bytes are progress |
//! | `sockets` | TCP to what the grant gives |
//! | here | linking it; the context of one instance |
//!
//! What the grant gives of `wasi:http` is in `host::http::wasi`.

mod io;
mod sockets;

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi::{FsPerms, WasiCtx};
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};

use super::http;
use super::last_words::LastWords;
use super::log::LogStream;
use super::sockets::Known;
use super::state::{Resources, State};
use crate::bindings::cofferdam::storage::system::Level;
use crate::grant::{Access, Grant};

/// The most random bytes that one call answers.
const RANDOM_MAX: u64 = 64 << 10;

/// Links all of WASI 0.2.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    io::link(linker)?;
    sockets::link(linker)?;
    linker.allow_shadowing(false);
    types::add_to_linker::<State, wasmtime_wasi_http::WasiHttp>(linker, &LinkOptions::default().into(), State::wasi_http)?;
    outgoing_handler::add_to_linker::<State, wasmtime_wasi_http::WasiHttp>(linker, State::wasi_http)
}

/// What one instance has of WASI. The default has nothing.
pub(crate) struct Wasi {
    pub(super) context: WasiCtx,
    pub(super) http: http::WasiHttp,
    /// The addresses that it was told.
    pub(super) known: Known,
}

impl Default for Wasi {
    fn default() -> Self {
        Self { context: WasiCtx::builder().build(), http: http::WasiHttp::default(), known: Known::default() }
    }
}

impl Wasi {
    /// For one instance: no preopens, an empty environment, sockets that refuse and standard streams that go to the log, except where
    /// `grant` says otherwise. Clocks and randomness are real.
    ///
    /// # Errors
    /// If a granted directory cannot be opened.
    pub(crate) fn new(grant: &Grant, resources: &Arc<Resources>, last_words: &LastWords) -> wasmtime::Result<Self> {
        let (of_check, known) = (resources.clone(), Known::default());
        let known_to_check = known.clone();
        let mut builder = WasiCtx::builder();
        builder
            .stdout(LogStream::new(resources.log.clone(), Level::Info))
            .stderr(LogStream::new(resources.log.clone(), Level::Warn).remembered(last_words.clone()))
            .max_random_size(RANDOM_MAX)
            .allow_tcp(!grant.sockets.is_empty())
            .socket_addr_check(move |address, usage| {
                let allowed = sockets::allows(&of_check, &known_to_check, address, usage);
                Box::pin(std::future::ready(allowed))
            })
            // Said again here, though they are the defaults. Names are looked up by ours.
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
        Ok(Self { context: builder.build(), http: http::WasiHttp::default(), known })
    }
}
