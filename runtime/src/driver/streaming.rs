//! [`StreamingStore`] over a mounted driver.

use std::time::Duration;

use async_trait::async_trait;

use super::Mount;
use super::content::{Outgoing, check_length};
use crate::bindings::cofferdam::storage::store_types as wit;
use crate::claims::Claims;
use crate::content::Content;
use crate::convert::{self, error_from_wit, misbehaved};
use crate::error::{Error, Result};
use crate::guests::Interface;
use crate::path::{Prefix, StorePath};
use crate::pool::Operation;
use crate::store::{StreamingStore, not_offered};
use crate::types::{
    ByteRange, Condition, FoundPart, FoundUpload, ListOptions, ObjectInfo, Opened, Page, Part, PartId, PresignedAccess, PresignedUrl, UploadToken,
    WrittenPart,
};

/// The most entries that one call asks a driver for, and paths that it is given to remove: a page of them, with long
/// names, stays below what one call may hand over.
pub(super) const PAGE_MAX: u32 = 1000;

/// Calls a function of one of the driver's interfaces; `unsupported` if it does not export that.
macro_rules! ask {
    ($mount:expr, $interface:ident.$field:ident, $operation:expr, |$guest:ident, $instance:ident| $call:expr) => {{
        const INTERFACE: Interface = Interface::$interface;
        let operation = $operation;
        if $mount.has(INTERFACE) {
            $mount
                .pool()
                .call(operation, move |$instance| {
                    Box::pin(async move {
                        let Some($guest) = &$instance.guests.$field else { return Err(not_offered(INTERFACE.name()).into()) };
                        $call
                    })
                })
                .await
        } else {
            Err(not_offered(INTERFACE.name()))
        }
    }};
}
pub(super) use ask;

impl Mount {
    /// Adds to an error of the host's own what it is about.
    pub(super) fn about<T>(&self, result: Result<T>, operation: &'static str, path: &str) -> Result<T> {
        result.map_err(|error| error.in_operation(operation, self.pool().driver_name()).at_path(path))
    }
}

/// What `put` and `complete` answer must be about what was written.
fn stored(answered: wit::ObjectInfo, path: &StorePath, size: Option<u64>) -> Result<ObjectInfo> {
    let info = convert::info_of(answered, path)?;
    match size {
        Some(size) if size != info.size => Err(misbehaved(format!("the driver was given {size} bytes and says that it stored {}", info.size))),
        _ => Ok(info),
    }
}

#[async_trait]
impl StreamingStore for Mount {
    fn claims(&self) -> &Claims {
        Self::claims(self)
    }

    async fn hold(&self, content: Content) -> Result<Content> {
        Self::hold(self, content).await
    }

    async fn stat(&self, path: &StorePath) -> Result<ObjectInfo> {
        let asked = path.to_string();
        let answered = ask!(self, StreamingStore.streaming, Operation::new("stat").about(path.as_str()), |guest, instance| {
            guest.call_stat(&mut instance.store, &asked).await
        })?;
        self.about(convert::info_of(answered, path), "stat", path.as_str())
    }

    async fn open(&self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let asked = path.to_string();
        let operation = Operation::new("open").about(path.as_str()).with(|| range.to_string());
        let (info, outgoing) = ask!(self, StreamingStore.streaming, operation, |guest, instance| {
            let opened = guest.call_open(&mut instance.store, &asked, range.into()).await?;
            Ok(match opened {
                Ok(opened) => Ok((opened.info, Outgoing::take(instance, opened.content)?)),
                Err(error) => Err(error),
            })
        })?;
        let content = outgoing.bind(self.pool()).await;
        let info = self.about(convert::info_of(info, path), "open", path.as_str())?;
        self.about(check_length(&content, range, info.size), "open", path.as_str())?;
        Ok(Opened { info, content })
    }

