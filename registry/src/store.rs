//! A store of repositories: the two kinds of storage, a layout, and what this process keeps for both.

use std::sync::Arc;
use std::time::Duration;

use cofferdam::upload::{UploadKey, UploadOptions, Uploads};
use cofferdam::{AtomicStore, StorePath, StreamingStore};

use crate::cache::{LinkCache, ManifestCache};
use crate::layout::{Catalog, Layout, Links, Placement, Survey};
use crate::marks::Marks;
use crate::records::{KeyRecords, ObjectRecords, Records};
use crate::redirect::Redirect;

/// How a store of repositories is set up, beside its two kinds of storage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Its name, for logs and metrics.
    pub name: String,
    /// Which record lives where.
    pub layout: Layout,
    /// Uploads.
    pub uploads: UploadOptions,
    /// How old the location of an upload may be and still be taken.
    pub upload_max_age: Duration,
    /// How many links of blobs are remembered.
    pub links: usize,
    /// How many bytes of manifests are remembered.
    pub manifests: u64,
    /// How long a presigned URL of a blob is good; none is handed out without it.
    pub redirect: Option<Duration>,
}

impl StoreOptions {
    /// The usual options for this layout; uploads lie below `root`.
    pub fn new(layout: Layout, root: StorePath) -> Self {
        Self {
            name: "default".to_owned(),
            layout,
            uploads: UploadOptions::new(root),
            upload_max_age: Duration::from_secs(7 * 24 * 3600),
            links: 50_000,
            manifests: 16 << 20,
            redirect: None,
        }
    }
}

/// A store of repositories. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) atomic: Arc<dyn AtomicStore>,
    pub(crate) links: Links,
    pub(crate) placement: Placement,
    pub(crate) catalog: Catalog,
    pub(crate) marks: Marks,
    pub(crate) uploads: Uploads,
    pub(crate) upload_key: UploadKey,
    pub(crate) upload_max_age: Duration,
    pub(crate) redirect: Option<Redirect>,
    pub(crate) link_cache: LinkCache,
    pub(crate) manifest_cache: ManifestCache,
    /// Referrers, in either layout.
    pub(crate) keys: KeyRecords,
}

impl Store {
    /// Opens a store whose blobs are in `blobs` and whose small values are in `atomic`.
    ///
    /// # Errors
    /// What the atomic store reports: the key that signs the locations of uploads is there, or is made.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind but, perhaps, that key.
    pub async fn open(blobs: Arc<dyn StreamingStore>, atomic: Arc<dyn AtomicStore>, options: StoreOptions) -> cofferdam::Result<Self> {
        let upload_key = UploadKey::open(&*atomic).await?;
        let uploads = Uploads::new(atomic.clone(), blobs.clone(), options.uploads)?;
        let records: Arc<dyn Records> = match options.layout {
            Layout::RegistryV2 => Arc::new(ObjectRecords::new(blobs.clone())),
            Layout::Indexed => Arc::new(KeyRecords::new(atomic.clone())),
        };
        let inner = Inner {
            name: options.name,
            layout: options.layout,
            links: Links::new(options.layout, records.clone()),
            placement: Placement::new(options.layout, blobs.clone(), atomic.clone(), options.links),
            catalog: Catalog::new(options.layout, records, atomic.clone()),
            marks: Marks::new(atomic.clone()),
            uploads,
            upload_key,
            upload_max_age: options.upload_max_age,
            redirect: options.redirect.map(Redirect::new),
            link_cache: LinkCache::new(options.links),
            manifest_cache: ManifestCache::new(options.manifests),
            keys: KeyRecords::new(atomic.clone()),
            atomic,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Which record lives where.
    pub fn layout(&self) -> Layout {
        self.inner.layout
    }

    /// Its uploads, for purging.
    pub fn uploads(&self) -> &Uploads {
        &self.inner.uploads
    }

    pub(crate) fn parts(&self) -> &Inner {
        &self.inner
    }

    /// Whether it is the same store.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Inner {
    /// A walk over all manifests of all repositories.
    pub(crate) fn survey(&self) -> Survey<'_> {
        Survey::new(self.layout, &self.catalog, &self.links, self.atomic.clone())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("name", &self.inner.name).field("layout", &self.inner.layout).finish_non_exhaustive()
    }
}
