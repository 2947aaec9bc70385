//! A URL that is good for one request and for some time, signed by the account's key (Google, "V4 signing process with your own program").

use http::HeaderMap;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use sha2::{Digest, Sha256};
use url::{Position, Url};

use super::Account;
use crate::error::{Error, Result};
use crate::host::http::request::Checked;

/// The longest that a URL may be good for: seven days.
const MAX: u32 = 7 * 24 * 3600;

/// What is encoded of a path's segment or a query: all but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters that are the signature's.
const OURS: &[&str] = &["x-goog-algorithm", "x-goog-credential", "x-goog-date", "x-goog-expires", "x-goog-signedheaders", "x-goog-signature"];

/// The header by which a request says what its body hashes to. Without it the body is not signed.
const CONTENT_SHA256: &str = "x-goog-content-sha256";

/// A URL with which anybody may send the request, with the same headers, until `seconds` after `now`.
pub(super) fn presign(account: &Account, checked: &Checked, seconds: u32, now: Timestamp) -> Result<String> {
    let Prepared { url, text } = prepare(&account.email, checked, seconds, now)?;
    Ok(format!("{url}&X-Goog-Signature={}", base16ct::lower::encode_string(&account.sign(&text)?)))
}

/// A URL that lacks its signature, and what is to be signed.
struct Prepared {
    url: String,
    text: String,
}

fn prepare(email: &str, checked: &Checked, seconds: u32, now: Timestamp) -> Result<Prepared> {
    if !(1..=MAX).contains(&seconds) {
        return Err(Error::invalid_argument(format!("a URL can be good for 1 to {MAX} seconds, not for {seconds}")));
    }
    let headers = headers(checked)?;
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let (day, time) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
    let scope = format!("{day}/auto/storage/goog4_request");
    let said = [
        ("X-Goog-Algorithm", "GOOG4-RSA-SHA256".to_owned()),
        ("X-Goog-Credential", format!("{email}/{scope}")),
        ("X-Goog-Date", time.clone()),
        ("X-Goog-Expires", seconds.to_string()),
        ("X-Goog-SignedHeaders", names.clone()),
    ];
    let (path, query) = (path(&checked.url), query(&checked.url, &said)?);
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let payload = checked.headers.get(CONTENT_SHA256).and_then(|value| value.to_str().ok()).unwrap_or("UNSIGNED-PAYLOAD");
    let request = format!("{}\n{path}\n{query}\n{lines}\n{names}\n{payload}", checked.method);
    let hash = base16ct::lower::encode_string(&Sha256::digest(request));
    let text = format!("GOOG4-RSA-SHA256\n{time}\n{scope}\n{hash}");
    Ok(Prepared { url: format!("{}{path}?{query}", &checked.url[..Position::BeforePath]), text })
}

/// The headers that are signed, in the order of their names: the host's and the request's.
fn headers(checked: &Checked) -> Result<Vec<(String, String)>> {
    let mut headers = vec![("host".to_owned(), checked.url[Position::BeforeHost..Position::AfterPort].to_owned())];
    for name in checked.headers.keys() {
        headers.push((name.as_str().to_owned(), value(&checked.headers, name.as_str())?));
    }
    headers.sort();
    Ok(headers)
}

/// A header's value, with single spaces. Several are one, with commas between them.
fn value(headers: &HeaderMap, name: &str) -> Result<String> {
    let unfit = |_| Error::invalid_argument(format!("the value of `{name}` cannot be signed"));
    let one = |value: &http::HeaderValue| value.to_str().map(|text| text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    Ok(headers.get_all(name).iter().map(one).collect::<Result<Vec<_>, _>>().map_err(unfit)?.join(","))
}

/// The path, encoded as it is signed.
fn path(url: &Url) -> String {
    let encoded = |segment: &str| percent_encode(&percent_decode_str(segment).collect::<Vec<_>>(), ENCODED).to_string();
    url.path().split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// The query with what the signature says, encoded and in order.
fn query(url: &Url, said: &[(&str, String)]) -> Result<String> {
    let encoded = |name: &str, value: &str| (utf8_percent_encode(name, ENCODED).to_string(), utf8_percent_encode(value, ENCODED).to_string());
    let mut pairs: Vec<_> = said.iter().map(|(name, value)| encoded(name, value)).collect();
    for (name, value) in url.query_pairs() {
        if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(Error::invalid_argument(format!("the query has `{name}`, which the host sets: it signs the URL")));
        }
        pairs.push(encoded(&name, &value));
    }
    pairs.sort();
    Ok(pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
#[path = "signed_url_tests.rs"]
mod tests;
