//! The driver asked past the host's checks, for certifiers: any string as path or token, and answers as they come.

use super::Mount;
use super::content::Outgoing;
use super::streaming::ask;
use crate::bindings::cofferdam::storage::store_types as wit;
use crate::content::Content;
use crate::convert::error_from_wit;
use crate::error::Result;
use crate::guests::Interface;
use crate::pool::Operation;
use crate::store::not_offered;
use crate::types::{ByteRange, Condition, ListOptions, Part, WrittenPart};

/// Calls a driver with whatever it is given.
///
/// The sandbox holds as for any call; only the host's own checks of arguments and answers are left out.
#[derive(Clone, Copy, Debug)]
pub struct Unchecked<'a> {
    mount: &'a Mount,
}

impl<'a> Unchecked<'a> {
    pub(super) fn new(mount: &'a Mount) -> Self {
        Self { mount }
    }

    /// `stat`; answers path and size as the driver said them.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn stat(&self, path: &str) -> Result<(String, u64)> {
        let asked = path.to_owned();
        let info = ask!(self.mount, StreamingStore.streaming, Operation::new("stat").about(path), |guest, instance| {
            guest.call_stat(&mut instance.store, &asked).await
        })?;
        Ok((info.path, info.size))
    }

    /// `open`; answers the content.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn open(&self, path: &str, range: ByteRange) -> Result<Content> {
        let asked = path.to_owned();
        let outgoing = ask!(self.mount, StreamingStore.streaming, Operation::new("open").about(path), |guest, instance| {
            let opened = guest.call_open(&mut instance.store, &asked, range.into()).await?;
            Ok(match opened {
                Ok(opened) => Ok(Outgoing::take(instance, opened.content)?),
                Err(error) => Err(error),
            })
        })?;
        Ok(outgoing.bind(self.mount.pool()).await)
    }

    /// `put`; answers the size that the driver says it stored.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn put(&self, path: &str, content: Content, condition: Condition) -> Result<u64> {
        let (asked, condition) = (path.to_owned(), condition.into());
        let info = ask!(self.mount, StreamingStore.streaming, Operation::new("put").about(path), |guest, instance| {
            let handle = instance.store.data_mut().give(content)?;
            guest.call_put(&mut instance.store, &asked, handle, &condition).await
        })?;
        Ok(info.size)
    }

    /// `list`; answers the paths as the driver said them.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn list(&self, prefix: &str, options: &ListOptions) -> Result<Vec<String>> {
        let (asked, options) = (prefix.to_owned(), wit::ListOptions::from(options));
        let page = ask!(self.mount, StreamingStore.streaming, Operation::new("list").about(prefix), |guest, instance| {
            guest.call_list(&mut instance.store, &asked, &options).await
        })?;
        Ok(page.entries.into_iter().map(|entry| entry.path).collect())
    }

    /// `remove`; answers what the driver said, however many results that are.
    ///
    /// # Errors
    /// What fails the call as a whole.
    pub async fn remove(&self, paths: &[&str]) -> Result<Vec<Result<()>>> {
        let asked: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let results = ask!(self.mount, StreamingStore.streaming, Operation::new("remove"), |guest, instance| {
            guest.call_remove(&mut instance.store, &asked).await.map(Ok)
        })?;
        Ok(results.into_iter().map(|result| result.map_err(error_from_wit)).collect())
    }

    /// `uploads.create`; answers the token.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn create_upload(&self, path: &str) -> Result<String> {
        let asked = path.to_owned();
        ask!(self.mount, Uploads.uploads, Operation::new("create").about(path), |guest, instance| {
            guest.call_create(&mut instance.store, &asked).await
        })
    }

    /// `uploads.write-part`; answers the part's id.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn write_part(&self, token: &str, part: Part, content: Content) -> Result<String> {
        let asked = token.to_owned();
        ask!(self.mount, Uploads.uploads, Operation::new("write-part"), |guest, instance| {
            let handle = instance.store.data_mut().give(content)?;
            guest.call_write_part(&mut instance.store, &asked, part.into(), handle).await
        })
    }

    /// `uploads.complete`; answers the size of the object.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn complete_upload(&self, token: &str, parts: &[WrittenPart], destination: &str, condition: Condition) -> Result<u64> {
        let (asked, destination, condition) = (token.to_owned(), destination.to_owned(), condition.into());
        let parts: Vec<wit::WrittenPart> = parts.iter().map(Into::into).collect();
        let info = ask!(self.mount, Uploads.uploads, Operation::new("complete"), |guest, instance| {
            guest.call_complete(&mut instance.store, &asked, &parts, &destination, &condition).await
        })?;
        Ok(info.size)
    }

    /// `uploads.abort`.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn abort_upload(&self, token: &str) -> Result<()> {
        let asked = token.to_owned();
        ask!(self.mount, Uploads.uploads, Operation::new("abort"), |guest, instance| guest.call_abort(&mut instance.store, &asked).await)
    }

    /// `atomic-store.get`; answers the value's length.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn get(&self, key: &str) -> Result<usize> {
        let asked = key.to_owned();
        let value = ask!(self.mount, AtomicStore.atomic, Operation::new("get").about(key), |guest, instance| {
            guest.call_get(&mut instance.store, &asked).await
        })?;
        Ok(value.data.len())
    }

    /// `atomic-store.put`; answers the etag.
    ///
    /// # Errors
    /// What the driver answers.
    pub async fn put_value(&self, key: &str, data: Vec<u8>, condition: Condition) -> Result<String> {
        let (asked, condition) = (key.to_owned(), condition.into());
        ask!(self.mount, AtomicStore.atomic, Operation::new("put").about(key), |guest, instance| {
            guest.call_put(&mut instance.store, &asked, &data, &condition).await
        })
    }
}
