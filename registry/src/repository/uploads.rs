//! Uploads to a repository: the host's resumable uploads, ended by a link.

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, Closing, DigestAlgorithm, UploadId};
use futures::Stream;

use super::{BlobInfo, Repository};
use crate::error::{RegistryError, Result};

impl Repository {
    /// A new upload, whose bytes are hashed by `algorithm` as they arrive. Nothing is stored yet.
    ///
    /// # Errors
    /// [`RegistryError::Unsupported`] where nothing may be pushed.
    pub fn start_upload(&self, algorithm: DigestAlgorithm) -> Result<UploadId> {
        self.check_push()?;
        Ok(self.parts().upload_key.issue(self.name.as_str(), algorithm)?)
    }

    /// The upload that `text`, the end of its location, names.
    ///
    /// # Errors
    /// [`RegistryError::UploadUnknown`] if this registry did not issue it for this repository, or did so too long ago.
    pub fn upload(&self, text: &str) -> Result<UploadId> {
        let parts = self.parts();
        parts.upload_key.verify(self.name.as_str(), text, parts.upload_max_age).ok_or(RegistryError::UploadUnknown)
    }

    /// Appends to an upload, from `offset` on where the client says so; answers how many bytes are durable then.
    ///
    /// # Errors
    /// [`RegistryError::UploadOffset`] if the upload is elsewhere or another client writes to it: nothing was changed.
    /// [`RegistryError::Interrupted`] if `bytes` ended with an error: what came before is kept. [`RegistryError::SizeInvalid`] if there are not
    /// `length` bytes.
    ///
    /// # Cancel safety
    /// What is durable stays; [`Repository::upload_status`] tells how much.
    pub async fn append_upload<S>(&self, id: &UploadId, offset: Option<u64>, length: Option<u64>, bytes: S) -> Result<u64>
    where
        S: Stream<Item = cofferdam::Result<Bytes>> + Send + 'static,
    {
        self.check_push()?;
        Ok(self.parts().uploads.append(id, offset, length, bytes).await?)
    }

    /// How many bytes of an upload are durable.
    ///
    /// # Errors
    /// [`RegistryError::UploadUnknown`].
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn upload_status(&self, id: &UploadId) -> Result<u64> {
        Ok(self.parts().uploads.status(id).await?)
    }

    /// Ends an upload, with last bytes perhaps, and makes its content a blob of this repository.
    ///
    /// # Errors
    /// As [`Repository::append_upload`]; [`RegistryError::DigestMismatch`] if the content does not have this digest, after which the upload can
    /// go on; [`RegistryError::BeingCollected`].
    ///
    /// # Cancel safety
    /// The blob is there, whole, or the upload can go on.
    pub async fn finish_upload<S>(&self, id: &UploadId, offset: Option<u64>, length: Option<u64>, bytes: S, digest: &BlobDigest) -> Result<BlobInfo>
    where
        S: Stream<Item = cofferdam::Result<Bytes>> + Send + 'static,
    {
        self.check_push()?;
        let parts = self.parts();
        let before = parts.marks.seen().await?;
        parts.marks.keep_or_wait(digest).await?;
        let closing = Closing { offset, length, expected: digest.clone(), destination: parts.placement.destination(digest)? };
        // Whoever has the bytes of a digest may have the link: it does no harm if the blob fails.
        let (repository, linked) = (self.clone(), digest.clone());
        let link = async move { repository.link(&linked).await };
        let committed = parts.uploads.finish_beside(id, bytes, closing, link).await?;
        parts.placement.adopt(digest, &committed).await?;
        // That a commit succeeds again does not say that a collection left its object.
        let mut is_there = parts.placement.stat(digest).await?.is_some();
        let disturbed = before.disturbed(parts.marks.seen().await?);
        if disturbed {
            is_there = parts.marks.keep_now(digest).await? && parts.placement.stat(digest).await?.is_some();
        }
        match (is_there, disturbed) {
            (true, _) => {}
            (false, true) => return Err(RegistryError::BeingCollected { digest: digest.clone() }),
            (false, false) => return Err(RegistryError::UploadUnknown),
        }
        Ok(BlobInfo { digest: digest.clone(), size: committed.size })
    }

    /// Gives an upload up and releases its storage.
    ///
    /// # Errors
    /// [`RegistryError::UploadUnknown`] if it is over already.
    ///
    /// # Cancel safety
    /// Again goes on.
    pub async fn cancel_upload(&self, id: &UploadId) -> Result<()> {
        self.check_push()?;
        Ok(self.parts().uploads.abort(id).await?)
    }
}
