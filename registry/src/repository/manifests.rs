//! The manifests of a repository: read by tag or digest, checked and stored, deleted.

use std::collections::HashSet;

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam::{Error, ErrorKind};
use futures::{StreamExt, TryStreamExt, stream};

use super::parse::{Parsed, media_type_of};
use super::{MANIFEST_MAX, Manifest, ManifestInfo, Repository, StoredManifest};
use crate::cache::Remembered;
use crate::error::{RegistryError, Result};
use crate::name::{Reference, Tag};

/// How many calls of a driver one request makes at once.
pub(super) const AT_ONCE: usize = 8;

/// How often a manifest is written again that a collection removes at the same moment. Each needs a collection of its own.
const TRIES: usize = 3;

impl Repository {
    fn no_manifest(reference: &Reference) -> RegistryError {
        RegistryError::ManifestUnknown { reference: reference.to_string() }
    }

    /// The digest of the manifest that `reference` names, if the repository has it. One call of the driver.
    async fn resolve(&self, reference: &Reference) -> Result<BlobDigest> {
        let links = &self.parts().links;
        match reference {
            // Whoever deletes a manifest removes its tags first, so a tag that is there points to one that is.
            Reference::Tag(tag) => links.tag(&self.name, tag).await?,
            Reference::Digest(digest) => links.has_revision(&self.name, digest).await?.then(|| digest.clone()),
        }
        .ok_or_else(|| Self::no_manifest(reference))
    }

    /// The bytes of a manifest that this repository has; `None` if they are lost.
    pub(super) async fn recall(&self, digest: &BlobDigest) -> Result<Option<Remembered>> {
        let parts = self.parts();
        if let Some(known) = parts.manifest_cache.get(digest) {
            return Ok(Some(known));
        }
        let Some(bytes) = parts.placement.read(digest, MANIFEST_MAX).await? else { return Ok(None) };
        if BlobDigest::of(digest.algorithm(), &bytes) != *digest {
            let message = "the bytes of the manifest do not have its digest; `cofferdam scrub` finds all that is damaged";
            return Err(Error::new(ErrorKind::Corrupted, message).at_path(digest.to_string()).into());
        }
        let remembered = Remembered { media_type: media_type_of(&bytes).into(), bytes };
        parts.manifest_cache.insert(digest, remembered.clone());
        Ok(Some(remembered))
    }

    /// A manifest and its bytes. Where they are remembered it takes one call of the driver.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`].
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn get_manifest(&self, reference: &Reference) -> Result<Manifest> {
        let digest = self.resolve(reference).await?;
        let Remembered { bytes, media_type } = self.recall(&digest).await?.ok_or_else(|| Self::no_manifest(reference))?;
        Ok(Manifest { info: ManifestInfo { digest, media_type, size: bytes.len() as u64 }, bytes })
    }

    /// What is known about a manifest.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`].
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn stat_manifest(&self, reference: &Reference) -> Result<ManifestInfo> {
        self.get_manifest(reference).await.map(|manifest| manifest.info)
    }

    /// Checks a manifest and stores it under `reference`; `media_type` is the request's `Content-Type`.
    ///
    /// # Errors
    /// [`RegistryError::ManifestTooLarge`], [`RegistryError::ManifestInvalid`], [`RegistryError::DigestMismatch`],
    /// [`RegistryError::ManifestBlobUnknown`] for blobs that this repository does not have, and [`RegistryError::Unsupported`] where nothing may
    /// be pushed.
    ///
    /// # Cancel safety
    /// The manifest is there or not; a tag points to it only when it is.
    pub async fn put_manifest(&self, reference: &Reference, media_type: Option<&str>, bytes: Bytes) -> Result<StoredManifest> {
        self.check_push()?;
        if bytes.len() as u64 > MANIFEST_MAX {
            return Err(RegistryError::ManifestTooLarge { limit: MANIFEST_MAX });
        }
        let digest = match reference {
            Reference::Tag(_) => BlobDigest::of(DigestAlgorithm::Sha256, &bytes),
            Reference::Digest(expected) => {
                let actual = BlobDigest::of(expected.algorithm(), &bytes);
                if actual != *expected {
                    return Err(RegistryError::DigestMismatch { expected: expected.clone(), actual });
                }
                actual
            }
        };
        let parsed = Parsed::new(&bytes, media_type)?;
        self.store_manifest(&digest, &parsed, bytes.clone()).await?;
        let parts = self.parts();
        parts.catalog.add(&self.name).await?;
        self.add_referrer(&digest, &parsed, bytes.len() as u64).await?;
        if let Reference::Tag(tag) = reference {
            parts.links.put_tag(&self.name, tag, &digest).await?;
        }
        parts.manifest_cache.insert(&digest, Remembered { bytes, media_type: parsed.media_type.as_str().into() });
        Ok(StoredManifest { digest, subject: parsed.subject })
    }

