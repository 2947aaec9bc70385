//! The digest of a blob, and hashing that can stop in one process and go on in another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

use crate::error::{Error, ErrorKind, Result};

/// The algorithms that OCI registers (image-spec, "Digests").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestAlgorithm {
    /// SHA-256: 64 hexadecimal digits.
    #[default]
    Sha256,
    /// SHA-512: 128 hexadecimal digits.
    Sha512,
}

impl DigestAlgorithm {
    /// Its name in a digest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hexadecimal digits a digest has.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DigestAlgorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(Error::unsupported("the digest algorithms of blobs are sha256 and sha512")),
        }
    }
}

/// The digest of a blob: `sha256:` or `sha512:` and lower-case hexadecimal digits (image-spec, "Digests").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobDigest {
    algorithm: DigestAlgorithm,
    hex: Arc<str>,
}

impl BlobDigest {
    /// The digest of `bytes`.
    pub fn of(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        let mut hasher = BlobHasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        Self { algorithm, hex: base16ct::lower::encode_string(bytes).into() }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Its hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobDigest {
    type Err = Error;

    /// # Errors
    /// `invalid-argument` for what is no digest, `unsupported` for one of another algorithm.
    fn from_str(text: &str) -> Result<Self> {
        let (name, hex) = text.split_once(':').ok_or_else(|| Error::invalid_argument("a digest is an algorithm, `:` and hexadecimal digits"))?;
        let algorithm: DigestAlgorithm = name.parse()?;
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != algorithm.digits() || !hex.bytes().all(lower) {
            let message = format!("a {algorithm} digest has {} lower-case hexadecimal digits", algorithm.digits());
            return Err(Error::invalid_argument(message));
        }
        Ok(Self { algorithm, hex: hex.into() })
    }
}

impl Serialize for BlobDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A digest in the making. Its state can be saved between any two bytes.
#[derive(Clone)]
pub struct BlobHasher(State);

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

/// The saved state of a [`BlobHasher`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HashState {
    algorithm: DigestAlgorithm,
    /// In base64.
    state: String,
}

impl BlobHasher {
    /// Nothing hashed yet.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> DigestAlgorithm {
        match &self.0 {
            State::Sha256(_) => DigestAlgorithm::Sha256,
            State::Sha512(_) => DigestAlgorithm::Sha512,
        }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(hasher) => hasher.update(bytes),
            State::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes.
    pub fn finish(self) -> BlobDigest {
        match self.0 {
            State::Sha256(hasher) => BlobDigest::from_bytes(DigestAlgorithm::Sha256, &hasher.finalize()),
            State::Sha512(hasher) => BlobDigest::from_bytes(DigestAlgorithm::Sha512, &hasher.finalize()),
        }
    }

    pub(super) fn save(&self) -> HashState {
        let state = match &self.0 {
            State::Sha256(hasher) => BASE64.encode(hasher.serialize()),
            State::Sha512(hasher) => BASE64.encode(hasher.serialize()),
        };
        HashState { algorithm: self.algorithm(), state }
    }

    /// # Errors
    /// `corrupted` for what [`BlobHasher::save`] never answered.
    pub(super) fn restore(saved: &HashState) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Corrupted, "the journal of an upload has a hash state that cannot be read");
        let bytes = BASE64.decode(&saved.state).map_err(|_| bad())?;
        Ok(Self(match saved.algorithm {
            DigestAlgorithm::Sha256 => State::Sha256(restored(&bytes).ok_or_else(bad)?),
            DigestAlgorithm::Sha512 => State::Sha512(restored(&bytes).ok_or_else(bad)?),
        }))
    }
}

fn restored<T: SerializableState>(bytes: &[u8]) -> Option<T> {
    let state: &SerializedState<T> = bytes.try_into().ok()?;
    T::deserialize(state).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digests_read_what_they_write_and_nothing_else() {
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let digest = BlobDigest::of(algorithm, b"abc");
            assert_eq!(digest.to_string().parse::<BlobDigest>().unwrap(), digest);
            assert_eq!(serde_json::from_str::<BlobDigest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
        }
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(BlobDigest::of(DigestAlgorithm::Sha256, b"abc").to_string(), abc);
        for bad in
            ["", "sha256", "sha256:", &abc[..70], &abc.to_uppercase(), &abc.replace("ba", "BA"), "md5:abc", &format!("{abc}0"), "sha256:../../etc"]
        {
            assert!(bad.parse::<BlobDigest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hashing_goes_on_from_a_saved_state_at_any_byte() {
        let bytes: Vec<u8> = (0..300u32).map(|n| n as u8).collect();
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            for cut in 0..bytes.len() {
                let mut hasher = BlobHasher::new(algorithm);
                hasher.update(&bytes[..cut]);
                let saved = serde_json::to_string(&hasher.save()).unwrap();
                let mut hasher = BlobHasher::restore(&serde_json::from_str(&saved).unwrap()).unwrap();
                hasher.update(&bytes[cut..]);
                assert_eq!(hasher.finish(), BlobDigest::of(algorithm, &bytes));
            }
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        for state in ["", "AAAA", "!"] {
            let saved = HashState { algorithm: DigestAlgorithm::Sha256, state: state.to_owned() };
            assert_eq!(BlobHasher::restore(&saved).map(|_| ()).unwrap_err().kind(), ErrorKind::Corrupted);
        }
    }
}
