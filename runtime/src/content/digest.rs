//! Digests of content, computed by the host without the bytes entering a driver.

use std::str::FromStr;

use crc_fast::CrcAlgorithm;
use sha2::Digest as _;

use super::Content;
use crate::error::{Error, Result};

/// The algorithms that the contract names (`content.digest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
    /// MD5, 16 bytes: for backends that ask for it, never for trust.
    Md5,
    /// CRC-32C (Castagnoli), 4 bytes, big-endian.
    Crc32c,
    /// CRC-64/NVME, 8 bytes, big-endian.
    Crc64Nvme,
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            "md5" => Ok(Self::Md5),
            "crc32c" => Ok(Self::Crc32c),
            "crc64nvme" => Ok(Self::Crc64Nvme),
            _ => Err(Error::unsupported("the digest algorithms are sha256, sha512, md5, crc32c and crc64nvme")),
        }
    }
}

enum Hasher {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Md5(md5::Md5),
    Crc32c(crc_fast::Digest),
    Crc64Nvme(crc_fast::Digest),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
            Algorithm::Md5 => Self::Md5(md5::Md5::new()),
            Algorithm::Crc32c => Self::Crc32c(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) | Self::Crc64Nvme(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
            Self::Md5(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => (hasher.finalize() as u32).to_be_bytes().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_be_bytes().to_vec(),
        }
    }
}

/// Reads all of `content` and answers its digest. Hashing is done where it is called, a frame at a time, with a chance
/// for others between frames.
pub(super) async fn of(content: Content, algorithm: Algorithm, progress: impl Fn(u64) + Send + Sync) -> Result<Vec<u8>> {
    let mut hasher = Hasher::new(algorithm);
    let mut offset = 0;
    loop {
        let frame = content.read_at(offset, super::READ_MAX).await?;
        if frame.is_empty() {
            return Ok(hasher.finish());
        }
        offset += frame.len() as u64;
        hasher.update(&frame);
        progress(frame.len() as u64);
        tokio::task::consume_budget().await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn digests_are_those_of_the_check_string() {
        for (name, expected) in [
            ("md5", "25f9e794323b453885f5181f1b624d0b"),
            ("crc32c", "e3069283"),
            ("crc64nvme", "ae8b14860a799888"),
            ("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let digest = Content::from_bytes("123456789").digest(name.parse().unwrap()).await.unwrap();
            assert_eq!(base16ct::lower::encode_string(&digest), expected, "{name}");
        }
    }
}
