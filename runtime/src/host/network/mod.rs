//! What every way to the network shares.
//!
//! | module | its one job |
//! |---|---|
//! | `address` | which addresses may be reached |
//! | `lookup` | names into addresses |
//! | `secret` | secrets, read where a grant says they are |
//! | `tls` | whom TLS trusts |

pub(crate) mod address;
pub(crate) mod lookup;
pub(crate) mod secret;
pub(crate) mod tls;
