//! Reproducible bytes of any size: any piece of them can be made at any time, so that none need be kept to be compared.

use std::io::Write as _;

use bytes::Bytes;
use cofferdam::{Content, Error, ErrorKind, Result};
use futures::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::verdict::{Verdict, ensure};

/// How much is made at once.
const FRAME: u64 = 256 << 10;

/// Content up to this size is handed over in memory, larger in a file: the host's spool is not what is tested.
const IN_MEMORY: u64 = 4 << 20;

/// `size` bytes that follow from `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Data {
    seed: u64,
    size: u64,
}

/// The eight bytes at `index`: splitmix64, whose values for neighbours have nothing in common.
fn word(seed: u64, index: u64) -> [u8; 8] {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).to_le_bytes()
}

impl Data {
    pub(crate) fn new(seed: u64, size: u64) -> Self {
        Self { seed, size }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// At most `length` bytes from `offset`.
    pub(crate) fn piece(&self, offset: u64, length: u64) -> Bytes {
        let end = offset.saturating_add(length).min(self.size);
        let start = offset.min(end);
        let mut bytes = Vec::with_capacity((end - start) as usize + 16);
        for index in start / 8..end.div_ceil(8) {
            bytes.extend_from_slice(&word(self.seed, index));
        }
        let skip = (start % 8) as usize;
        Bytes::from(bytes).slice(skip..skip + (end - start) as usize)
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> Bytes {
        self.piece(0, self.size)
    }

    fn pieces(self) -> impl Iterator<Item = Bytes> {
        (0..self.size.div_ceil(FRAME)).map(move |frame| self.piece(frame * FRAME, FRAME))
    }

    /// All of them, held.
    pub(crate) async fn content(&self) -> Verdict<Content> {
        if self.size <= IN_MEMORY {
            return Ok(Content::from_bytes(self.bytes()));
        }
        let data = *self;
        let file = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let mut file = tempfile::tempfile()?;
            for piece in data.pieces() {
                file.write_all(&piece)?;
            }
            Ok(file)
        });
        Ok(Content::from_file(file.await??, 0, self.size))
    }

    /// All of them as they pass by.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::iter(self.pieces().map(Ok))
    }

    /// The first half of them, then an error.
    pub(crate) fn breaking(&self) -> Content {
        let half = Self { size: self.size / 2, ..*self };
        let error = Error::new(ErrorKind::Unavailable, "the certifier breaks off here");
        Content::live(half.stream().chain(stream::iter([Err(error)])), Some(self.size))
    }

    /// Their digest, in hexadecimal.
    pub(crate) fn sha256(self) -> String {
        let mut digest = Sha256::new();
        self.pieces().for_each(|piece| digest.update(&piece));
        base16ct::lower::encode_string(&digest.finalize())
    }

    /// Whether `content` is exactly `length` of these bytes from `offset`.
    pub(crate) async fn compare(&self, content: Content, offset: u64, length: u64, what: &str) -> Verdict {
        let end = offset + length;
        let mut position = offset;
        let mut stream = content.into_stream();
        while let Some(frame) = stream.next().await {
            let frame = frame.map_err(|error| crate::verdict::Stop::Failed(format!("{what}: reading broke off at byte {position}: {error}")))?;
            ensure!(position + frame.len() as u64 <= end, "{what}: more than the {length} bytes that there are");
            let expected = self.piece(position, frame.len() as u64);
            if frame != expected {
                let at = frame.iter().zip(&expected).position(|(found, expected)| found != expected).unwrap_or(expected.len());
                return crate::verdict::failed(format!("{what}: other bytes than were stored, from byte {}", position + at as u64));
            }
            position += frame.len() as u64;
        }
        ensure!(position == end, "{what}: {} bytes where {length} were stored", position - offset);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_is_a_piece_of_the_whole() {
        let data = Data::new(7, 1000);
        let all = data.bytes();
        assert_eq!(all.len(), 1000);
        for (offset, length) in [(0, 1000), (3, 5), (8, 8), (999, 5), (1000, 1), (13, 900)] {
            let end = (offset + length).min(1000);
            assert_eq!(data.piece(offset as u64, length as u64), all.slice(offset.min(end)..end));
        }
        assert_ne!(all, Data::new(8, 1000).bytes());
    }

    #[tokio::test]
    async fn a_comparison_tells_what_differs() {
        let data = Data::new(1, 600_000);
        data.compare(data.content().await.unwrap(), 0, 600_000, "x").await.unwrap();
        let mut wrong = data.bytes().to_vec();
        wrong[300_001] ^= 1;
        for (bytes, expected) in [(wrong, "from byte 300001"), (vec![], "0 bytes where"), (data.piece(0, 599_999).to_vec(), "599999 bytes where")] {
            let stopped = data.compare(Content::from_bytes(bytes), 0, 600_000, "x").await.unwrap_err();
            assert!(format!("{stopped:?}").contains(expected), "{stopped:?}");
        }
        assert!(data.compare(Content::live(data.breaking().into_stream(), None), 0, 600_000, "x").await.is_err());
    }
}