    async fn put(&self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let operation = Operation::new("put").about(path.as_str()).with(|| format!("{} bytes, {condition:?}", shown(content.size())));
        let content = self.about(self.hold(content).await, "put", path.as_str())?;
        let size = content.size();
        let (asked, condition) = (path.to_string(), condition.into());
        let answered = ask!(self, StreamingStore.streaming, operation, |guest, instance| {
            let handle = instance.store.data_mut().give(content)?;
            guest.call_put(&mut instance.store, &asked, handle, &condition).await
        })?;
        self.about(stored(answered, path, size), "put", path.as_str())
    }

    async fn list(&self, prefix: &Prefix, mut options: ListOptions) -> Result<Page> {
        options.limit = options.limit.clamp(1, PAGE_MAX);
        let operation = Operation::new("list").about(prefix.as_str()).with(|| format!("{options:?}"));
        let (asked, passed) = (prefix.to_string(), wit::ListOptions::from(&options));
        let answered =
            ask!(self, StreamingStore.streaming, operation, |guest, instance| guest.call_list(&mut instance.store, &asked, &passed).await)?;
        self.about(convert::page(answered, prefix, &options), "list", prefix.as_str())
    }

    async fn remove(&self, paths: &[StorePath]) -> Result<Vec<Result<()>>> {
        let mut results = Vec::with_capacity(paths.len());
        for paths in paths.chunks(PAGE_MAX as usize) {
            let asked: Vec<String> = paths.iter().map(StorePath::to_string).collect();
            let operation = Operation::new("remove").with(|| format!("{asked:?}"));
            let answered =
                ask!(self, StreamingStore.streaming, operation, |guest, instance| guest.call_remove(&mut instance.store, &asked).await.map(Ok))?;
            if answered.len() != paths.len() {
                let message = format!("the driver was asked to remove {} paths and answered {} results", paths.len(), answered.len());
                return self.about(Err(misbehaved(message)), "remove", paths.first().map_or("", StorePath::as_str));
            }
            for (path, result) in paths.iter().zip(answered) {
                results.push(self.about(result.map_err(error_from_wit), "remove", path.as_str()));
            }
        }
        Ok(results)
    }

    async fn create_upload(&self, path: &StorePath) -> Result<UploadToken> {
        let asked = path.to_string();
        let answered = ask!(self, Uploads.uploads, Operation::new("create").about(path.as_str()), |guest, instance| {
            guest.call_create(&mut instance.store, &asked).await
        })?;
        self.about(convert::token(answered), "create", path.as_str())
    }

    async fn write_part(&self, token: &UploadToken, part: Part, content: Content) -> Result<PartId> {
        let operation = Operation::new("write-part").about(token.as_str()).with(|| format!("{part:?}, {} bytes", shown(content.size())));
        let content = self.about(self.part_content(content).await, "write-part", token.as_str())?;
        let token = token.as_str().to_owned();
        let answered = ask!(self, Uploads.uploads, operation, |guest, instance| {
            let handle = instance.store.data_mut().give(content)?;
            guest.call_write_part(&mut instance.store, &token, part.into(), handle).await
        })?;
        self.about(convert::part_id(answered), "write-part", "")
    }

    async fn complete_upload(&self, token: &UploadToken, parts: &[WrittenPart], destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let operation = Operation::new("complete").about(destination.as_str()).with(|| format!("{} parts, {condition:?}", parts.len()));
        let size = parts.iter().map(|part| part.length).sum();
        let (token, asked, condition) = (token.as_str().to_owned(), destination.to_string(), condition.into());
        let parts: Vec<wit::WrittenPart> = parts.iter().map(Into::into).collect();
        let answered = ask!(self, Uploads.uploads, operation, |guest, instance| {
            guest.call_complete(&mut instance.store, &token, &parts, &asked, &condition).await
        })?;
        self.about(stored(answered, destination, Some(size)), "complete", destination.as_str())
    }

