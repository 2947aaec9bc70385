//! The links of repositories, typed: which blobs, manifests and tags a repository has.

use std::sync::Arc;

use bytes::Bytes;
use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam::{Error, ErrorKind, Result};

use super::{ALGORITHMS, Layout};
use crate::name::{NamePage, RepositoryName, Tag};
use crate::records::Records;

/// How many children one call is asked for where all are wanted.
const PAGE: usize = 1000;

/// The links of all repositories of a store.
pub(crate) struct Links {
    layout: Layout,
    records: Arc<dyn Records>,
}

/// The digest that the name of a revision stands for.
fn revision_digest(algorithm: DigestAlgorithm, hex: &str) -> Option<BlobDigest> {
    format!("{algorithm}:{hex}").parse().ok()
}

fn text(digest: &BlobDigest) -> Bytes {
    digest.to_string().into()
}

/// What the link under `key` points to.
fn target(key: &str, data: &[u8]) -> Result<BlobDigest> {
    let told = std::str::from_utf8(data).ok().and_then(|text| text.trim().parse().ok());
    told.ok_or_else(|| Error::new(ErrorKind::Corrupted, "the link has no digest in it").at_path(key))
}

impl Links {
    pub(crate) fn new(layout: Layout, records: Arc<dyn Records>) -> Self {
        Self { layout, records }
    }

    /// Whether the repository has the blob. One call of the driver.
    pub(crate) async fn has_layer(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<bool> {
        self.records.get(&self.layout.layer(name, digest)).await.map(|link| link.is_some())
    }

    pub(crate) async fn put_layer(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<()> {
        self.records.put(&self.layout.layer(name, digest), text(digest)).await
    }

    pub(crate) async fn remove_layer(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<()> {
        self.records.remove(&[self.layout.layer(name, digest)]).await
    }

    /// Whether the repository has the manifest. One call of the driver.
    pub(crate) async fn has_revision(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<bool> {
        self.records.get(&self.layout.revision(name, digest)).await.map(|link| link.is_some())
    }

    pub(crate) async fn put_revision(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<()> {
        self.records.put(&self.layout.revision(name, digest), text(digest)).await
    }

    pub(crate) async fn remove_revision(&self, name: &RepositoryName, digest: &BlobDigest) -> Result<()> {
        self.records.remove(&[self.layout.revision(name, digest)]).await
    }

    /// The manifests of a repository. A directory that docker-registry left without its link is none.
    pub(crate) async fn revisions(&self, name: &RepositoryName) -> Result<Vec<BlobDigest>> {
        let mut found = Vec::new();
        for algorithm in ALGORITHMS {
            for hex in self.all(&self.layout.revisions(name, algorithm)).await? {
                if let Some(digest) = revision_digest(algorithm, &hex)
                    && self.has_revision(name, &digest).await?
                {
                    found.push(digest);
                }
            }
        }
        Ok(found)
    }

    /// Whether the repository has any manifest.
    pub(crate) async fn has_revisions(&self, name: &RepositoryName) -> Result<bool> {
        for algorithm in ALGORITHMS {
            if !self.records.children(&self.layout.revisions(name, algorithm), None, 1).await?.names.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a tag points to. One call of the driver.
    pub(crate) async fn tag(&self, name: &RepositoryName, tag: &Tag) -> Result<Option<BlobDigest>> {
        let key = self.layout.tag(name, tag);
        self.records.get(&key).await?.map(|data| target(&key, &data)).transpose()
    }

    /// Points a tag at a manifest that the repository has.
    pub(crate) async fn put_tag(&self, name: &RepositoryName, tag: &Tag, digest: &BlobDigest) -> Result<()> {
        if let Some(index) = self.layout.tag_index(name, tag, digest.algorithm()) {
            self.records.put(&format!("{index}/{}/link", digest.hex()), text(digest)).await?;
        }
        self.records.put(&self.layout.tag(name, tag), text(digest)).await
    }

    /// Removes a tag. It is gone with its last record, so that one that was removed in part can be removed again.
    pub(crate) async fn remove_tag(&self, name: &RepositoryName, tag: &Tag) -> Result<()> {
        let mut keys = Vec::new();
        for algorithm in ALGORITHMS {
            if let Some(index) = self.layout.tag_index(name, tag, algorithm) {
                keys.extend(self.all(&index).await?.iter().map(|hex| format!("{index}/{hex}/link")));
            }
        }
        self.records.remove(&keys).await?;
        self.records.remove(&[self.layout.tag(name, tag)]).await
    }

    /// One page of tags, in byte order.
    pub(crate) async fn tags(&self, name: &RepositoryName, after: Option<&str>, limit: usize) -> Result<NamePage> {
        self.records.children(&self.layout.tags(name), after, limit).await
    }

    /// Every name directly below `prefix`.
    async fn all(&self, prefix: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let page = self.records.children(prefix, names.last().map(String::as_str), PAGE).await?;
            names.extend(page.names);
            if !page.more {
                return Ok(names);
            }
        }
    }
}
