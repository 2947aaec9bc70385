//! Names of uploads, signed, so that a name that nobody was given is refused without a look into the store.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::digest::DigestAlgorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::path::AtomicKey;
use crate::store::AtomicStore;
use crate::types::Condition;

/// Where the first process leaves the key for the others.
const KEY: &str = "upload-key";

/// Random, created at, algorithm: what is signed beside the scope.
const BODY: usize = 16 + 8 + 1;

/// Half of SHA-256: guessing one is hopeless and the name stays short.
const TAG: usize = 16;

/// An upload's name: one component of a store path, and of a URL. Only an [`UploadKey`] makes one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UploadId {
    text: String,
    algorithm: DigestAlgorithm,
    created: Duration,
}

impl UploadId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// By which algorithm its bytes are hashed as they arrive.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// When it was issued, since the Unix epoch.
    pub(super) fn created(&self) -> Duration {
        self.created
    }

    /// The id that a record is kept under. Its signature was checked when it came in.
    pub(super) fn from_record(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok().filter(|bytes| bytes.len() == BODY + TAG)?;
        Self::parse(text, &bytes)
    }

    fn parse(text: &str, bytes: &[u8]) -> Option<Self> {
        let created = Duration::from_millis(u64::from_be_bytes(bytes[16..24].try_into().ok()?));
        let algorithm = match bytes[24] {
            0 => DigestAlgorithm::Sha256,
            1 => DigestAlgorithm::Sha512,
            _ => return None,
        };
        Some(Self { text: text.to_owned(), algorithm, created })
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The key that signs names of uploads: the same in every process over one store.
#[derive(Clone)]
pub struct UploadKey(Hmac<Sha256>);

impl UploadKey {
    /// A key of the operator's own: any bytes, at least 16.
    ///
    /// # Errors
    /// `invalid-argument` for fewer.
    pub fn from_bytes(key: &[u8]) -> Result<Self> {
        if key.len() < 16 {
            return Err(Error::invalid_argument("the key that signs uploads has fewer than 16 bytes"));
        }
        let hmac = Hmac::new_from_slice(key).map_err(|_| Error::invalid_argument("the key that signs uploads cannot be used"))?;
        Ok(Self(hmac))
    }

    /// The key that is in `store`; the first caller of all makes it.
    ///
    /// # Errors
    /// As any call can fail; `corrupted` if what is there is no key.
    pub async fn open(store: &dyn AtomicStore) -> Result<Self> {
        let key = AtomicKey::new(KEY)?;
        let bytes = match store.get(&key).await {
            Ok(value) => value.data,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fresh = Bytes::copy_from_slice(&random::<32>()?);
                match store.put(&key, fresh.clone(), Condition::IfAbsent).await {
                    Ok(_) => fresh,
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => store.get(&key).await?.data,
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        Self::from_bytes(&bytes).map_err(|_| Error::new(ErrorKind::Corrupted, "what the atomic store has as the key of uploads is none").at_path(KEY))
    }

    /// A new name, good in `scope` only (a repository's name, say). Nothing is stored.
    ///
    /// # Errors
    /// `internal` if the system has no random bytes.
    pub fn issue(&self, scope: &str, algorithm: DigestAlgorithm) -> Result<UploadId> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.extend_from_slice(&random::<16>()?);
        bytes.extend_from_slice(&(now.as_millis() as u64).to_be_bytes());
        bytes.push(match algorithm {
            DigestAlgorithm::Sha256 => 0,
            DigestAlgorithm::Sha512 => 1,
        });
        let created = Duration::from_millis(now.as_millis() as u64);
        bytes.extend_from_slice(&self.tag(scope, &bytes)?.finalize().into_bytes()[..TAG]);
        Ok(UploadId { text: BASE64.encode(&bytes), algorithm, created })
    }

    /// The name that `text` is, if this key issued it for `scope` at most `max_age` ago.
    pub fn verify(&self, scope: &str, text: &str, max_age: Duration) -> Option<UploadId> {
        let bytes = BASE64.decode(text).ok().filter(|bytes| bytes.len() == BODY + TAG)?;
        self.tag(scope, &bytes[..BODY]).ok()?.verify_truncated_left(&bytes[BODY..]).ok()?;
        let id = UploadId::parse(text, &bytes)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (id.created + max_age >= now).then_some(id)
    }

    fn tag(&self, scope: &str, body: &[u8]) -> Result<Hmac<Sha256>> {
        debug_assert_eq!(body.len(), BODY, "the body's length is fixed, so that body and scope cannot run into each other");
        let mut mac = self.0.clone();
        mac.update(body);
        mac.update(scope.as_bytes());
        Ok(mac)
    }
}

impl fmt::Debug for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadKey(…)")
    }
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(ErrorKind::Internal, "the system has no random bytes").with_source(error))?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_where_it_was_issued_and_as_long_as_it_is_young() {
        let key = UploadKey::from_bytes(&[7; 32]).unwrap();
        let hour = Duration::from_secs(3600);
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let id = key.issue("library/app", algorithm).unwrap();
            assert_eq!(key.verify("library/app", id.as_str(), hour), Some(id.clone()));
            assert_eq!(UploadId::from_record(id.as_str()), Some(id.clone()));
            assert_eq!(id.algorithm(), algorithm);
            assert!(key.verify("library/ap", id.as_str(), hour).is_none());
            assert!(UploadKey::from_bytes(&[8; 32]).unwrap().verify("library/app", id.as_str(), hour).is_none());
            assert!(crate::StorePath::new(format!("/{id}")).is_ok());
        }
    }

    #[test]
    fn a_name_that_was_changed_or_is_too_old_is_refused() {
        let key = UploadKey::from_bytes(&[7; 32]).unwrap();
        let id = key.issue("a", DigestAlgorithm::Sha256).unwrap();
        let bytes = BASE64.decode(id.as_str()).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(key.verify("a", &BASE64.encode(&bytes), Duration::MAX / 2).is_none(), "byte {at}");
        }
        let mut old = bytes[..BODY].to_vec();
        old[16..24].copy_from_slice(&1000u64.to_be_bytes());
        let tag = key.tag("a", &old).unwrap().finalize().into_bytes();
        old.extend_from_slice(&tag[..TAG]);
        let old = BASE64.encode(&old);
        assert!(key.verify("a", &old, Duration::from_secs(3600)).is_none());
        assert!(key.verify("a", &old, Duration::from_secs(1 << 40)).is_some());
        for garbage in ["", "x", "../../etc/passwd", &"A".repeat(10_000)] {
            assert!(key.verify("a", garbage, Duration::from_secs(3600)).is_none());
        }
    }
}
