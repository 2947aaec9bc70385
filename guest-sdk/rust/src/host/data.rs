//! Bytes that the host holds (contract: `data`): a driver passes them on, and reads them only if it must.

use crate::error::Result;
use crate::host::backend;
use crate::types::Error;

/// How much [`Content::bytes`] asks for at a time: the most that the host answers.
const READ_MAX: u32 = 1 << 20;

/// Some bytes. *Held* content reads at any offset, any number of times; *live* content, as it arrives, only onwards.
pub struct Content(pub(crate) backend::data::Content);

impl Content {
    /// Held content with these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(backend::data::from_bytes(bytes))
    }

    /// Content that this driver produces when the host asks, by [`Generator::pull`](crate::Generator::pull).
    ///
    /// For what is handed out of a call; as an argument of a host function it is refused.
    pub fn from_generator(cursor: u64, size: Option<u64>) -> Self {
        Self(backend::data::from_generator(cursor, size))
    }

    /// How many bytes it has; always known of held content.
    pub fn size(&self) -> Option<u64> {
        self.0.size()
    }

    /// At most `max` bytes from `offset`, perhaps fewer; only an empty answer is the end.
    ///
    /// # Errors
    /// `unsupported` for an offset that live content cannot go to; `unavailable` if the bytes stop coming.
    pub fn read(&self, offset: u64, max: u32) -> Result<Vec<u8>> {
        self.0.read(offset, max)
    }

    /// All of the bytes, at most `limit` of them.
    ///
    /// # Errors
    /// `invalid-argument` if there are more, or others than `size` said; as [`Content::read`].
    pub fn bytes(&self, limit: u64) -> Result<Vec<u8>> {
        let expected = self.size();
        let too_long = |size: u64| Error::invalid_argument(format!("the content has {size} bytes or more, over the {limit} that are taken"));
        if expected.is_some_and(|size| size > limit) {
            return Err(too_long(limit.saturating_add(1)));
        }
        // What is claimed is not allocated ahead: the claim may be a lie.
        let mut bytes = Vec::new();
        loop {
            let piece = self.read(bytes.len() as u64, READ_MAX)?;
            if piece.is_empty() {
                break;
            }
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(too_long((bytes.len() + piece.len()) as u64));
            }
            bytes.extend_from_slice(&piece);
        }
        self.check_length(bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Checks that `arrived`, which was all of this content, is as much as its size said.
    ///
    /// # Errors
    /// `invalid-argument` if not.
    pub fn check_length(&self, arrived: u64) -> Result<()> {
        match self.size() {
            Some(size) if size != arrived => {
                Err(Error::invalid_argument(format!("the content has {arrived} bytes, and its size was said to be {size}")))
            }
            _ => Ok(()),
        }
    }

    /// The digest of all its bytes, computed by the host: `sha256`, `sha512`, `md5`, `crc32c`, `crc64nvme`.
    ///
    /// # Errors
    /// `unsupported` for another algorithm and for live content.
    pub fn digest(&self, algorithm: &str) -> Result<Vec<u8>> {
        self.0.digest(algorithm)
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// Bytes that a driver makes piece by piece, kept by the host.
pub struct Buffer(backend::data::Buffer);

impl Buffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self(backend::data::new_buffer())
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// `quota-exceeded` over the mount's budget.
    pub fn append(&self, bytes: &[u8]) -> Result<()> {
        self.0.append(bytes)
    }

    /// Held content with everything that was appended.
    ///
    /// # Errors
    /// What the host answers.
    pub fn finish(self) -> Result<Content> {
        self.0.finish().map(Content)
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}
