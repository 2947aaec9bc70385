//! Keys: what a flat store calls an object, and the part of its keys that is a driver's own.

use crate::error::Result;
use crate::path::StorePath;
use crate::settings::refused;

/// What every key of a driver begins with: empty, or with a `/` at its end. The object `/a/b` has the key `a/b` behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(String);

impl Root {
    /// The root that the setting `prefix` names: `registry/blobs`; empty for all keys that there are.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting.
    pub fn of_setting(prefix: &str) -> Result<Self> {
        let prefix = prefix.trim_matches('/');
        if prefix.is_empty() {
            return Ok(Self(String::new()));
        }
        StorePath::new(format!("/{prefix}")).map_err(|_| refused("prefix", "is no path, such as registry/blobs"))?;
        Ok(Self(format!("{prefix}/")))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the object at `path`, or of what is below a prefix. No path has a `+`, so `+own/…` are keys that no object has.
    pub fn key(&self, path: impl AsRef<str>) -> String {
        format!("{}{}", self.0, path.as_ref().trim_start_matches('/'))
    }

    /// The path whose key is `key`, if any has it: others may keep things there too.
    pub fn path(&self, key: &str) -> Option<StorePath> {
        StorePath::new(format!("/{}", key.strip_prefix(&self.0)?)).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_paths_behind_the_root() {
        let root = Root::of_setting("/in/here/").unwrap();
        assert_eq!((root.as_str(), root.key("/a/b").as_str(), root.key("+own/x").as_str()), ("in/here/", "in/here/a/b", "in/here/+own/x"));
        assert_eq!(root.path("in/here/x/y").unwrap().as_str(), "/x/y");
        assert!(root.path("in/heretoo").is_none() && root.path("in/here/+own").is_none() && root.path("in/here/").is_none());
        assert_eq!(Root::of_setting("").unwrap().key("/a"), "a");
        for prefix in ["../up", "a//b", "a b"] {
            assert!(Root::of_setting(prefix).unwrap_err().message.contains("`prefix`"), "{prefix}");
        }
    }
}
