//! `data` natively: content in memory.

use std::cell::{Cell, RefCell};

use sha2::{Digest, Sha256, Sha512};

use crate::error::Result;
use crate::types::Error;

/// The most that one `read` answers, as the contract says.
const READ_MAX: usize = 1 << 20;

/// Where the bytes of a content come from.
enum Source {
    /// Memory: any offset.
    Held(Vec<u8>),
    /// Memory, onwards only, and what comes after the bytes.
    Live { bytes: Vec<u8>, position: Cell<u64>, then: Option<Error> },
    /// The driver itself, by this cursor.
    Generated(u64),
}

/// As the host's `content`.
pub(crate) struct Content {
    source: Source,
    size: Option<u64>,
}

impl Content {
    fn held(bytes: Vec<u8>) -> Self {
        Self { size: Some(bytes.len() as u64), source: Source::Held(bytes) }
    }

    /// Live content that ends with `then`.
    pub(crate) fn live(bytes: Vec<u8>, then: Option<Error>) -> Self {
        // What breaks was promised to be longer.
        let size = then.as_ref().map(|_| bytes.len() as u64 + 1);
        Self { size, source: Source::Live { bytes, position: Cell::new(0), then } }
    }

    /// What a response brings: live, and perhaps shorter than it was said to be.
    pub(crate) fn response(bytes: Vec<u8>, size: Option<u64>) -> Self {
        let cut = size.is_some_and(|size| size > bytes.len() as u64);
        let then = cut.then(|| Error::unavailable("the connection was closed before the end of the response").with_code("reset"));
        Self { size, source: Source::Live { bytes, position: Cell::new(0), then } }
    }

    /// Held content whose size is not true.
    pub(crate) fn lying(bytes: Vec<u8>, size: u64) -> Self {
        Self { size: Some(size), source: Source::Held(bytes) }
    }

    /// The cursor of generated content.
    pub(crate) fn cursor(&self) -> Option<u64> {
        match self.source {
            Source::Generated(cursor) => Some(cursor),
            Source::Held(_) | Source::Live { .. } => None,
        }
    }

    /// As the host's `size`.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// As the host's `read`.
    pub(crate) fn read(&self, offset: u64, max: u32) -> Result<Vec<u8>> {
        let bytes = match &self.source {
            Source::Held(bytes) => bytes,
            Source::Live { bytes, position, .. } if position.get() == offset => bytes,
            Source::Live { .. } => return Err(Error::unsupported("live content reads onwards only")),
            Source::Generated(_) => {
                return Err(Error::invalid_argument("a driver cannot read what it generates; tests use `Harness::read`"));
            }
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = bytes.len().min(start + (max as usize).min(READ_MAX));
        if let Source::Live { position, then, .. } = &self.source {
            position.set(end as u64);
            if let (true, Some(error)) = (start == end, then) {
                return Err(error.clone());
            }
        }
        Ok(bytes[start..end].to_vec())
    }

    /// As the host's `digest`.
    pub(crate) fn digest(&self, algorithm: &str) -> Result<Vec<u8>> {
        let Source::Held(bytes) = &self.source else {
            return Err(Error::unsupported("only held content has a digest"));
        };
        match algorithm {
            "sha256" => Ok(Sha256::digest(bytes).to_vec()),
            "sha512" => Ok(Sha512::digest(bytes).to_vec()),
            "md5" => Ok(md5::Md5::digest(bytes).to_vec()),
            "crc32c" => Ok(checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, 4, bytes)),
            "crc64nvme" => Ok(checksum(crc_fast::CrcAlgorithm::Crc64Nvme, 8, bytes)),
            _ => Err(Error::unsupported(format!("there is no digest {algorithm:?}"))),
        }
    }
}

/// The last `width` bytes of a checksum, big-endian.
fn checksum(algorithm: crc_fast::CrcAlgorithm, width: usize, bytes: &[u8]) -> Vec<u8> {
    crc_fast::checksum(algorithm, bytes).to_be_bytes()[8 - width..].to_vec()
}

/// As the host's `from-bytes`.
pub(crate) fn from_bytes(bytes: &[u8]) -> Content {
    Content::held(bytes.to_vec())
}

/// As the host's `from-generator`.
pub(crate) fn from_generator(cursor: u64, size: Option<u64>) -> Content {
    Content { source: Source::Generated(cursor), size }
}

/// As the host's `buffer`.
pub(crate) struct Buffer(RefCell<Option<Vec<u8>>>);

/// As the host's `new-buffer`.
pub(crate) fn new_buffer() -> Buffer {
    Buffer(RefCell::new(Some(Vec::new())))
}

impl Buffer {
    /// As the host's `append`.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<()> {
        let mut buffer = self.0.borrow_mut();
        buffer.as_mut().ok_or_else(finished)?.extend_from_slice(bytes);
        Ok(())
    }

    /// As the host's `finish`.
    pub(crate) fn finish(&self) -> Result<Content> {
        self.0.take().map(Content::held).ok_or_else(finished)
    }
}

fn finished() -> Error {
    Error::invalid_argument("the buffer is finished")
}
