//! Names of repositories and tags, checked once at the edge: a value of these types is a proof that the grammar holds.
//!
//! The grammar is the distribution specification's ("Pulling manifests"). It never breaks the rules of a store path: no name has a
//! component `.`, `..` or one that begins with `_`, which is where a registry keeps its own.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cofferdam::upload::BlobDigest;

use crate::error::RegistryError;

/// The longest name of a repository, in bytes: 255, what other registries and clients take too.
pub const REPOSITORY_NAME_MAX: usize = 255;

/// The longest component of a repository's name, in bytes: what a component of a store path may have.
const COMPONENT_MAX: usize = cofferdam::COMPONENT_MAX;

/// The longest tag, in bytes: the specification's.
pub const TAG_MAX: usize = 128;

/// The name of a repository: `library/debian`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(Arc<str>);

/// A tag: `latest`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

/// What a manifest is asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By a tag, which may point elsewhere tomorrow.
    Tag(Tag),
    /// By its digest.
    Digest(BlobDigest),
}

/// One page of names, in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamePage {
    /// The names.
    pub names: Vec<String>,
    /// Whether more follow the last.
    pub more: bool,
}

/// Whether `component` is `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    // What stands between two alphanumeric bytes.
    let separators = component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|text| !text.is_empty());
    alphanumeric(*first)
        && alphanumeric(*last)
        && separators.into_iter().all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

fn broken_rule(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > REPOSITORY_NAME_MAX {
        return Some(format!("has {} bytes, over the {REPOSITORY_NAME_MAX} that it may have", name.len()));
    }
    for component in name.split('/') {
        if component.len() > COMPONENT_MAX {
            return Some(format!("has a component of {} bytes, over the {COMPONENT_MAX} that one may have", component.len()));
        }
        if !is_component(component) {
            let rule = "lower-case letters and digits, with `.`, `_`, `__` or dashes between them";
            return Some(format!("has the component {component:?}; one is made of {rule}"));
        }
    }
    None
}

impl RepositoryName {
    /// Checks `name` against the specification's grammar.
    ///
    /// # Errors
    /// [`RegistryError::NameInvalid`], with the rule that it breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, RegistryError> {
        let name = name.as_ref();
        match broken_rule(name) {
            None => Ok(Self(name.into())),
            Some(rule) => Err(RegistryError::NameInvalid { name: shown(name), rule }),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// Checks `tag`: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    ///
    /// # Errors
    /// [`RegistryError::TagInvalid`], with what is wrong.
    pub fn new(tag: impl AsRef<str>) -> Result<Self, RegistryError> {
        let tag = tag.as_ref();
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let rule = if tag.len() > TAG_MAX {
            format!("has {} bytes, over the {TAG_MAX} that it may have", tag.len())
        } else if !tag.bytes().next().is_some_and(word) {
            "does not begin with a letter, a digit or `_`".to_owned()
        } else if let Some(odd) = tag.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))) {
            format!("has the character {odd:?}; only letters, digits, `_`, `.` and `-` are allowed")
        } else {
            return Ok(Self(tag.into()));
        };
        Err(RegistryError::TagInvalid { tag: shown(tag), rule })
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = RegistryError;

    /// A text with a `:` is a digest: no tag has one.
    fn from_str(text: &str) -> Result<Self, RegistryError> {
        if text.contains(':') { parse_digest(text).map(Self::Digest) } else { Tag::new(text).map(Self::Tag) }
    }
}

/// The digest that `text` is.
///
/// # Errors
/// [`RegistryError::DigestInvalid`]: not `sha256:` or `sha512:` with as many lower-case hexadecimal digits as that has.
pub fn parse_digest(text: &str) -> Result<BlobDigest, RegistryError> {
    text.parse().map_err(|_| RegistryError::DigestInvalid { digest: shown(text) })
}

/// A name of a megabyte must not make an error of a megabyte.
fn shown(text: &str) -> String {
    text.chars().take(160).collect()
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
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
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = RegistryError;
            fn from_str(text: &str) -> Result<Self, RegistryError> {
                Self::new(text)
            }
        }
    )*};
}
text_like!(RepositoryName, Tag);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specifications_grammar() {
        for name in ["a", "a/b", "library/debian", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1", "a-b.c_d__e/f"] {
            assert_eq!(RepositoryName::new(name).unwrap().as_str(), name);
        }
        for name in
            ["", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "-a", "a-", ".a", "_a", "a/_layers", "a b", "ä", "a:b", "..", "a/../b"]
        {
            assert!(matches!(RepositoryName::new(name), Err(RegistryError::NameInvalid { .. })), "{name:?}");
        }
        assert!(RepositoryName::new(["a"; 128].join("/")).is_ok());
        assert!(RepositoryName::new(["a"; 129].join("/")).is_err());
        assert!(RepositoryName::new("a".repeat(201)).is_err());
    }

    #[test]
    fn tags_follow_the_specifications_grammar() {
        for tag in ["a", "A", "_", "1.0", "v1.2.3-rc.1", "_._-"] {
            assert_eq!(Tag::new(tag).unwrap().as_str(), tag);
        }
        for tag in ["", ".a", "-a", "a/b", "a:b", "a+b", "ä"] {
            assert!(matches!(Tag::new(tag), Err(RegistryError::TagInvalid { .. })), "{tag:?}");
        }
        assert!(Tag::new("a".repeat(128)).is_ok());
        assert!(Tag::new("a".repeat(129)).is_err());
    }

    #[test]
    fn a_reference_is_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert!(matches!(digest.parse(), Ok(Reference::Digest(found)) if found.to_string() == digest));
        assert!(matches!("latest".parse(), Ok(Reference::Tag(tag)) if tag.as_str() == "latest"));
        assert!(matches!("sha256:abc".parse::<Reference>(), Err(RegistryError::DigestInvalid { .. })));
        assert!(matches!("md5:abc".parse::<Reference>(), Err(RegistryError::DigestInvalid { .. })));
    }
}
