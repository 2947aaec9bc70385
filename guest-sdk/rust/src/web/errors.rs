//! Errors of servers: their own words, shortened, and when to ask again.

use crate::host::http::Response;
use crate::types::{Error, ErrorKind};

/// The longest message of a server that is passed on.
const MESSAGE_MAX: usize = 300;

/// How long to wait when a server asks for fewer requests and does not say for how long: one second.
const SLOW_DOWN_MS: u32 = 1000;

/// The error of `kind` about `what` (a path, or what was done), which the server called `code` (empty: it has no name for it) and
/// explained by `message`.
pub fn said(kind: ErrorKind, status: u16, code: &str, message: &str, what: &str) -> Error {
    let message = message.trim_end_matches('.');
    let end = message.char_indices().nth(MESSAGE_MAX).map_or(message.len(), |(end, _)| end);
    let said = if message.is_empty() { format!("HTTP status {status}") } else { message[..end].to_owned() };
    let error = match kind {
        ErrorKind::NotFound => Error::not_found(what),
        ErrorKind::UploadExpired => Error::upload_expired(),
        kind => Error::new(kind, format!("the server refused {what}: {said}")),
    };
    if code.is_empty() { error.with_code(status.to_string()) } else { error.with_code(code) }
}

/// The error, with the time after which `response` asks to be asked again.
pub fn paced(mut error: Error, response: &Response) -> Error {
    let asked = response.retry_after_ms();
    error.retry_after_ms = match error.kind {
        ErrorKind::RateLimited => Some(asked.unwrap_or(SLOW_DOWN_MS)),
        ErrorKind::Unavailable => asked,
        _ => None,
    };
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::data::Content;

    #[test]
    fn a_servers_words_are_kept_short() {
        let error = said(ErrorKind::Internal, 500, "Odd", &"é".repeat(1000), "a list");
        assert_eq!((error.code.as_deref(), error.message.chars().count()), (Some("Odd"), "the server refused a list: ".len() + MESSAGE_MAX));
        let nameless = said(ErrorKind::Unavailable, 502, "", "", "a list");
        assert_eq!((nameless.code.as_deref(), nameless.message.as_str()), (Some("502"), "the server refused a list: HTTP status 502"));
    }

    #[test]
    fn only_what_may_be_tried_again_is_paced() {
        let after = |kind, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            paced(Error::new(kind, "x"), &Response { status: 503, headers, content: Content::from_bytes(b"") }).retry_after_ms
        };
        assert_eq!(after(ErrorKind::RateLimited, &[]), Some(1000));
        assert_eq!(after(ErrorKind::RateLimited, &[("retry-after", "3")]), Some(3000));
        assert_eq!(after(ErrorKind::Unavailable, &[]), None);
        assert_eq!(after(ErrorKind::Unavailable, &[("retry-after", "3")]), Some(3000));
        assert_eq!(after(ErrorKind::NotFound, &[("retry-after", "3")]), None);
    }
}
