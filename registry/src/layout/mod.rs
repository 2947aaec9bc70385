//! Which record lives where: the two layouts, and nothing else of the registry knows a path.
//!
//! | what | `registry-v2` | `indexed` |
//! |---|---|---|
//! | blob | object `/docker/registry/v2/blobs/<alg>/<2 hex>/<hex>/data` | object where its upload put it; manifests `/manifests/<alg>/<2 hex>/<hex>` |
//! | digest → object | the path says it | key `blobs/<alg>/<hex>`: path and size |
//! | blob of a repository | object `…/repositories/<name>/_layers/<alg>/<hex>/link` | key `repositories/<name>/_layers/<alg>/<hex>` |
//! | manifest of a repository | object `…/repositories/<name>/_manifests/revisions/<alg>/<hex>/link` | key `repositories/<name>/_manifests/revisions/<alg>/<hex>` |
//! | tag | object `…/repositories/<name>/_manifests/tags/<tag>/current/link` | key `repositories/<name>/_manifests/tags/<tag>` |
//! | what a tag ever pointed to | object `…/tags/<tag>/index/<alg>/<hex>/link` | – |
//! | repository | whatever has `_manifests` | key `catalog/<name>` |
//! | referrer | key `referrers/<name>/_subjects/<alg>.<hex>/<alg>.<hex>` | the same |
//! | journal of uploads, tombstones, events | keys of the atomic store | the same |
//!
//! *Object* is the streaming store's, *key* the atomic store's. `…` is `/docker/registry/v2`. A link's content is the digest as text. In
//! `registry-v2` every object is as docker-registry 2.8 (distribution/distribution, `registry/storage/paths.go`) writes and reads it.

mod catalog;
mod links;
mod placement;
mod survey;

use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam::{Claims, StorePath};

pub(crate) use catalog::Catalog;
pub(crate) use links::Links;
pub(crate) use placement::Placement;
pub(crate) use survey::{Revision, Survey};

use crate::name::{RepositoryName, Tag};

/// The algorithms that digests are of, in the order of their names.
pub(crate) const ALGORITHMS: [DigestAlgorithm; 2] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512];

/// How a registry lays its records out in its stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As docker-registry does: blobs at paths of their digest, links as objects.
    RegistryV2,
    /// Blobs stay where their upload put them, everything else is in the atomic store: no blob is ever moved or copied.
    Indexed,
}

impl Layout {
    /// What suits a store with these claims: `registry-v2` where an upload can end at the path of its digest, else `indexed`.
    pub fn preferred(claims: &Claims, renames: bool) -> Self {
        if claims.late_destination || renames { Self::RegistryV2 } else { Self::Indexed }
    }

    /// Its name, as configuration files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegistryV2 => "registry-v2",
            Self::Indexed => "indexed",
        }
    }

    /// Below what the repositories are.
    fn repositories(self) -> &'static str {
        match self {
            Self::RegistryV2 => "docker/registry/v2/repositories",
            Self::Indexed => "repositories",
        }
    }

    /// What a record of a link ends with.
    fn link(self) -> &'static str {
        match self {
            Self::RegistryV2 => "/link",
            Self::Indexed => "",
        }
    }

    /// Below what the blobs of a repository are, by algorithm.
    fn layers(self, name: &RepositoryName, algorithm: DigestAlgorithm) -> String {
        format!("{}/{name}/_layers/{algorithm}", self.repositories())
    }

    fn layer(self, name: &RepositoryName, digest: &BlobDigest) -> String {
        format!("{}/{}{}", self.layers(name, digest.algorithm()), digest.hex(), self.link())
    }

    /// Below what the manifests of a repository are, by algorithm.
    fn revisions(self, name: &RepositoryName, algorithm: DigestAlgorithm) -> String {
        format!("{}/{name}/_manifests/revisions/{algorithm}", self.repositories())
    }

    fn revision(self, name: &RepositoryName, digest: &BlobDigest) -> String {
        format!("{}/{}{}", self.revisions(name, digest.algorithm()), digest.hex(), self.link())
    }

    /// Below what the tags of a repository are.
    fn tags(self, name: &RepositoryName) -> String {
        format!("{}/{name}/_manifests/tags", self.repositories())
    }

    fn tag(self, name: &RepositoryName, tag: &Tag) -> String {
        match self {
            Self::RegistryV2 => format!("{}/{tag}/current/link", self.tags(name)),
            Self::Indexed => format!("{}/{tag}", self.tags(name)),
        }
    }

    /// Below what is kept of everything that a tag ever pointed to.
    fn tag_index(self, name: &RepositoryName, tag: &Tag, algorithm: DigestAlgorithm) -> Option<String> {
        match self {
            Self::RegistryV2 => Some(format!("{}/{tag}/index/{algorithm}", self.tags(name))),
            Self::Indexed => None,
        }
    }

    /// Below what the blobs are whose paths say their digests.
    const BLOBS: &'static str = "/docker/registry/v2/blobs";

    /// The digest of the blob at this path below [`Layout::BLOBS`].
    fn digest_of(path: &str) -> Option<BlobDigest> {
        let mut parts = path.strip_prefix(Self::BLOBS)?.split('/').skip(1);
        let (algorithm, _, hex) = (parts.next()?, parts.next()?, parts.next()?);
        (parts.next()? == "data").then(|| format!("{algorithm}:{hex}").parse().ok()).flatten()
    }

    /// Where a blob that came in one piece goes.
    fn blob(self, digest: &BlobDigest) -> cofferdam::Result<StorePath> {
        let (algorithm, hex) = (digest.algorithm(), digest.hex());
        let shard = hex.get(..2).unwrap_or_default();
        match self {
            Self::RegistryV2 => StorePath::new(format!("{}/{algorithm}/{shard}/{hex}/data", Self::BLOBS)),
            Self::Indexed => StorePath::new(format!("/manifests/{algorithm}/{shard}/{hex}")),
        }
    }
}
