//! Content on its way into a driver's call and out of it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Mount;
use crate::content::{Content, Generator, Kind, Stall};
use crate::convert::misbehaved;
use crate::error::Result;
use crate::pool::{Instance, Operation, Pool};
use crate::types::ByteRange;

/// What an instance generates, for the one who reads it after the call.
struct PoolGenerator {
    pool: Arc<Pool>,
    instance: u64,
}

#[async_trait]
impl Generator for PoolGenerator {
    async fn pull(&self, cursor: u64, max: u32) -> Result<Bytes> {
        let operation = Operation::new("generator.pull").with(|| format!("cursor {cursor}, max {max}"));
        let pulled = self.pool.call_on(self.instance, operation, move |instance| {
            Box::pin(async move {
                let Some(generator) = &instance.guests.generator else {
                    return Err(misbehaved("the driver answered generated content and does not export `generator`").into());
                };
                generator.call_pull(&mut instance.store, cursor, max).await
            })
        });
        Ok(Bytes::from(pulled.await?))
    }
}

/// Content that left a call: what is generated learns who makes it.
pub(super) struct Outgoing {
    content: Content,
    instance: u64,
}

impl Outgoing {
    /// Takes what the guest answered by `handle`.
    pub(super) fn take(instance: &mut Instance, handle: wasmtime::component::Resource<Content>) -> wasmtime::Result<Self> {
        let content = instance.store.data_mut().take(handle)?;
        if let Kind::Generated(generated) = &content.kind {
            instance.remember(generated.downgrade());
        }
        Ok(Self { content, instance: instance.id })
    }

    /// The content, for its reader.
    pub(super) async fn bind(self, pool: &Arc<Pool>) -> Content {
        if let Kind::Generated(generated) = &self.content.kind {
            generated.bind(Arc::new(PoolGenerator { pool: pool.clone(), instance: self.instance })).await;
        }
        self.content
    }
}

/// Whether `content` is as long as the range of an object of `size` bytes must be.
pub(super) fn check_length(content: &Content, range: ByteRange, size: u64) -> Result<()> {
    let (_, expected) = range.within(size);
    match content.size() {
        Some(found) if found != expected => {
            Err(misbehaved(format!("the driver opened {found} bytes where the range {range} of {size} bytes has {expected}")))
        }
        _ => Ok(()),
    }
}

impl Mount {
    /// Content as `write-part` gets it: live if the driver claims that, ended where it stalls; else held.
    pub(super) async fn part_content(&self, content: Content) -> Result<Content> {
        match content.kind {
            Kind::Live(live) if self.claims().live_content => Ok(Content { kind: Kind::Live(live.ending_at_stall(Stall::default()).await) }),
            kind => self.hold(Content { kind }).await,
        }
    }
}
