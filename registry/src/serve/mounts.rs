//! Drivers, loaded and mounted as the configuration says, and the stores of repositories over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cofferdam::grant::MountFile;
use cofferdam::layer::{self, AtomicObjects, LayerOptions, Layers, Observed, Stack};
use cofferdam::{AtomicStore, Driver, Engine, Interface, LoadError, Mount, MountOptions, StorePath};

use super::ServeError;
use crate::config::{Config, LayoutConfig, StorageConfig};
use crate::layout::Layout;
use crate::metrics::MountObserver;
use crate::name::RepositoryName;
use crate::store::{Store, StoreOptions};

/// Where uploads lie that are not finished, and in the layout `indexed` for good.
const UPLOADS: &str = "/cofferdam/uploads";

/// Where small records lie as objects, if the driver keeps no small values.
const ATOMIC: &str = "/cofferdam/atomic";

/// How much longer than a lease somebody waits for an upload: a dead writer's lease then ends first.
const PATIENCE: (u32, u32) = (3, 2);

/// The mounts of a configuration, by name.
pub(super) struct Mounts(BTreeMap<String, Mounted>);

/// A mount, and what it was made from.
struct Mounted {
    mount: Mount,
    stack: Stack,
    /// Its atomic store: the driver's own, or one made of its objects. Else why there is none.
    atomic: Result<Arc<dyn AtomicStore>, String>,
    file: MountFile,
    layers: LayerOptions,
    digest: String,
}

impl Mounts {
    /// Loads every driver and starts it with its grant.
    pub(super) async fn open(config: &Config, engine: &Engine) -> Result<Self, ServeError> {
        let mut mounts = BTreeMap::new();
        for (name, file) in &config.mounts {
            let layers = config.layers.get(name).copied().unwrap_or_default();
            let failed = |error| ServeError::Mount { mount: name.clone(), error: Box::new(error) };
            mounts.insert(name.clone(), Mounted::open(name, file, layers, engine).await.map_err(failed)?);
        }
        Ok(Self(mounts))
    }

    /// Each mount with its name.
    pub(super) fn named(&self) -> Vec<(String, Mount)> {
        self.0.iter().map(|(name, mounted)| (name.clone(), mounted.mount.clone())).collect()
    }

    /// Each mount with its name and what makes its calls.
    pub(super) fn watched(&self) -> Vec<(String, Mount, Arc<dyn Layers>)> {
        self.0.iter().map(|(name, mounted)| (name.clone(), mounted.mount.clone(), mounted.stack.layers.clone())).collect()
    }

    /// What each driver is and was granted, for whoever starts the registry.
    pub(super) fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, Mounted { mount, file, layers, digest, .. }) in &self.0 {
            let description = mount.description();
            lines.push(format!("mount {name}: {} {} ({digest})", description.name, description.version));
            let granted = file.grant.lines();
            if granted.is_empty() {
                lines.push("  granted: nothing outside of its sandbox".to_owned());
            }
            lines.extend(granted.into_iter().map(|line| format!("  granted: {line}")));
            if let Some(cache) = layers.cache {
                lines.push(format!("  small values are remembered: what another process changes is seen up to {:?} later", cache.max_age));
            }
            if mount.claims().volatile {
                lines.push("  what it stores is gone when it stops: the driver says that it is volatile".to_owned());
            }
        }
        lines
    }

    /// The store that `storage` describes, for the repositories that are called `repositories`.
    pub(super) async fn store(&self, storage: &StorageConfig, config: &Config, repositories: &str) -> Result<Store, ServeError> {
        let blobs = self.find(&storage.blobs)?;
        let small_name = storage.atomic.as_ref().unwrap_or(&storage.blobs);
        let small = self.find(small_name)?;
        let driver = |mounted: &Mounted| mounted.mount.description().name.clone();
        if !blobs.mount.has(Interface::StreamingStore) {
            return Err(ServeError::NoBlobs { mount: storage.blobs.clone(), driver: driver(blobs) });
        }
        let small = small.atomic.clone().map_err(|reason| ServeError::NoAtomic { mount: small_name.clone(), driver: driver(small), reason })?;
        let failed = |error| ServeError::Store { repositories: repositories.to_owned(), error };
        let layout = wanted(storage).unwrap_or_else(|| Layout::preferred(blobs.mount.claims(), blobs.mount.has(Interface::Renaming)));
        let mut options = StoreOptions::new(layout, StorePath::new(UPLOADS).map_err(failed)?);
        options.name = storage.blobs.clone();
        options.uploads.lease = config.uploads.lease;
        options.uploads.patience = config.uploads.lease * PATIENCE.0 / PATIENCE.1;
        options.upload_max_age = config.uploads.purge_age;
        options.redirect = config.redirects.get(&storage.blobs).copied();
        if options.redirect.is_some() && !blobs.mount.has(Interface::Presigning) {
            return Err(ServeError::NoRedirects { mount: storage.blobs.clone(), driver: driver(blobs) });
        }
        Store::open(blobs.stack.streaming.clone(), small, options).await.map_err(failed)
    }

    /// Where the queues of events are: with the small records of repositories that no route names.
    pub(super) fn events(&self, config: &Config) -> Result<Arc<dyn AtomicStore>, ServeError> {
        let name = config.storage.atomic.as_ref().unwrap_or(&config.storage.blobs);
        self.find(name)?.atomic.clone().map_err(|reason| ServeError::Setup { what: "the queue of events", reason })
    }

    /// The stores of all routes.
    pub(super) async fn routes(&self, config: &Config, default: &Store) -> Result<Vec<(RepositoryName, Store)>, ServeError> {
        // Two routes to one storage share a store, and with it its caches and leases.
        let mut made = vec![(config.storage.clone(), default.clone())];
        let mut routes = Vec::new();
        for route in &config.routes {
            check_sharing(made.iter().map(|(storage, _)| storage), &route.storage)?;
            let known = made.iter().find(|(storage, _)| storage.blobs == route.storage.blobs).map(|(_, store)| store.clone());
            let store = match known {
                Some(store) => {
                    check_layout(&store, &route.storage)?;
                    store
                }
                None => self.store(&route.storage, config, &route.prefix).await?,
            };
            made.push((route.storage.clone(), store.clone()));
            let setup = |error: crate::error::RegistryError| ServeError::Setup { what: "a route", reason: error.to_string() };
            routes.push((RepositoryName::new(&route.prefix).map_err(setup)?, store));
        }
        Ok(routes)
    }

    fn find(&self, name: &str) -> Result<&Mounted, ServeError> {
        // The configuration has checked its names; one that was made in code need not have.
        self.0.get(name).ok_or_else(|| ServeError::Setup { what: "the storage", reason: format!("there is no mount `{name}`") })
    }
}

