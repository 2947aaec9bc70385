//! Azure's Shared Key, for the Blob service: a request's signature by the account's key.
//!
//! As in Microsoft's "Authorize with Shared Key", versions 2015-02-21 and later.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use sha2::Sha256;
use url::Url;

use super::service_sas;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::SecretSource;
use crate::host::http::request::Checked;
use crate::host::http::sign::watched::Watched;
use crate::host::network::secret::SecretError;

/// When the request was signed: the host says it.
pub(in crate::host::http::sign) const DATE: &str = "x-ms-date";

/// What the service is to behave like.
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// For a driver that does not say. Without it the service would take the request for one of 2009, whose rules of signing are others.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2021-12-02");

/// The headers that are signed by their place, without their name.
const BY_PLACE: &[&str] = &[
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// The characters of a header's name in the order in which the service has them: .NET's for English, which passes over `-` and `'`.
/// See Azure's own clients, which imitate it too ("SharedKeyComparator").
const ORDER: &str = "!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz";

/// Signs for one storage account.
pub(in crate::host::http) struct SharedKey {
    account: String,
    key: Watched<Key>,
}

/// An account's key, ready for use.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// Reads what the portal shows: base64.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text.trim()).map_err(|_| "it is not base64, which an account's key is")?;
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| "it is no key".to_owned())
    }

    pub(super) fn sign(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        BASE64.encode(mac.finalize().into_bytes())
    }
}

impl SharedKey {
    pub(in crate::host::http::sign) fn open(account: &str, key: &SecretSource) -> Result<Self, SecretError> {
        Ok(Self { account: account.to_owned(), key: Watched::parsed(key, Key::parse)? })
    }

    /// `length` is that of the body.
    pub(in crate::host::http::sign) fn sign(&self, checked: &mut Checked, length: u64) -> Result<()> {
        self.sign_at(checked, length, Timestamp::now())
    }

    pub(in crate::host::http::sign) fn presign(&self, checked: &Checked, seconds: u32) -> Result<String> {
        service_sas::presign(&self.account, &self.key.get(), checked, seconds, Timestamp::now())
    }

    fn sign_at(&self, checked: &mut Checked, length: u64, now: Timestamp) -> Result<()> {
        let failed = |_| Error::new(ErrorKind::Internal, "the signature fits into no header");
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        let date = date.map_err(|error| Error::new(ErrorKind::Internal, format!("the time cannot be said: {error}")))?;
        checked.headers.insert(HeaderName::from_static(DATE), HeaderValue::from_str(&date).map_err(failed)?);
        checked.headers.entry(VERSION).or_insert(DEFAULT_VERSION);
        let signature = self.key.get().sign(&self.text(checked, length)?);
        let mut value = HeaderValue::from_str(&format!("SharedKey {}:{signature}", self.account)).map_err(failed)?;
        value.set_sensitive(true);
        checked.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// What is signed.
    fn text(&self, checked: &Checked, length: u64) -> Result<String> {
        let mut text = format!("{}\n", checked.method);
        for name in BY_PLACE {
            match *name {
                "content-length" if length > 0 => text.push_str(&length.to_string()),
                // Empty where `x-ms-date` is given, as it always is.
                "content-length" | "date" => {}
                name => text.push_str(&value(&checked.headers, name)?),
            }
            text.push('\n');
        }
        text.push_str(&headers(&checked.headers)?);
        text.push_str(&resource(&self.account, &checked.url));
        Ok(text)
    }
}

/// The value of a header, or nothing. Several are one, with commas between them.
fn value(headers: &HeaderMap, name: &str) -> Result<String> {
    let unfit = |_| Error::invalid_argument(format!("the value of `{name}` cannot be signed"));
    let values = headers.get_all(name).iter().map(|value| value.to_str().map(str::trim)).collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    Ok(values.join(","))
}

/// The headers that are signed by their name.
fn headers(headers: &HeaderMap) -> Result<String> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-ms-")).collect();
    names.sort_by_cached_key(|name| place(name));
    names.into_iter().map(|name| Ok(format!("{name}:{}\n", value(headers, name)?))).collect()
}

/// Where a header's name comes in the order. Of two that differ only in what is passed over, the one without it comes first.
fn place(name: &str) -> (Vec<usize>, Vec<u8>) {
    let letters = name.chars().filter_map(|letter| ORDER.find(letter)).collect();
    (letters, name.bytes().map(|byte| if matches!(byte, b'-' | b'\'') { u8::MAX } else { byte }).collect())
}

/// The account, the path as it is sent, and the query, decoded. Where the path begins with the account, as the emulator's does, it is
/// there twice.
fn resource(account: &str, url: &Url) -> String {
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.to_lowercase()).or_default().push(value.into_owned());
    }
    let mut resource = format!("/{account}{}", url.path());
    for (name, mut values) in query {
        values.sort();
        resource.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    resource
}

#[cfg(test)]
#[path = "shared_key_tests.rs"]
pub(super) mod tests;
