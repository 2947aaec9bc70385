//! Putting, getting, listing and changing what is stored.

pub(crate) mod change;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
mod transfer;
mod tree;

use anyhow::Result;
use cofferdam::{Condition, Prefix, StorePath};

/// Where one object called `name` goes: to `remote`, or below it if it ends in `/`.
///
/// # Errors
/// `invalid-path` if that is no store path.
fn destination(remote: &str, name: &str) -> Result<StorePath> {
    match remote.strip_suffix('/') {
        Some(_) => Ok(below(remote)?.join(name)?),
        None => Ok(StorePath::new(remote)?),
    }
}

/// `remote` as what things go below, its last `/` left out.
///
/// # Errors
/// `invalid-path` if that is no store path.
fn below(remote: &str) -> Result<Prefix> {
    Ok(match remote.strip_suffix('/') {
        Some("") => Prefix::root(),
        Some(rest) => StorePath::new(rest)?.into(),
        None => StorePath::new(remote)?.into(),
    })
}

/// What `--if-absent` asks.
fn condition(if_absent: bool) -> Condition {
    if if_absent { Condition::IfAbsent } else { Condition::Unconditional }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_means_below() {
        assert_eq!(destination("/a", "x").unwrap().as_str(), "/a");
        assert_eq!(destination("/a/", "x").unwrap().as_str(), "/a/x");
        assert_eq!(destination("/", "x").unwrap().as_str(), "/x");
        assert_eq!((below("/").unwrap().as_str(), below("/a/").unwrap().as_str()), ("/", "/a"));
        assert!(destination("a", "x").is_err() && destination("/a//", "x").is_err() && destination("//", "x").is_err());
    }
}
