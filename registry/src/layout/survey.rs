//! Every manifest of every repository, page by page: what a collection must not miss.
//!
//! It goes by the links alone. The catalog's keys come a moment after the link of a repository's first manifest, which would be a moment too
//! late.

use std::sync::Arc;

use cofferdam::upload::BlobDigest;
use cofferdam::{AtomicStore, Result};

use super::{Catalog, Layout, Links};
use crate::name::RepositoryName;

/// How many repositories, or keys, one page looks at.
const PAGE: usize = 100;
const KEYS: u32 = 1000;

/// What is between a repository and its manifests in a key.
const REVISIONS: &str = "/_manifests/revisions/";

/// A manifest of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: BlobDigest,
}

/// A walk over all manifests.
pub(crate) struct Survey<'a> {
    layout: Layout,
    catalog: &'a Catalog,
    links: &'a Links,
    atomic: Arc<dyn AtomicStore>,
    /// The last repository, or key.
    after: Option<String>,
    ended: bool,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(layout: Layout, catalog: &'a Catalog, links: &'a Links, atomic: Arc<dyn AtomicStore>) -> Self {
        Self { layout, catalog, links, atomic, after: None, ended: false }
    }

    /// The next manifests, perhaps none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Revision>>> {
        if self.ended {
            return Ok(None);
        }
        match self.layout {
            Layout::RegistryV2 => self.repositories().await.map(Some),
            Layout::Indexed => self.keys().await.map(Some),
        }
    }

    async fn repositories(&mut self) -> Result<Vec<Revision>> {
        let last = self.after.as_ref().and_then(|last| RepositoryName::new(last).ok());
        let page = self.catalog.page(last.as_ref(), PAGE).await?;
        self.ended = !page.more;
        self.after = page.names.last().cloned();
        let mut found = Vec::new();
        for repository in page.names.iter().filter_map(|name| RepositoryName::new(name).ok()) {
            let digests = self.links.revisions(&repository).await?;
            found.extend(digests.into_iter().map(|digest| Revision { repository: repository.clone(), digest }));
        }
        Ok(found)
    }

    async fn keys(&mut self) -> Result<Vec<Revision>> {
        let below = format!("{}/", self.layout.repositories());
        let page = self.atomic.list(&below, self.after.as_deref(), KEYS).await?;
        self.ended = !page.more;
        let found = page.keys.iter().filter_map(|key| {
            let (repository, digest) = key.strip_prefix(&below)?.split_once(REVISIONS)?;
            Some(Revision { repository: RepositoryName::new(repository).ok()?, digest: digest.replacen('/', ":", 1).parse().ok()? })
        });
        let found = found.collect();
        self.after = page.keys.into_iter().next_back();
        Ok(found)
    }
}
