//! The JSON of a manifest: which kind it is, what it needs, and what is wrong with it.

use std::collections::BTreeMap;

use cofferdam::upload::BlobDigest;
use serde::Deserialize;

use crate::error::{RegistryError, Result};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's first schema, which has no digests of its layers' bytes that could be checked, and is signed in a way of its own.
const SCHEMA_1: [&str; 2] = ["application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws"];

/// Layers that licences forbid to push: they stay at the URLs that their descriptor has.
const FOREIGN: [&str; 2] = ["application/vnd.docker.image.rootfs.foreign.diff.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar"];

/// How many blobs and manifests one manifest may name: far more than any has, and a bound for what checking it costs.
const REFERENCES_MAX: usize = 10_000;

/// A checked manifest.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    /// What it is served as.
    pub(crate) media_type: String,
    /// The blobs that must be there.
    pub(crate) blobs: Vec<BlobDigest>,
    /// What an index names.
    pub(crate) children: Vec<BlobDigest>,
    /// Blobs that may be somewhere else.
    pub(crate) foreign: Vec<BlobDigest>,
    /// What it refers to.
    pub(crate) subject: Option<BlobDigest>,
    /// What it is, for a list of referrers.
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
    // Schema 1.
    #[serde(rename = "fsLayers")]
    fs_layers: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    /// Read as a number that cannot be negative; its value is checked by those who pull.
    #[serde(rename = "size")]
    _size: u64,
    #[serde(default)]
    urls: Vec<String>,
}

fn invalid(rule: impl Into<String>) -> RegistryError {
    RegistryError::ManifestInvalid { rule: rule.into() }
}

/// `application/json` of `application/json; charset=utf-8`.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a layer with this media type and these URLs need not be pushed.
fn is_foreign(media_type: &str, urls: &[String]) -> bool {
    !urls.is_empty() && FOREIGN.iter().any(|prefix| media_type.starts_with(prefix))
}

impl Descriptor {
    fn digest(&self, what: &str) -> Result<BlobDigest> {
        let shown: String = self.digest.chars().take(160).collect();
        self.digest.parse().map_err(|_| invalid(format!("has {what} with the digest {shown:?}, which is none")))
    }
}

/// What a manifest is by what it has, where it does not say so itself (image-spec: `mediaType` is optional).
fn guess(has_manifests: bool) -> &'static str {
    if has_manifests { OCI_INDEX } else { OCI_MANIFEST }
}

impl Document {
    fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| invalid(format!("is not the JSON of one: {error}")))
    }

    /// What the manifest is: what its sender and itself agree on.
    fn agreed(&self, content_type: Option<&str>) -> Result<String> {
        let told = content_type.map(essence).filter(|told| !told.is_empty());
        let guess = guess(self.manifests.is_some());
        match (told, self.media_type.as_deref().filter(|own| !own.is_empty())) {
            (Some(told), Some(own)) if told != own => Err(invalid(format!("was sent as {told:?} and says itself that it is {own:?}"))),
            (Some(DOCKER_MANIFEST | DOCKER_LIST), None) => Err(invalid("has no `mediaType`, without which it would be served as an OCI manifest")),
            (Some(told), None) if told != guess => Err(invalid(format!("was sent as {told:?} and looks like {guess:?}"))),
            (told, own) => Ok(own.or(told).unwrap_or(guess).to_owned()),
        }
    }
}

impl Parsed {
    /// Checks a manifest that was sent as `content_type`.
    ///
    /// # Errors
    /// [`RegistryError::ManifestInvalid`] with the rule that it breaks.
    pub(crate) fn new(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        let document = Document::read(bytes)?;
        let is_old = |media_type: &str| SCHEMA_1.contains(&media_type);
        if document.fs_layers.is_some() || document.media_type.as_deref().is_some_and(is_old) || content_type.map(essence).is_some_and(is_old) {
            return Err(invalid("is of Docker's schema 1, which cannot be pushed any more: build or convert the image with a newer tool"));
        }
        let media_type = document.agreed(content_type)?;
        if document.schema_version != Some(2) {
            return Err(invalid("does not have the `schemaVersion` 2"));
        }
        let parsed = match media_type.as_str() {
            OCI_MANIFEST | DOCKER_MANIFEST => Self::image(document, media_type),
            OCI_INDEX | DOCKER_LIST => Self::index(document, media_type),
            _ => Err(invalid(format!("is {media_type:?}; what can be pushed is {OCI_MANIFEST}, {OCI_INDEX}, {DOCKER_MANIFEST} and {DOCKER_LIST}"))),
        }?;
        let named = parsed.blobs.len() + parsed.children.len() + parsed.foreign.len();
        if named > REFERENCES_MAX {
            return Err(invalid(format!("names {named} blobs, over the {REFERENCES_MAX} that one may name")));
        }
        Ok(parsed)
    }