    async fn abort_upload(&self, token: &UploadToken) -> Result<()> {
        let asked = token.as_str().to_owned();
        ask!(self, Uploads.uploads, Operation::new("abort").about(token.as_str()), |guest, instance| {
            guest.call_abort(&mut instance.store, &asked).await
        })
    }

    async fn find_uploads(&self, cursor: Option<&str>, limit: u32) -> Result<(Vec<FoundUpload>, Option<String>)> {
        let limit = limit.clamp(1, PAGE_MAX);
        let (asked, operation) = (cursor.map(str::to_owned), Operation::new("find").with(|| format!("cursor {cursor:?}, limit {limit}")));
        let (found, next) = ask!(self, UploadListing.upload_listing, operation, |guest, instance| {
            guest.call_find(&mut instance.store, asked.as_deref(), limit).await
        })?;
        if found.len() > limit as usize || (next.is_some() && next.as_deref() == cursor) {
            return self.about(Err(misbehaved("the driver's list of uploads is too long or does not get on")), "find", "");
        }
        let found = found.into_iter().map(|found| Ok(FoundUpload { token: convert::token(found.token)?, created: found.created }));
        Ok((self.about(found.collect(), "find", "")?, next))
    }

    async fn written_parts(&self, token: &UploadToken) -> Result<Vec<FoundPart>> {
        let asked = token.as_str().to_owned();
        let answered = ask!(self, UploadListing.upload_listing, Operation::new("written").about(token.as_str()), |guest, instance| {
            guest.call_written(&mut instance.store, &asked).await
        })?;
        self.about(answered.into_iter().map(convert::found_part).collect(), "written", token.as_str())
    }

    async fn copy(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let operation = Operation::new("copy").about(source.as_str()).with(|| format!("to {destination}, {condition:?}"));
        let (from, to, condition) = (source.to_string(), destination.to_string(), condition.into());
        let answered = ask!(self, Copying.copying, operation, |guest, instance| guest.call_copy(&mut instance.store, &from, &to, &condition).await)?;
        self.about(convert::info_of(answered, destination), "copy", destination.as_str())
    }

    async fn rename(&self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let operation = Operation::new("rename").about(source.as_str()).with(|| format!("to {destination}, {condition:?}"));
        let (from, to, condition) = (source.to_string(), destination.to_string(), condition.into());
        let answered =
            ask!(self, Renaming.renaming, operation, |guest, instance| guest.call_rename(&mut instance.store, &from, &to, &condition).await)?;
        self.about(convert::info_of(answered, destination), "rename", destination.as_str())
    }

    async fn store(&self, content: Content, algorithm: &str) -> Result<StorePath> {
        let operation = Operation::new("store").with(|| format!("{} bytes, {algorithm}", shown(content.size())));
        let (content, algorithm) = (self.hold(content).await?, algorithm.to_owned());
        let answered = ask!(self, ContentStore.content_store, operation, |guest, instance| {
            let handle = instance.store.data_mut().give(content)?;
            guest.call_store(&mut instance.store, handle, &algorithm).await
        })?;
        let key =
            StorePath::new(&answered).map_err(|error: Error| misbehaved(format!("the driver answered a key that is no path: {}", error.message())));
        self.about(key, "store", "")
    }

    async fn presign(&self, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Result<PresignedUrl> {
        let seconds = u32::try_from(valid_for.as_secs()).unwrap_or(u32::MAX);
        let operation = Operation::new("presign").about(path.as_str()).with(|| format!("{access:?} for {seconds} s"));
        let asked = path.to_string();
        let url = ask!(self, Presigning.presigning, operation, |guest, instance| {
            guest.call_presign(&mut instance.store, &asked, access.into(), seconds).await
        })?;
        let granted = self.pool().sandbox.resources.http.may_lead_to(access.method(), &url);
        self.about(granted, "presign", path.as_str()).map(PresignedUrl::new)
    }
}

fn shown(size: Option<u64>) -> String {
    size.map_or_else(|| "an unknown number of".to_owned(), |size| size.to_string())
}
