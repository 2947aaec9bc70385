//! Which rule allows a request, and what would allow one that none does.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::request::Checked;
use crate::grant::HttpRule;

/// Whether `rule` allows the request. Its addresses are checked where they are known.
pub(super) fn allows(rule: &HttpRule, checked: &Checked) -> bool {
    let method = || rule.methods.as_ref().is_none_or(|methods| methods.iter().any(|method| method == checked.method.as_str()));
    let path = || rule.path.as_ref().is_none_or(|prefix| is_below(prefix, checked.url.path()));
    rule.origin.covers(&checked.url) && method() && path()
}

/// Whether `path`, however a server reads it, is `prefix` or below it.
fn is_below(prefix: &str, path: &str) -> bool {
    let inside = path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // URLs have lost their `..` by now; a server that decodes first, or takes `\` for `/`, may find more.
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    inside && !decoded.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
}

/// The lines of a grant that would allow the request.
pub(super) fn remedy(checked: &Checked) -> String {
    let origin = checked.url.origin().ascii_serialization();
    format!("[[http]]\nallow = \"{origin}\"\nmethods = [\"{}\"]\npath = \"{}\"", checked.method, path_remedy(checked.url.path()))
}

/// A path that a rule can have: up to what it cannot say.
fn path_remedy(path: &str) -> &str {
    let end = path.find('%').map_or(path.len(), |at| path[..at].rfind('/').unwrap_or(0));
    if end == 0 { "/" } else { &path[..end] }
}

/// The line of the rule that would let it reach the address.
pub(super) fn address_remedy(rule: &HttpRule, ip: IpAddr) -> String {
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    format!("[[http]]\nallow = \"{}\"\naddresses = [\"{ip}/{bits}\"]", rule.origin)
}

/// Tells the audit's log of a refusal: who wanted what, and why not.
pub(super) fn audit(mount: &str, target: &str, why: &str) {
    tracing::warn!(target: "cofferdam::audit", mount, request = target, why, "a driver's request was refused");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_a_prefix_however_it_is_read() {
        for path in ["/a", "/a/", "/a/b", "/a/b%20c", "/a/..b", "/a/%2e%2e.x"] {
            assert!(is_below("/a", path), "{path}");
        }
        for path in ["/", "/ab", "/b/a", "/a/..%2fb", "/a/%2e%2e/b", "/a/..%5cb", "/a/x%2f..%2f..%2fb", "/a/%2E"] {
            assert!(!is_below("/a", path), "{path}");
        }
        assert!(is_below("", "/anything"));
    }

    #[test]
    fn a_remedy_says_no_more_than_a_rule_can() {
        assert_eq!(path_remedy("/"), "/");
        assert_eq!(path_remedy("/a/b"), "/a/b");
        assert_eq!(path_remedy("/a/b%20c/d"), "/a");
        assert_eq!(path_remedy("/%20"), "/");
    }
}
