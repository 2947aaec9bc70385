//! What every way to the network shares: which addresses may be reached at all.

pub(crate) mod address;
