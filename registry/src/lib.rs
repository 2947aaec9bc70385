//! An OCI registry whose storage is any Cofferdam driver.
