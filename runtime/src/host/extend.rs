//! Interfaces that a host gives its drivers beside the contract's.

use wasmtime::component::Linker;

use super::state::State;

/// A set of interfaces that a host of its own offers to drivers, by wasmtime's means.
///
/// It is how a host tries an interface before it is in the contract, and how it serves the contract's `http` and `signing` by means of its
/// own: an extension that names them takes their place. What an extension gives is the host's to guard: no grant stands before it.
pub trait Extension: Send + Sync {
    /// The full names of what it links: `cofferdam:storage/http@1.0.0`.
    fn interfaces(&self) -> &[&str];

    /// Adds them to a driver's linker.
    ///
    /// # Errors
    /// The linker's, for a name that is defined already.
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()>;
}
