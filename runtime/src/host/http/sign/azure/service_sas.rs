//! A URL that is good for one blob and for some time: a service SAS, signed by the account's key.
//!
//! As in Microsoft's "Create a service SAS", versions 2020-12-06 and later. What is signed is the blob, what may be done with it and
//! until when: neither the headers nor the rest of the query.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::shared_key::Key;
use super::signature_parameter;
use crate::error::{Error, ErrorKind, Result};
use crate::host::http::request::Checked;

/// The version whose rules the signature follows.
const VERSION: &str = "2020-12-06";

/// The parameters that change the answer's headers. They are signed, in this order.
const OVERRIDES: &[&str] = &["rscc", "rscd", "rsce", "rscl", "rsct"];

/// A URL with which anybody may send the request until `seconds` after `now`.
///
/// # Errors
/// `unsupported` for a method that has no permission of its own, or for a snapshot or a version; `invalid-argument` for a time that is
/// none, for a URL of no blob, or of a query that is a signature's.
pub(super) fn presign(account: &str, key: &Key, checked: &Checked, seconds: u32, now: Timestamp) -> Result<String> {
    if seconds == 0 {
        return Err(Error::invalid_argument("a URL can be good for 1 second or more, not for 0"));
    }
    if let Some(name) = signature_parameter(&checked.url) {
        return Err(Error::invalid_argument(format!("the query has `{name}`, which the host sets: it signs the URL")));
    }
    if checked.url.query_pairs().any(|(name, _)| matches!(&*name, "snapshot" | "versionid")) {
        return Err(Error::unsupported("there are no presigned URLs of snapshots and versions"));
    }
    let permissions = match checked.method.as_str() {
        "GET" | "HEAD" => "r",
        "PUT" => "cw",
        "DELETE" => "d",
        method => return Err(Error::unsupported(format!("Azure has no presigned URLs for {method}"))),
    };
    let until = now.checked_add(SignedDuration::from_secs(seconds.into()));
    let until = until.map_err(|_| Error::invalid_argument(format!("a URL cannot be good for {seconds} seconds")))?;
    let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let protocol = if checked.url.scheme() == "https" { "https" } else { "" };
    let overridden = |name: &&str| checked.url.query_pairs().find(|(key, _)| key == name).map_or_else(String::new, |(_, value)| value.into_owned());
    let resource = resource(account, &checked.url)?;
    // No start, policy, address, snapshot and encryption scope.
    let mut lines = vec![permissions, "", &until, &resource, "", "", protocol, VERSION, "b", "", ""];
    let overrides: Vec<_> = OVERRIDES.iter().map(overridden).collect();
    lines.extend(overrides.iter().map(String::as_str));
    let signature = key.sign(&lines.join("\n"));
    let mut url = checked.url.clone();
    let mut query = url.query_pairs_mut();
    query.extend_pairs([("sv", VERSION), ("se", &until), ("sr", "b"), ("sp", permissions)]);
    if !protocol.is_empty() {
        query.append_pair("spr", protocol);
    }
    query.append_pair("sig", &signature);
    drop(query);
    Ok(url.into())
}

/// The blob in the form that is signed: decoded, and with the account once, whether the URL has it in its host or in its path.
fn resource(account: &str, url: &Url) -> Result<String> {
    let path = percent_decode_str(url.path()).decode_utf8().map_err(|_| Error::invalid_argument("the blob's name is not UTF-8"))?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let below = path.strip_prefix(account).and_then(|rest| rest.strip_prefix('/')).filter(|_| !in_host(account, url));
    match below.unwrap_or(path).split_once('/') {
        Some((container, blob)) if !container.is_empty() && !blob.is_empty() => Ok(format!("/blob/{account}/{container}/{blob}")),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "the URL names no blob: presigned URLs are for `/CONTAINER/BLOB`")),
    }
}

/// Whether the URL has the account in its host, `ACCOUNT.blob.core.windows.net`, and not in its path as the emulator does.
fn in_host(account: &str, url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.strip_prefix(account).is_some_and(|rest| rest.starts_with('.') || rest.starts_with("-secondary.")),
        _ => false,
    }
}

#[cfg(test)]
#[path = "service_sas_tests.rs"]
mod tests;
