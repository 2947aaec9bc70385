//! The vocabulary of loading a driver: the digest that names it, the errors that refuse it.

mod digest;
mod error;

pub use digest::Digest;
pub use error::LoadError;