fn wanted(storage: &StorageConfig) -> Option<Layout> {
    storage.layout.map(|layout| match layout {
        LayoutConfig::RegistryV2 => Layout::RegistryV2,
        LayoutConfig::Indexed => Layout::Indexed,
    })
}

/// Refuses a second layout in one storage: a collection in one would not see what the other needs.
fn check_layout(store: &Store, storage: &StorageConfig) -> Result<(), ServeError> {
    match wanted(storage).filter(|layout| *layout != store.layout()) {
        None => Ok(()),
        Some(layout) => {
            let (blobs, has, wants) = (&storage.blobs, store.layout().as_str(), layout.as_str());
            let reason = format!("blobs in `{blobs}` have the layout `{has}` already, and a route wants `{wants}` there; name another mount");
            Err(ServeError::Setup { what: "a route", reason })
        }
    }
}

/// Refuses storages that share one kind of storage and not the other: the small records of one would speak of blobs that the other has.
fn check_sharing<'a>(made: impl Iterator<Item = &'a StorageConfig>, storage: &StorageConfig) -> Result<(), ServeError> {
    let small = |storage: &'a StorageConfig| storage.atomic.as_ref().unwrap_or(&storage.blobs);
    let (blobs, atomic) = (&storage.blobs, storage.atomic.as_ref().unwrap_or(&storage.blobs));
    match made.into_iter().find(|other| (other.blobs == *blobs) != (small(other) == atomic)) {
        None => Ok(()),
        Some(other) => {
            let reason = format!(
                "blobs in `{blobs}` with small records in `{atomic}` beside blobs in `{}` with small records in `{}`: two storages share both or neither",
                other.blobs,
                small(other)
            );
            Err(ServeError::Setup { what: "a route", reason })
        }
    }
}

impl Mounted {
    async fn open(name: &str, file: &MountFile, layers: LayerOptions, engine: &Engine) -> Result<Self, LoadError> {
        let pin = file.pin.as_deref().map(str::parse).transpose()?;
        let path = file.driver.clone().unwrap_or_default();
        let engine = engine.clone();
        // Compiling a driver that is not cached takes seconds.
        let loaded = tokio::task::spawn_blocking(move || Driver::load_file(&engine, &path, pin.as_ref())).await;
        let driver = loaded.map_err(|error| LoadError::Engine { message: error.to_string() })??;
        let mut grant = file.grant.clone();
        // The spool's files have no name and vanish with the process.
        grant.spool.directory.get_or_insert_with(std::env::temp_dir);
        let mut options = MountOptions::default();
        options.name = Some(name.to_owned());
        let mount = Mount::open(&driver, &grant, options).await?;
        let observer = MountObserver::new(name, &mount.description().name);
        let digest = driver.inspection().digest.to_string();
        // Each attempt is seen, and nothing that is remembered.
        let stack = layer::stack(Observed::new(mount.clone(), observer), name, &layers);
        Ok(Self { atomic: atomic(&mount, &stack, &layers), stack, mount, file: file.clone(), layers, digest })
    }
}

/// The atomic store of `mount`. Made once: a second cache would not see what is changed through the first.
fn atomic(mount: &Mount, stack: &Stack, layers: &LayerOptions) -> Result<Arc<dyn AtomicStore>, String> {
    if mount.has(Interface::AtomicStore) {
        return Ok(stack.atomic.clone());
    }
    if !mount.has(Interface::StreamingStore) {
        return Err("it is no store at all".to_owned());
    }
    let root = StorePath::new(ATOMIC).map_err(|error| error.to_string())?;
    match AtomicObjects::new(stack.streaming.clone(), root) {
        Ok(objects) => Ok(layer::cached(Arc::new(objects), layers)),
        Err(error) => Err(error.message().to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn storages_share_both_kinds_or_neither() {
        let storage = |blobs: &str, atomic: Option<&str>| StorageConfig { blobs: blobs.to_owned(), atomic: atomic.map(str::to_owned), layout: None };
        let check = |made: &StorageConfig, other: &StorageConfig| check_sharing(std::iter::once(made), other);
        assert!(check(&storage("a", None), &storage("b", None)).is_ok());
        assert!(check(&storage("a", None), &storage("a", Some("a"))).is_ok());
        assert!(check(&storage("a", Some("c")), &storage("a", Some("c"))).is_ok());
        for (made, other) in [
            (storage("a", Some("c")), storage("b", Some("c"))),
            (storage("a", None), storage("a", Some("b"))),
            (storage("a", None), storage("b", Some("a"))),
        ] {
            let refused = check(&made, &other).unwrap_err().to_string();
            assert!(refused.contains("both or neither"), "{refused}");
        }
    }
}