    /// Stores the bytes and the link of a manifest whose blobs are there. [`crate::marks`] tells why a collection takes none of them.
    async fn store_manifest(&self, digest: &BlobDigest, parsed: &Parsed, bytes: Bytes) -> Result<()> {
        let parts = self.parts();
        for _ in 0..TRIES {
            let before = parts.marks.seen_now().await?;
            self.check_references(parsed).await?;
            parts.marks.keep_or_wait(digest).await?;
            parts.placement.put(digest, bytes.clone()).await?;
            let is_new = !parts.links.has_revision(&self.name, digest).await?;
            parts.links.put_revision(&self.name, digest).await?;
            if !before.disturbed(parts.marks.seen_now().await?) {
                return Ok(());
            }
            let lost = self.keep_references(parsed).await?;
            if lost.is_empty() && parts.marks.keep_now(digest).await? && parts.placement.stat(digest).await?.is_some() {
                return Ok(());
            }
            if !lost.is_empty() {
                if is_new {
                    parts.links.remove_revision(&self.name, digest).await?;
                }
                return Err(RegistryError::ManifestBlobUnknown { missing: lost });
            }
        }
        Err(RegistryError::BeingCollected { digest: digest.clone() })
    }

    /// Checks that the repository has what the manifest needs.
    async fn check_references(&self, parsed: &Parsed) -> Result<()> {
        let children = if self.rules.require_index_children { parsed.children.as_slice() } else { &[] };
        let asked = parsed.blobs.iter().map(|blob| (blob, false)).chain(children.iter().map(|child| (child, true)));
        let asked: Vec<_> = distinct(asked).into_iter().map(|(digest, is_manifest)| self.absent(digest, is_manifest)).collect();
        let missing: Vec<Option<BlobDigest>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let missing: Vec<_> = missing.into_iter().flatten().collect();
        if missing.is_empty() { Ok(()) } else { Err(RegistryError::ManifestBlobUnknown { missing }) }
    }

    /// The digest, if the repository has nothing of it. An index may name anything (image-spec, "Image Index": `mediaType`); what is no manifest
    /// here is a blob.
    async fn absent(&self, digest: BlobDigest, is_manifest: bool) -> Result<Option<BlobDigest>> {
        let has_manifest = is_manifest && self.parts().links.has_revision(&self.name, &digest).await?;
        let is_there = has_manifest || self.find_blob(&digest).await?.is_some();
        Ok((!is_there).then_some(digest))
    }

    /// Keeps what a manifest whose link is written needs; answers what of it is lost. Foreign layers and absent children may be missing.
    async fn keep_references(&self, parsed: &Parsed) -> Result<Vec<BlobDigest>> {
        let parts = self.parts();
        let children = parsed.children.iter().map(|child| (child, self.rules.require_index_children));
        let all = parsed.blobs.iter().map(|blob| (blob, true)).chain(children).chain(parsed.foreign.iter().map(|layer| (layer, false)));
        let mut lost = Vec::new();
        for (digest, needed) in distinct(all) {
            let kept = parts.marks.keep_now(&digest).await?;
            if needed && !(kept && parts.placement.stat(&digest).await?.is_some()) {
                lost.push(digest);
            }
        }
        Ok(lost)
    }

    /// Deletes a manifest, and every tag that points to it; or a tag alone.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`]; [`RegistryError::Unsupported`] where deleting is switched off.
    ///
    /// # Cancel safety
    /// What is left of it can be deleted again.
    pub async fn delete_manifest(&self, reference: &Reference) -> Result<()> {
        self.check_delete()?;
        let digest = self.resolve(reference).await?;
        let parts = self.parts();
        match reference {
            Reference::Tag(tag) => parts.links.remove_tag(&self.name, tag).await?,
            Reference::Digest(_) => {
                self.remove_tags_of(&digest).await?;
                self.remove_referrer(&digest).await?;
                parts.links.remove_revision(&self.name, &digest).await?;
                parts.manifest_cache.forget(&digest);
                self.leave_catalog().await?;
            }
        }
        Ok(())
    }

    /// Removes every tag that points to `digest`.
    async fn remove_tags_of(&self, digest: &BlobDigest) -> Result<()> {
        const PAGE: usize = 1000;
        let parts = self.parts();
        let mut after: Option<String> = None;
        loop {
            let page = parts.links.tags(&self.name, after.as_deref(), PAGE).await?;
            let asked: Vec<_> = page.names.iter().filter_map(|name| Tag::new(name).ok()).map(|tag| self.tag_of(tag, digest)).collect();
            let pointing: Vec<Option<Tag>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
            for tag in pointing.into_iter().flatten() {
                parts.links.remove_tag(&self.name, &tag).await?;
            }
            match page.names.into_iter().next_back() {
                Some(last) if page.more => after = Some(last),
                _ => return Ok(()),
            }
        }
    }

    /// The tag, if it points to `digest`.
    async fn tag_of(&self, tag: Tag, digest: &BlobDigest) -> Result<Option<Tag>> {
        Ok((self.parts().links.tag(&self.name, &tag).await?.as_ref() == Some(digest)).then_some(tag))
    }

    /// Takes the repository from the catalog if that was its last manifest. One that is pushed at this moment puts it back.
    async fn leave_catalog(&self) -> Result<()> {
        let parts = self.parts();
        if parts.links.has_revisions(&self.name).await? {
            return Ok(());
        }
        parts.catalog.remove(&self.name).await?;
        if parts.links.has_revisions(&self.name).await? {
            parts.catalog.add(&self.name).await?;
        }
        Ok(())
    }
}

/// Each once, in their order.
fn distinct<'a>(all: impl Iterator<Item = (&'a BlobDigest, bool)>) -> Vec<(BlobDigest, bool)> {
    let mut seen = HashSet::new();
    all.filter(|(digest, _)| seen.insert(*digest)).map(|(digest, flag)| (digest.clone(), flag)).collect()
}
