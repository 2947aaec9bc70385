//! Names of stored things, checked once at the edge: a value of these types is a proof that the rules hold.
//!
//! The rules are the contract's (`store-types.store-path`): `^(/[A-Za-z0-9._-]+)+$`, no `.` or `..` component,
//! at most 900 bytes, a component at most 200.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// The longest path, in bytes.
pub const PATH_MAX: usize = 900;

/// The longest component of a path, in bytes.
pub const COMPONENT_MAX: usize = 200;

/// The absolute path of an object: `/docker/registry/v2`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorePath(Arc<str>);

/// What a list looks below: the root `/`, or a [`StorePath`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(Arc<str>);

/// The key of a small value: a store path without its leading `/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AtomicKey(Arc<str>);

fn broken_rule(path: &str) -> Option<String> {
    if path.len() > PATH_MAX {
        return Some(format!("is {} bytes long, over the {PATH_MAX} that a path may have", path.len()));
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Some("does not begin with `/`".to_owned());
    };
    for component in rest.split('/') {
        match component {
            "" if rest.is_empty() => return Some("is the root, which is no object".to_owned()),
            "" => return Some("has an empty component".to_owned()),
            "." | ".." => return Some(format!("has the component `{component}`")),
            _ if component.len() > COMPONENT_MAX => {
                return Some(format!("has a component of {} bytes, over the {COMPONENT_MAX} that one may have", component.len()));
            }
            _ => {}
        }
        if let Some(odd) = component.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            return Some(format!("has the character {odd:?}; only A-Z a-z 0-9 . _ - are allowed"));
        }
    }
    None
}

fn invalid(path: &str, rule: &str) -> Error {
    // A path of a megabyte must not make an error of a megabyte.
    let shown: String = path.chars().take(120).collect();
    Error::new(ErrorKind::InvalidPath, format!("the path {rule}")).at_path(shown)
}

impl StorePath {
    /// Checks `path` against the rules of a store path.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(path: impl AsRef<str>) -> Result<Self> {
        let path = path.as_ref();
        match broken_rule(path) {
            None => Ok(Self(path.into())),
            Some(rule) => Err(invalid(path, &rule)),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// This path with `component` appended.
    ///
    /// # Errors
    /// `invalid-path` if the result breaks the rules.
    pub fn join(&self, component: &str) -> Result<Self> {
        Self::new(format!("{}/{component}", self.0))
    }

    /// Whether this path is strictly below `prefix`, at a component boundary: `/a/b` is below `/a`, `/ab` is not.
    pub fn is_below(&self, prefix: &Prefix) -> bool {
        prefix.contains(self.as_str())
    }
}

impl Prefix {
    /// Checks `path`: `/`, or a store path.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(path: impl AsRef<str>) -> Result<Self> {
        let path = path.as_ref();
        if path == "/" { Ok(Self::root()) } else { StorePath::new(path).map(Self::from) }
    }

    /// The root, `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of the object or prefix `relative` (`a/b`) below this one.
    ///
    /// # Errors
    /// `invalid-path` if the result breaks the rules.
    pub fn join(&self, relative: &str) -> Result<StorePath> {
        if self.is_root() { StorePath::new(format!("/{relative}")) } else { StorePath::new(format!("{}/{relative}", self.0)) }
    }

    /// Whether `path` is strictly below this prefix, at a component boundary.
    pub fn contains(&self, path: &str) -> bool {
        if self.is_root() {
            return path.len() > 1 && path.starts_with('/');
        }
        path.strip_prefix(&*self.0).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }
}

impl From<StorePath> for Prefix {
    fn from(path: StorePath) -> Self {
        Self(path.0)
    }
}

impl AtomicKey {
    /// Checks `key`: a store path without its leading `/`.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(key: impl AsRef<str>) -> Result<Self> {
        let key = key.as_ref();
        match broken_rule(&format!("/{key}")) {
            None => Ok(Self(key.into())),
            Some(rule) => Err(invalid(key, &rule)),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }
    )*};
}
text_like!(StorePath, Prefix, AtomicKey);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn valid_paths_are_taken() {
        for path in ["/a", "/2", "/a.a", "/0-9/abcdefg", "/.abc", "/abc./abc", "/a--b", "/_.abc", "/Abc/Cba", "/..a/a.."] {
            assert_eq!(StorePath::new(path).unwrap().as_str(), path);
        }
        assert!(StorePath::new(format!("/{}", "c".repeat(200))).is_ok());
    }

    #[test]
    fn invalid_paths_are_refused_with_the_rule() {
        for path in ["", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/a/../b", "/./a", "/a/.", "/..", "/a\0", "/a\\b", "/ä"] {
            assert_eq!(StorePath::new(path).unwrap_err().kind(), ErrorKind::InvalidPath, "{path:?}");
        }
        assert!(StorePath::new(format!("/{}", "c".repeat(201))).is_err());
        assert!(StorePath::new("/a".repeat(451)).is_err());
        assert!(StorePath::new("/a b").unwrap_err().to_string().contains("' '"));
    }

    #[test]
    fn below_respects_component_boundaries() {
        let prefix = Prefix::new("/a").unwrap();
        assert!(prefix.contains("/a/b"));
        assert!(!prefix.contains("/ab") && !prefix.contains("/a") && !prefix.contains("/a/"));
        assert!(Prefix::root().contains("/a") && !Prefix::root().contains("/"));
    }
}
