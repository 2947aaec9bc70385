//! What refers to a manifest (distribution-spec, "Listing Referrers"): records of this registry's own, and the tag that clients keep where a
//! registry has none.

use std::collections::BTreeSet;

use bytes::Bytes;
use cofferdam::ErrorKind;
use cofferdam::upload::BlobDigest;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::manifests::AT_ONCE;
use super::parse::Parsed;
use super::{Descriptor, Repository};
use crate::error::Result;
use crate::name::{RepositoryName, Tag};
use crate::records::Records;

/// How many records one call is asked for.
const PAGE: usize = 1000;

/// An index that a client keeps under the tag of a subject.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// A digest as one component of a key: no `:` may be in one.
fn component(digest: &BlobDigest) -> String {
    format!("{}.{}", digest.algorithm(), digest.hex())
}

fn digest_of(component: &str) -> Option<BlobDigest> {
    component.replacen('.', ":", 1).parse().ok()
}

/// Below what the referrers of a subject are.
fn prefix(name: &RepositoryName, subject: &BlobDigest) -> String {
    format!("referrers/{name}/_subjects/{}", component(subject))
}

/// The tag of a subject in the "referrers tag schema": what is longer than these is cut.
fn fallback_tag(subject: &BlobDigest) -> Result<Tag> {
    let hex = subject.hex();
    Tag::new(format!("{}-{}", subject.algorithm(), hex.get(..64).unwrap_or(hex)))
}

impl Repository {
    /// Notes that a manifest refers to its subject, if it has one.
    pub(super) async fn add_referrer(&self, digest: &BlobDigest, parsed: &Parsed, size: u64) -> Result<()> {
        let Some(subject) = &parsed.subject else { return Ok(()) };
        let descriptor = Descriptor {
            media_type: parsed.media_type.clone(),
            digest: digest.clone(),
            size,
            artifact_type: parsed.artifact_type.clone(),
            annotations: parsed.annotations.clone(),
        };
        let text = serde_json::to_vec(&descriptor)
            .map_err(|error| cofferdam::Error::new(ErrorKind::Internal, "the descriptor cannot be written").with_source(error))?;
        let key = format!("{}/{}", prefix(&self.name, subject), component(digest));
        Ok(self.parts().keys.put(&key, Bytes::from(text)).await?)
    }

    /// Forgets what a manifest of this repository refers to.
    pub(super) async fn remove_referrer(&self, digest: &BlobDigest) -> Result<()> {
        let Some(manifest) = self.recall(digest).await? else { return Ok(()) };
        let Some(subject) = Parsed::new(&manifest.bytes, None).ok().and_then(|parsed| parsed.subject) else { return Ok(()) };
        Ok(self.parts().keys.remove(&[format!("{}/{}", prefix(&self.name, &subject), component(digest))]).await?)
    }

    /// What refers to `subject`, which need not be there; only what is of `artifact_type`, if given. In the order of their digests.
    ///
    /// # Errors
    /// What the store reports.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn referrers(&self, subject: &BlobDigest, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        let mut found = self.recorded(subject).await?;
        let known: BTreeSet<_> = found.iter().map(|descriptor| descriptor.digest.clone()).collect();
        found.extend(self.tagged(subject).await?.into_iter().filter(|descriptor| !known.contains(&descriptor.digest)));
        found.sort_by(|a, b| a.digest.cmp(&b.digest));
        found.dedup_by(|a, b| a.digest == b.digest);
        found.retain(|descriptor| artifact_type.is_none_or(|wanted| descriptor.artifact_type.as_deref() == Some(wanted)));
        Ok(found)
    }

    /// The referrers that were pushed to this registry and are still there: docker-registry deletes a manifest without telling us.
    async fn recorded(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>> {
        let prefix = prefix(&self.name, subject);
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.parts().keys.children(&prefix, after.as_deref(), PAGE).await?;
            let asked: Vec<_> = page.names.iter().map(|name| self.record(&prefix, name)).collect();
            let read: Vec<Option<Descriptor>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
            found.extend(read.into_iter().flatten());
            match page.names.into_iter().next_back() {
                Some(last) if page.more => after = Some(last),
                _ => return Ok(found),
            }
        }
    }

    async fn record(&self, prefix: &str, name: &str) -> Result<Option<Descriptor>> {
        let (parts, key) = (self.parts(), format!("{prefix}/{name}"));
        let Some(digest) = digest_of(name) else { return Ok(None) };
        if !parts.links.has_revision(&self.name, &digest).await? {
            return Ok(None);
        }
        let Some(data) = parts.keys.get(&key).await? else { return Ok(None) };
        let damaged =
            |error| cofferdam::Error::new(ErrorKind::Corrupted, "the record of a referrer cannot be read").at_path(key.as_str()).with_source(error);
        Ok(Some(serde_json::from_slice(&data).map_err(damaged)?))
    }

    /// The referrers that clients keep in an index under the subject's tag. What there is no index is none: anybody may push any tag.
    async fn tagged(&self, subject: &BlobDigest) -> Result<Vec<Descriptor>> {
        let Some(digest) = self.parts().links.tag(&self.name, &fallback_tag(subject)?).await? else { return Ok(Vec::new()) };
        let manifest = self.recall(&digest).await?;
        Ok(manifest.and_then(|manifest| serde_json::from_slice::<Index>(&manifest.bytes).ok()).map(|index| index.manifests).unwrap_or_default())
    }
}
