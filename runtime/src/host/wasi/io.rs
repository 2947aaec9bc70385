//! `wasi:io` where it waits and where bytes pass: the time is the host's, the bytes are progress of the call.
//!
//! wasmtime's own implementation does the work. It knows neither budgets nor calls: a driver that reads a long answer through it
//! would pay for every wait as if it had computed, and be ended for want of progress.

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::{poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

use crate::content::READ_MAX;
use crate::host::state::State;

/// Links it in the place of wasmtime's.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    poll::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    streams::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// The most that is read at once.
fn bounded(length: u64) -> u64 {
    length.min(READ_MAX as u64)
}

impl State {
    /// The table, for work that the guest waits for; [`State::waited`] ends it.
    fn waiting(&mut self) -> &mut ResourceTable {
        self.budget.enter_host();
        &mut self.table
    }

    /// Hands on the `answer` of such work.
    fn waited<T>(&mut self, answer: T) -> T {
        self.budget.leave_host();
        self.report();
        answer
    }

    /// Counts what was read or written.
    fn count(&self, bytes: u64) {
        self.call().moved(bytes);
    }
}

impl poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let answer = self.waiting().poll(pollables).await;
        self.waited(answer)
    }
}

impl poll::HostPollable for State {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        poll::HostPollable::ready(&mut self.table, pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        let answer = self.waiting().block(pollable).await;
        self.waited(answer)
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(&mut self.table, pollable)
    }
}

impl streams::Host for State {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        self.table.convert_stream_error(error)
    }
}

impl streams::HostInputStream for State {
    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        let bytes = streams::HostInputStream::read(&mut self.table, stream, bounded(length))?;
        self.count(bytes.len() as u64);
        Ok(bytes)
    }

    async fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        let answer = self.waiting().blocking_read(stream, bounded(length)).await;
        let bytes = self.waited(answer)?;
        self.count(bytes.len() as u64);
        Ok(bytes)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        let skipped = self.table.skip(stream, bounded(length))?;
        self.count(skipped);
        Ok(skipped)
    }

    async fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        let answer = self.waiting().blocking_skip(stream, bounded(length)).await;
        let skipped = self.waited(answer)?;
        self.count(skipped);
        Ok(skipped)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        streams::HostInputStream::subscribe(&mut self.table, stream)
    }

    async fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        streams::HostInputStream::drop(&mut self.table, stream).await
    }
}

impl streams::HostOutputStream for State {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.table.check_write(stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        let count = bytes.len() as u64;
        self.table.write(stream, bytes)?;
        self.count(count);
        Ok(())
    }

    async fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        let count = bytes.len() as u64;
        let answer = self.waiting().blocking_write_and_flush(stream, bytes).await;
        self.waited(answer)?;
        self.count(count);
        Ok(())
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.table.flush(stream)
    }

    async fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        let answer = self.waiting().blocking_flush(stream).await;
        self.waited(answer)
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        streams::HostOutputStream::subscribe(&mut self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.table.write_zeroes(stream, length)?;
        self.count(length);
        Ok(())
    }

    async fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        let answer = self.waiting().blocking_write_zeroes_and_flush(stream, length).await;
        self.waited(answer)?;
        self.count(length);
        Ok(())
    }

    fn splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        let moved = self.table.splice(to, from, bounded(length))?;
        self.count(moved);
        Ok(moved)
    }

    async fn blocking_splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        let answer = self.waiting().blocking_splice(to, from, bounded(length)).await;
        let moved = self.waited(answer)?;
        self.count(moved);
        Ok(moved)
    }

    async fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        streams::HostOutputStream::drop(&mut self.table, stream).await
    }
}
