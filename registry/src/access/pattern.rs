//! Patterns of repository names: `*` stands for anything within a component, `**` for anything at all.

use std::fmt;

/// A pattern: `library/*`, `**`, `team/**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

/// A text that is no pattern.
#[derive(Debug, thiserror::Error)]
#[error(
    "has the character {odd:?} but must be made of lower-case letters, digits, `.`, `_`, `-` and `/`, with `*` for a part of a component and `**` for the rest"
)]
pub struct PatternError {
    odd: char,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for a character that no name of a repository has: such a pattern would fit nothing, unnoticed.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let odd = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '/' | '*')));
        match odd.or(text.is_empty().then_some(' ')) {
            Some(odd) => Err(PatternError { odd }),
            None => Ok(Self(text.into())),
        }
    }

    /// Whether `name` fits.
    pub fn fits(&self, name: &str) -> bool {
        fits(self.0.as_bytes(), name.as_bytes())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Steps over both texts once; after a mismatch the last star of each kind takes one byte more. A later `*` never needs an earlier one to be tried again,
/// except across a `/`, where the last `**` is: the work is bounded by the product of the lengths, whatever the pattern.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut wide: Option<(usize, usize)> = None;
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (wide, star) = (Some((p, n)), None);
            continue;
        }
        if pattern[p..].starts_with(b"*") {
            p += 1;
            star = Some((p, n));
            continue;
        }
        match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some(wanted), Some(byte)) if wanted == byte => (p, n) = (p + 1, n + 1),
            _ => match (star, wide) {
                (Some((after, taken)), _) if name.get(taken).is_some_and(|byte| *byte != b'/') => {
                    star = Some((after, taken + 1));
                    (p, n) = (after, taken + 1);
                }
                (_, Some((after, taken))) if taken < name.len() => {
                    (wide, star) = (Some((after, taken + 1)), None);
                    (p, n) = (after, taken + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).unwrap().fits(name)
    }

    #[test]
    fn a_star_stays_within_a_component_and_two_do_not() {
        for (pattern, name) in [
            ("**", "a/b/c"),
            ("*", "a"),
            ("library/*", "library/debian"),
            ("library/**", "library/a/b"),
            ("**/debian", "a/b/debian"),
            ("a*c/*", "abbc/d"),
            ("*/*-web", "team/shop-web"),
            ("**-web/*", "a/b-web/c-web/d"),
            ("exact", "exact"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", "a/b"),
            ("library/*", "library/a/b"),
            ("library/*", "library2/a"),
            ("library/**", "library"),
            ("exact", "exactly"),
            ("**/debian", "debian"),
            ("a*c", "ab"),
            ("", "a"),
        ]
        .into_iter()
        .filter(|(pattern, _)| !pattern.is_empty())
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_no_name_has_is_refused() {
        assert!(Pattern::new("Library/*").unwrap_err().to_string().starts_with("has the character 'L' but must be made of"));
        assert!(Pattern::new("").is_err() && Pattern::new("a b").is_err() && Pattern::new("a?").is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        assert!(!fits(&"**a".repeat(60), &"a".repeat(59)));
        assert!(fits(&"*a".repeat(60), &"a".repeat(60)));
    }
}
