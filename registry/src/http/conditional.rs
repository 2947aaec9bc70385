//! Conditional requests (RFC 9110, 13): a digest is the best entity tag that there can be, so `ETag` is one.

use std::fmt::Display;

/// The entity tag of what has `digest`.
pub(super) fn etag(digest: &impl Display) -> String {
    format!("\"{digest}\"")
}

/// Whether an `If-None-Match` names `digest`, so that 304 is the answer. `*` does: the thing exists. Tags without quotes, which some clients send, are
/// taken as they are meant.
pub(super) fn none_match_names(header: &str, digest: &str) -> bool {
    header.split(',').map(opaque).any(|tag| tag == "*" || tag == digest)
}

/// Whether a `Range` is to be honoured although the request has this `If-Range`: it must be a strong entity tag, and this one. A date never fits: content that is
/// named by its digest has none.
pub(super) fn if_range_fits(header: &str, digest: &str) -> bool {
    let header = header.trim();
    !header.starts_with("W/") && opaque(header) == digest
}

/// A tag without its quotes and without the mark of a weak one, which `If-None-Match` ignores.
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:abc";

    #[test]
    fn the_digest_is_found_in_if_none_match() {
        for header in ["\"sha256:abc\"", "W/\"sha256:abc\"", "sha256:abc", "\"x\", \"sha256:abc\"", "*", " \"sha256:abc\" "] {
            assert!(none_match_names(header, DIGEST), "{header}");
        }
        for header in ["", "\"sha256:ab\"", "\"sha256:abcd\"", "\"x\",\"y\"", "sha256"] {
            assert!(!none_match_names(header, DIGEST), "{header}");
        }
    }

    #[test]
    fn if_range_takes_only_the_strong_tag() {
        assert!(if_range_fits(&etag(&DIGEST), DIGEST));
        for header in ["W/\"sha256:abc\"", "\"x\"", "Tue, 15 Nov 1994 12:45:26 GMT", "*"] {
            assert!(!if_range_fits(header, DIGEST), "{header}");
        }
    }
}
