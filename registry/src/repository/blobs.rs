//! The blobs of a repository: those that it has a link to.

use cofferdam::ByteRange;
use cofferdam::upload::BlobDigest;

use super::{BlobInfo, LocatedBlob, OpenedBlob, Repository};
use crate::error::{RegistryError, Result};
use crate::name::RepositoryName;

impl Repository {
    fn no_blob(digest: &BlobDigest) -> RegistryError {
        RegistryError::BlobUnknown { digest: digest.clone() }
    }

    /// Whether the repository has a link to the blob. No call of the driver where that is remembered.
    pub(super) async fn is_linked(&self, digest: &BlobDigest) -> Result<bool> {
        let parts = self.parts();
        if parts.link_cache.has(&self.name, digest) {
            return Ok(true);
        }
        let reading = parts.link_cache.reading();
        let linked = parts.links.has_layer(&self.name, digest).await?;
        if linked {
            parts.link_cache.found(&self.name, digest, reading);
        }
        Ok(linked)
    }

    /// Links a blob that is in the store.
    pub(super) async fn link(&self, digest: &BlobDigest) -> cofferdam::Result<()> {
        let parts = self.parts();
        let reading = parts.link_cache.reading();
        parts.links.put_layer(&self.name, digest).await?;
        parts.link_cache.found(&self.name, digest, reading);
        Ok(())
    }

    /// The size of a blob of this repository, if it is there.
    pub(super) async fn find_blob(&self, digest: &BlobDigest) -> Result<Option<u64>> {
        if !self.is_linked(digest).await? {
            return Ok(None);
        }
        let found = self.parts().placement.stat(digest).await?;
        if found.is_none() {
            self.parts().link_cache.forget(&self.name, digest);
        }
        Ok(found)
    }

    /// Whether the blob is there, and its size. A collection that meant to remove it lets it be.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`], also for a blob that only other repositories have.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn stat_blob(&self, digest: &BlobDigest) -> Result<BlobInfo> {
        if !self.parts().marks.keep(digest).await? {
            return Err(Self::no_blob(digest));
        }
        let size = self.find_blob(digest).await?.ok_or_else(|| Self::no_blob(digest))?;
        Ok(BlobInfo { digest: digest.clone(), size })
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`], also for a blob that only other repositories have.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn open_blob(&self, digest: &BlobDigest, range: ByteRange) -> Result<OpenedBlob> {
        if !self.is_linked(digest).await? {
            return Err(Self::no_blob(digest));
        }
        match self.parts().placement.open(digest, range).await? {
            Some(opened) => Ok(OpenedBlob { size: opened.info.size, content: opened.content }),
            None => {
                self.parts().link_cache.forget(&self.name, digest);
                Err(Self::no_blob(digest))
            }
        }
    }

    /// Where the client fetches the blob itself, if the store hands out such URLs; `None` where it has to be proxied.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`], also for a blob that only other repositories have.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn locate_blob(&self, digest: &BlobDigest) -> Result<Option<LocatedBlob>> {
        let Some(redirect) = &self.parts().redirect else { return Ok(None) };
        if !self.is_linked(digest).await? {
            return Err(Self::no_blob(digest));
        }
        match self.parts().placement.presign(digest, redirect.valid_for()).await? {
            Some((size, url)) => Ok(redirect.usable(self.store.name(), url).map(|url| LocatedBlob { size, url })),
            None => {
                self.parts().link_cache.forget(&self.name, digest);
                Err(Self::no_blob(digest))
            }
        }
    }

    /// Takes a blob from this repository. Its bytes stay until a collection finds that no manifest needs them.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`]; [`RegistryError::Unsupported`] where deleting is switched off.
    ///
    /// # Cancel safety
    /// The blob is there or not.
    pub async fn delete_blob(&self, digest: &BlobDigest) -> Result<()> {
        self.check_delete()?;
        let parts = self.parts();
        if !parts.links.has_layer(&self.name, digest).await? {
            return Err(Self::no_blob(digest));
        }
        parts.link_cache.forget(&self.name, digest);
        parts.links.remove_layer(&self.name, digest).await?;
        parts.link_cache.forget(&self.name, digest);
        Ok(())
    }

    /// Makes a blob of `from` one of this repository too, without moving a byte; false where it is not there, and the client has to upload it.
    ///
    /// Whoever calls has checked that the client may pull from `from`. Without `from` only a blob that this repository has already is found: to
    /// look elsewhere would tell the client what repositories have that it may not see.
    ///
    /// # Errors
    /// [`RegistryError::Unsupported`] where nothing may be pushed, and what the store reports.
    ///
    /// # Cancel safety
    /// The blob is there or not.
    pub async fn mount_blob(&self, from: Option<&RepositoryName>, digest: &BlobDigest) -> Result<bool> {
        self.check_push()?;
        if !self.parts().marks.keep(digest).await? {
            return Ok(false);
        }
        if self.find_blob(digest).await?.is_some() {
            return Ok(true);
        }
        let Some(from) = from.filter(|from| **from != self.name) else { return Ok(false) };
        let source = Self::new(from.clone(), self.store.clone(), self.rules);
        if source.find_blob(digest).await?.is_none() {
            return Ok(false);
        }
        self.link(digest).await?;
        Ok(true)
    }
}
