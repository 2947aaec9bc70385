//! Names of stored things: a value of these types is a proof that the contract's rules hold.
//!
//! The host checks names before a driver sees them; a driver is also asked past that check, and must refuse by itself. The
//! SDK does so by these types before it calls a driver's functions.

use std::fmt;

use crate::error::Result;
use crate::types::Error;

/// The longest path, in bytes.
pub const PATH_MAX: usize = 900;

/// The longest component of a path, in bytes.
pub const COMPONENT_MAX: usize = 200;

/// The absolute path of an object: `/docker/registry/v2`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorePath(String);

/// What a list looks below: the root `/`, or the path of a prefix.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(String);

/// The key of a small value: a store path without its leading `/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// Whether `name` may be a component of a path.
pub fn is_component(name: &str) -> bool {
    broken_rule(name).is_none()
}

/// The rule that the components `rest` (`a/b`) break.
fn broken_rule(rest: &str) -> Option<&'static str> {
    for component in rest.split('/') {
        match component {
            "" if rest.is_empty() => return Some("is the root, which is no object"),
            "" => return Some("has an empty component"),
            "." | ".." => return Some("has a component `.` or `..`"),
            _ if component.len() > COMPONENT_MAX => return Some("has a component of over 200 bytes"),
            _ if !component.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) => {
                return Some("has a character other than A-Z a-z 0-9 . _ -");
            }
            _ => {}
        }
    }
    None
}

impl StorePath {
    /// Checks `path` against the rules of a store path.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        let rule = match path.strip_prefix('/') {
            _ if path.len() > PATH_MAX => Some("is over 900 bytes long"),
            None => Some("does not begin with `/`"),
            Some(rest) => broken_rule(rest),
        };
        rule.map_or(Ok(Self(path.clone())), |rule| Err(Error::invalid_path(&path, rule)))
    }

    /// Takes `path` unchecked: for paths that are put together from checked parts.
    pub fn trusted(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// What is before the last component, without a `/` at its end: empty for `/a`.
    pub fn directory(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

impl Prefix {
    /// Checks `path`: `/`, or a store path.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        if path == "/" { Ok(Self(path)) } else { StorePath::new(path).map(|path| Self(path.0)) }
    }

    /// Takes `path` unchecked: for paths that are put together from checked parts.
    pub fn trusted(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// What the sort key of everything below begins with: the path with a `/` at its end.
    pub fn base(&self) -> String {
        if self.is_root() { self.0.clone() } else { format!("{}/", self.0) }
    }
}

impl Key {
    /// Checks `key`: a store path without the leading `/`.
    ///
    /// # Errors
    /// `invalid-path`, with the rule that it breaks.
    pub fn new(key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        let rule = if key.len() >= PATH_MAX { Some("is over 899 bytes long") } else { broken_rule(&key) };
        rule.map_or(Ok(Self(key.clone())), |rule| Err(Error::invalid_path(&key, rule)))
    }
}

macro_rules! text_like {
    ($($name:ident),*) => {$(
        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )*};
}
text_like!(StorePath, Prefix, Key);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    #[test]
    fn valid_paths_are_taken() {
        for path in ["/a", "/2", "/a.a", "/0-9/abcdefg", "/.abc", "/abc./abc", "/a--b", "/_.abc", "/..a/a.."] {
            assert_eq!(StorePath::new(path).unwrap().as_str(), path);
            assert_eq!(Key::new(&path[1..]).unwrap().as_str(), &path[1..]);
        }
        assert!(StorePath::new(format!("/{}", "c".repeat(COMPONENT_MAX))).is_ok());
    }

    #[test]
    fn invalid_paths_are_refused() {
        for path in ["", "/", "abc", "//bcd", "/abc_123/", "/a/../b", "/./a", "/a/.", "/..", "/a\0", "/a\\b", "/ä", "/+cofferdam"] {
            assert_eq!(StorePath::new(path).unwrap_err().kind, ErrorKind::InvalidPath, "{path:?}");
        }
        assert!(StorePath::new(format!("/{}", "c".repeat(COMPONENT_MAX + 1))).is_err());
        assert!(StorePath::new("/a".repeat(451)).is_err());
        assert!(StorePath::new("/a".repeat(450)).is_ok());
        assert!(Key::new("").is_err() && Key::new("/a").is_err() && Key::new("a/").is_err());
        assert!(Prefix::new("/").unwrap().is_root() && Prefix::new("").is_err());
    }
}
