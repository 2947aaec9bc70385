//! What goes into a URL, encoded as servers that sign and compare URLs want it, and what comes out of one.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a query encodes: everything but the unreserved characters of RFC 3986.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a path encodes: its slashes stay.
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// A path, encoded but for its slashes.
pub fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A text as one component of a path, or as a value of a query: its slashes too are encoded.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// Names and values as a query with its `?`; nothing for none.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// What was encoded; bytes that are no UTF-8 become `�`, which is in no store path.
pub fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The scheme and the host, perhaps with a port, of a URL that has nothing else; `None` for what is no such URL.
pub fn endpoint(url: &str) -> Option<(&str, &str)> {
    let (scheme, host) = url.split_once("://").map(|(scheme, host)| (scheme, host.strip_suffix('/').unwrap_or(host)))?;
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(in_host)).then_some((scheme, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        assert_eq!(encoded_path("a b/c+d/ä%"), "a%20b/c%2Bd/%C3%A4%25");
        assert_eq!(encoded("a b/c"), "a%20b%2Fc");
        assert_eq!(decoded("a%20b/c%2Bd/%C3%A4%25"), "a b/c+d/ä%");
        assert_eq!(decoded("%FF%zz"), "\u{fffd}%zz");
        assert_eq!((query(&[("a", "b/c"), ("d", "")]).as_str(), query(&[]).as_str()), ("?a=b%2Fc&d=", ""));
    }

    #[test]
    fn an_endpoint_has_a_host_and_nothing_else() {
        assert_eq!(endpoint("http://127.0.0.1:9000/"), Some(("http", "127.0.0.1:9000")));
        assert_eq!(endpoint("https://[::1]:1"), Some(("https", "[::1]:1")));
        for url in ["", "127.0.0.1:9000", "ftp://host", "http://", "http://user@host", "http://host/path", "http://host?a", "http://h\\x"] {
            assert_eq!(endpoint(url), None, "{url}");
        }
    }
}
