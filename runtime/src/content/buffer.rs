//! Bytes that a driver makes piece by piece (`data.buffer`).

use std::sync::Arc;

use bytes::Bytes;

use super::{Content, Spool, SpoolBuffer};
use crate::error::{Error, Result};

/// A buffer of the contract: appended to, then finished, once.
pub struct Buffer(Option<SpoolBuffer>);

impl Buffer {
    pub(crate) fn new(spool: Arc<Spool>) -> Self {
        Self(Some(SpoolBuffer::new(spool)))
    }

    pub(crate) async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.0.as_mut().ok_or_else(finished)?.append(bytes).await
    }

    pub(crate) fn finish(&mut self) -> Result<Content> {
        Ok(self.0.take().ok_or_else(finished)?.finish().into())
    }
}

fn finished() -> Error {
    Error::invalid_argument("the buffer is finished")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn a_buffer_is_finished_once_and_keeps_its_order() {
        let mut buffer = Buffer::new(Spool::new(64, None, 0));
        buffer.append(Bytes::from_static(b"made ")).await.unwrap();
        buffer.append(Bytes::from_static(b"in pieces")).await.unwrap();
        let content = buffer.finish().unwrap();
        assert_eq!(buffer.finish().unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(buffer.append(Bytes::new()).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        drop(buffer);
        assert!(content.is_held());
        assert_eq!(content.bytes(64).await.unwrap(), "made in pieces");
    }

    #[tokio::test]
    async fn a_buffer_over_the_budget_is_refused() {
        let mut buffer = Buffer::new(Spool::new(4, None, 0));
        assert_eq!(buffer.append(Bytes::from_static(b"12345")).await.unwrap_err().kind(), ErrorKind::QuotaExceeded);
    }
}