    fn image(document: Document, media_type: String) -> Result<Self> {
        // A document that is both can be taken for either by those who look at other fields (CVE-2021-41190).
        if document.manifests.is_some() {
            return Err(invalid("is an image and has `manifests`, as only an index does"));
        }
        let config = document.config.ok_or_else(|| invalid("has no `config`"))?;
        let layers = document.layers.ok_or_else(|| invalid("has no `layers`"))?;
        let mut blobs = vec![config.digest("a config")?];
        let mut foreign = Vec::new();
        for layer in &layers {
            let list = if is_foreign(&layer.media_type, &layer.urls) { &mut foreign } else { &mut blobs };
            list.push(layer.digest("a layer")?);
        }
        Ok(Self {
            media_type,
            blobs,
            children: Vec::new(),
            foreign,
            subject: document.subject.map(|subject| subject.digest("a subject")).transpose()?,
            artifact_type: document.artifact_type.filter(|kind| !kind.is_empty()).or(Some(config.media_type)),
            annotations: document.annotations,
        })
    }

    fn index(document: Document, media_type: String) -> Result<Self> {
        if document.config.is_some() || document.layers.is_some() {
            return Err(invalid("is an index and has `config` or `layers`, as only an image does"));
        }
        let manifests = document.manifests.ok_or_else(|| invalid("has no `manifests`"))?;
        Ok(Self {
            media_type,
            blobs: Vec::new(),
            children: manifests.iter().map(|manifest| manifest.digest("a manifest")).collect::<Result<_>>()?,
            foreign: Vec::new(),
            subject: document.subject.map(|subject| subject.digest("a subject")).transpose()?,
            artifact_type: document.artifact_type.filter(|kind| !kind.is_empty()),
            annotations: document.annotations,
        })
    }
}

/// A stored manifest, read as far as it can be: whatever another registry took.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Loose {
    schema_version: Option<serde_json::Value>,
    media_type: Option<String>,
    config: Option<LooseDescriptor>,
    #[serde(default)]
    layers: Vec<LooseDescriptor>,
    manifests: Option<Vec<LooseDescriptor>>,
    #[serde(default)]
    fs_layers: Vec<LooseDescriptor>,
    /// Of the artifact manifest that image-spec 1.1 had before its release.
    #[serde(default)]
    blobs: Vec<LooseDescriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LooseDescriptor {
    media_type: Option<String>,
    #[serde(alias = "blobSum")]
    digest: Option<String>,
    #[serde(default)]
    urls: Vec<String>,
}

/// What a stored manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) digest: BlobDigest,
    /// Whether it may be somewhere else.
    pub(crate) is_foreign: bool,
}

/// What a stored manifest is served as.
pub(crate) fn media_type_of(bytes: &[u8]) -> String {
    let Ok(loose) = serde_json::from_slice::<Loose>(bytes) else { return OCI_MANIFEST.to_owned() };
    let old = loose.schema_version.is_some_and(|version| version == 1);
    let guess = if old { SCHEMA_1[1] } else { guess(loose.manifests.is_some()) };
    loose.media_type.filter(|own| !own.is_empty()).unwrap_or_else(|| guess.to_owned())
}

/// Everything that a stored manifest names: for collections.
///
/// # Errors
/// [`RegistryError::ManifestInvalid`] if it cannot be read: then nothing may be removed, for nobody knows what it needs.
pub(crate) fn references_of(bytes: &[u8]) -> Result<Vec<Named>> {
    let loose: Loose = serde_json::from_slice(bytes).map_err(|error| invalid(format!("is not the JSON of one: {error}")))?;
    let lists = [loose.layers, loose.manifests.unwrap_or_default(), loose.fs_layers, loose.blobs];
    let named = loose.config.into_iter().chain(lists.into_iter().flatten());
    // Of another algorithm there is no blob here that could be needed.
    let read = |named: LooseDescriptor| {
        let is_foreign = is_foreign(named.media_type.as_deref().unwrap_or_default(), &named.urls);
        Some(Named { digest: named.digest?.parse().ok()?, is_foreign })
    };
    Ok(named.filter_map(read).collect())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
