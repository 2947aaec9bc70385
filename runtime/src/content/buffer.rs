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
