//! Content for tests: as it should be, and as a driver must also withstand it.

use crate::host::data::Content;
use crate::testing::native::data;
use crate::types::Error;

/// Held content with these bytes.
pub fn held(bytes: impl Into<Vec<u8>>) -> Content {
    let bytes = bytes.into();
    Content::from_bytes(&bytes)
}

/// Live content: it reads onwards only, and its size is not known.
pub fn live(bytes: impl Into<Vec<u8>>) -> Content {
    Content(data::Content::live(bytes.into(), None))
}

/// Content that answers `unavailable` behind its bytes, which are fewer than its size.
pub fn breaking(bytes: impl Into<Vec<u8>>) -> Content {
    Content(data::Content::live(bytes.into(), Some(Error::unavailable("the client went away"))))
}

/// Held content that says it has `size` bytes.
pub fn lying(bytes: impl Into<Vec<u8>>, size: u64) -> Content {
    Content(data::Content::lying(bytes.into(), size))
}
