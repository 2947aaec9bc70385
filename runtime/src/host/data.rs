//! The interface `data`: content and buffers, as a guest handles them.

use bytes::Bytes;
use wasmtime::component::Resource;

use super::state::State;
use crate::bindings::cofferdam::storage::data::{Host, HostBuffer, HostContent};
use crate::bindings::cofferdam::storage::store_types as wit;
use crate::content::{Algorithm, Buffer, Content, Generated};

type Answer<T> = wasmtime::Result<Result<T, wit::Error>>;

impl Host for State {
    fn from_bytes(&mut self, bytes: Vec<u8>) -> wasmtime::Result<Resource<Content>> {
        self.trace(|| format!("data.from-bytes({} bytes)", bytes.len()));
        self.give(Content::from_bytes(bytes))
    }

    fn new_buffer(&mut self) -> wasmtime::Result<Resource<Buffer>> {
        let buffer = Buffer::new(self.resources.spool.clone());
        self.give(buffer)
    }

    fn from_generator(&mut self, cursor: u64, size: Option<u64>) -> wasmtime::Result<Resource<Content>> {
        self.trace(|| format!("data.from-generator(cursor {cursor}, size {size:?})"));
        let generated = Generated::new(cursor, size, self.closing.clone());
        self.give(Content::generated(generated))
    }
}

impl HostContent for State {
    fn size(&mut self, content: Resource<Content>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&content)?.size())
    }

    async fn read(&mut self, content: Resource<Content>, offset: u64, max: u32) -> Answer<Vec<u8>> {
        self.budget.enter_host();
        let call = self.call().clone();
        let read = self.table.get(&content)?.read_at(offset, max as usize).await;
        self.budget.leave_host();
        if let Ok(bytes) = &read {
            call.moved(bytes.len() as u64);
        }
        self.trace(|| format!("content.read({offset}, {max}) {}", outcome(&read, |bytes| format!("{} bytes", bytes.len()))));
        Ok(read.map(Vec::from).map_err(Into::into))
    }

    async fn digest(&mut self, content: Resource<Content>, algorithm: String) -> Answer<Vec<u8>> {
        self.budget.enter_host();
        let call = self.call().clone();
        let content = self.table.get(&content)?;
        let digest = match algorithm.parse::<Algorithm>() {
            Ok(algorithm) => content.digest_reporting(algorithm, |bytes| call.moved(bytes)).await,
            Err(error) => Err(error),
        };
        self.budget.leave_host();
        self.trace(|| format!("content.digest({algorithm}) {}", outcome(&digest, |_| "ok".to_owned())));
        Ok(digest.map_err(Into::into))
    }

    fn drop(&mut self, content: Resource<Content>) -> wasmtime::Result<()> {
        self.take(content)?;
        Ok(())
    }
}

impl HostBuffer for State {
    async fn append(&mut self, buffer: Resource<Buffer>, bytes: Vec<u8>) -> Answer<()> {
        self.budget.enter_host();
        let count = bytes.len() as u64;
        let appended = self.table.get_mut(&buffer)?.append(Bytes::from(bytes)).await;
        self.budget.leave_host();
        self.call().moved(count);
        self.trace(|| format!("buffer.append({count} bytes) {}", outcome(&appended, |()| "ok".to_owned())));
        Ok(appended.map_err(Into::into))
    }

    fn finish(&mut self, buffer: Resource<Buffer>) -> Answer<Resource<Content>> {
        match self.table.get_mut(&buffer)?.finish() {
            Ok(content) => Ok(Ok(self.give(content)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn drop(&mut self, buffer: Resource<Buffer>) -> wasmtime::Result<()> {
        self.take(buffer)?;
        Ok(())
    }
}

/// `→ …`, for traces.
pub(super) fn outcome<T>(result: &crate::Result<T>, ok: impl FnOnce(&T) -> String) -> String {
    match result {
        Ok(value) => format!("→ {}", ok(value)),
        Err(error) => format!("→ {error}"),
    }
}
