//! How much of the machine a mount may use: defaults that are safe for code that nobody has read.

use std::path::PathBuf;
use std::time::Duration;

/// The limits of one mount. Each default says why it is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The linear memory of one instance, in bytes. 256 MiB: Python with its standard library needs some 60, and
    /// `calls_in_flight` instances at once must leave a small machine standing since most stay far below.
    pub memory: u64,
    /// The elements of all of an instance's tables. 20,000: StarlingMonkey, the largest of the languages tried, has about half.
    pub table_elements: u32,
    /// Core instances within one component. 64: a component made by a language toolchain has three to thirty.
    pub instances: u32,
    /// Resource handles that one instance holds at once. 10,000: a driver needs a handful a call, so this is a leak.
    pub handles: u32,
    /// Time that one call may spend running guest code; waiting for the host is not counted. 10 s: a thousand times what an
    /// honest call needs, short enough that a loop does not occupy a core for long.
    pub cpu: Duration,
    /// Time that instantiating and configuring may spend running guest code. 30 s: interpreters set themselves up in it.
    pub start: Duration,
    /// How long a call may go on without moving a byte. 60 s: the patience of most clients and proxies.
    pub no_progress: Duration,
    /// Calls at once, each on its own instance. 32: enough to keep a disk or a network busy, well below the instances that the
    /// engine's pool reserves for all mounts together.
    pub calls_in_flight: u32,
    /// Calls that wait for an instance before further ones are answered `overloaded`. 1,024: some seconds of work.
    pub queue: u32,
    /// Lines that the driver may log a second. 100: readable, and a log cannot fill a disk in a night.
    pub log_lines_per_second: u32,
    /// After so many calls an instance is replaced. 100,000: slow leaks end, and the microseconds of a new one vanish.
    pub calls_per_instance: u64,
    /// An instance that nobody called for so long is dropped. 60 s: its memory is worth more than the microseconds of a new one.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table_elements: 20_000,
            instances: 64,
            handles: 10_000,
            cpu: Duration::from_secs(10),
            start: Duration::from_secs(30),
            no_progress: Duration::from_secs(60),
            calls_in_flight: 32,
            queue: 1024,
            log_lines_per_second: 100,
            calls_per_instance: 100_000,
            idle: Duration::from_secs(60),
        }
    }
}

/// Where content waits that a driver must be able to read twice and that came as a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolOptions {
    /// Bytes held in memory, for the whole mount. 64 MiB: many small blobs, without a disk.
    pub memory: u64,
    /// Where larger content goes, in files that have no name. None: nowhere, `memory` is all there is.
    pub directory: Option<PathBuf>,
    /// Bytes held in `directory`, for the whole mount. 16 GiB: the largest container layers that are seen, twice.
    pub disk: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self { memory: 64 << 20, directory: None, disk: 16 << 30 }
    }
}
