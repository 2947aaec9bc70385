//! Times as headers and documents write them, as nanoseconds.

use jiff_bare::Timestamp;
use jiff_bare::fmt::rfc2822::DateTimeParser;

use super::malformed;
use crate::error::Result;
use crate::host::http::Response;

/// Reads `Last-Modified`, or else the `Date` of an answer to a write: then it was written at that moment.
///
/// # Errors
/// `unavailable` if the answer has neither.
pub fn modified(response: &Response) -> Result<u64> {
    let text = response.header("last-modified").or_else(|| response.header("date"));
    text.and_then(http).ok_or_else(malformed)
}

/// Reads a time of a header: `Tue, 24 Nov 2026 23:45:16 GMT`.
pub fn http(text: &str) -> Option<u64> {
    DateTimeParser::new().parse_timestamp(text).ok().map(whole_seconds)
}

/// Reads a time of a document: `2026-11-24T23:45:16.000Z`.
pub fn iso(text: &str) -> Option<u64> {
    text.parse().ok().map(whole_seconds)
}

/// Lists tell milliseconds on some servers and headers never do; the same object has one time.
fn whole_seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default().saturating_mul(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::data::Content;

    #[test]
    fn both_ways_tell_the_same_time() {
        let headers = vec![("Last-Modified".to_owned(), "Tue, 24 Nov 2026 23:45:16 GMT".to_owned())];
        let response = Response { status: 200, headers, content: Content::from_bytes(b"") };
        assert_eq!(modified(&response).ok(), iso("2026-11-24T23:45:16.789Z"));
        assert_eq!(iso("2026-11-24T23:45:16Z"), Some(1_795_563_916_000_000_000));
        assert_eq!((iso("yesterday"), http("")), (None, None));
    }
}
