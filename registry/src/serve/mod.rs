//! A registry as a configuration describes it: mounted, bound to its addresses, run until it is told to stop.
//!
//! | module | its one job |
//! |---|---|
//! | `mounts` | drivers with their grants, and stores over them |
//! | `operations` | `/healthz`, `/readyz`, `/metrics` |
//! | `upkeep` | purging, by itself |
//! | `webhooks` | their secrets, and their queues |

mod error;
mod mounts;
mod operations;
mod upkeep;
mod webhooks;

use std::future::Future;
use std::sync::Arc;

use cofferdam::Engine;

pub use error::ServeError;
use mounts::Mounts;

use crate::access::AccessControl;
use crate::config::{Config, ListenerConfig, StorageConfig};
use crate::events::Webhooks;
use crate::health::Health;
use crate::http::{Api, ApiOptions};
use crate::metrics::{self, Metrics};
use crate::repository::Rules;
use crate::server::{Address, Listener, Server, ServerOptions, Stopped, TlsFiles};
use crate::service::Registry;
use crate::store::Store;

/// A registry that is bound to its addresses and not running yet.
#[derive(Debug)]
pub struct Serve {
    server: Server,
    config: Config,
    stores: Vec<Store>,
    metrics: Option<Metrics>,
    webhooks: Option<Webhooks>,
    description: Vec<String>,
}

impl Serve {
    /// Mounts what `config` says and binds its listeners.
    ///
    /// # Errors
    /// [`ServeError`]: an address that everybody reaches and nobody guards, a driver that does not load or start, storage that does not
    /// answer, users or keys that cannot be read, an address that is taken.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing running.
    pub async fn open(config: Config, engine: &Engine) -> Result<Self, ServeError> {
        check_exposure(&config)?;
        let access = AccessControl::open(config.access.clone())?;
        let recorder = metrics::install().map_err(|error| ServeError::Setup { what: "metrics", reason: error.to_string() })?;
        let mounts = Mounts::open(&config, engine).await?;
        let registry = registry(&config, &mounts).await?;
        let stores = registry.stores();

        let is_local = config.listeners.iter().all(|listener| listener.address.ip().is_loopback());
        let enabled = config.metrics.enabled.unwrap_or(is_local);
        let metrics = enabled.then(|| Metrics::new(recorder, mounts.watched(), stores.clone()));
        let health = Arc::new(Health::new(mounts.named(), config.metrics.health_interval, config.metrics.health_timeout));
        let options = ApiOptions { manifest_max: config.manifests.max_size, ..ApiOptions::default() };
        let mut api = Api::new(registry, options).with_access(Arc::new(access)).with_other_routes(operations::routes(health, metrics.clone()));
        let webhooks = webhooks::start(&config, &mounts)?;
        if let Some(webhooks) = &webhooks {
            api = api.with_events(Arc::new(webhooks.clone()));
        }

        let options = ServerOptions { shutdown_deadline: config.shutdown, ..ServerOptions::default() };
        let listeners: Vec<_> = config.listeners.iter().map(listener).collect();
        let server = Server::bind(&listeners, Arc::new(api), options)?;
        let description = describe(&config, &mounts, &stores);
        Ok(Self { server, config, stores, metrics, webhooks, description })
    }

    /// The addresses that it listens on, with their real ports.
    pub fn addresses(&self) -> Vec<Address> {
        self.server.addresses()
    }

    /// What is mounted, what each driver was granted, and who may do what: a line each.
    pub fn description(&self) -> &[String] {
        &self.description
    }

    /// Serves until `shutdown` is ready; then finishes what is in flight.
    ///
    /// # Errors
    /// [`ServeError::Server`] if it cannot start, or not go on.
    ///
    /// # Cancel safety
    /// Dropping the future stops listening.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<Stopped, ServeError> {
        let upkeep = upkeep::start(&self.stores, &self.config.uploads, self.metrics.as_ref());
        let stopped = self.server.run(shutdown).await?;
        drop(upkeep);
        if let Some(webhooks) = &self.webhooks {
            webhooks.close().await;
        }
        for store in &self.stores {
            // Whoever goes on with an upload elsewhere need not wait for this process's lease to end.
            store.uploads().close().await;
        }
        Ok(stopped)
    }
}

/// Opens the storage that `config` describes and serves nothing: for what is done to a registry beside its running.
///
/// # Errors
/// As [`Serve::open`], but for what listeners, access and webhooks add.
///
/// # Cancel safety
/// Dropping the future leaves nothing running.
pub async fn open_registry(config: &Config, engine: &Engine) -> Result<Registry, ServeError> {
    let mut config = config.clone();
    for layers in config.layers.values_mut() {
        // A collection decides by small values what to remove, and others change them meanwhile.
        layers.cache = None;
    }
    registry(&config, &Mounts::open(&config, engine).await?).await
}

async fn registry(config: &Config, mounts: &Mounts) -> Result<Registry, ServeError> {
    let default = mounts.store(&config.storage, config, "all repositories").await?;
    let routes = mounts.routes(config, &default).await?;
    let mut rules = Rules::default();
    (rules.deletes, rules.read_only) = (config.delete, config.read_only);
    rules.require_index_children = !config.manifests.absent_children;
    Ok(Registry::with_routes(default, routes, rules))
}

/// Refuses to let everybody push who reaches the machine; warns where passwords would cross the network in the clear.
fn check_exposure(config: &Config) -> Result<(), ServeError> {
    for listener in config.listeners.iter().filter(|listener| !listener.address.ip().is_loopback() && !config.insecure) {
        let address = listener.address;
        if !config.access.is_guarded() {
            return Err(ServeError::Exposed { address });
        }
        if listener.tls.is_none() {
            tracing::warn!("{address} speaks no TLS: passwords and tokens cross the network in the clear, unless something in front of it encrypts");
        }
    }
    Ok(())
}

fn listener(config: &ListenerConfig) -> Listener {
    let tls = config.tls.clone().map(|(certificate, key)| TlsFiles { certificate, key });
    Listener { address: config.address, tls }
}

fn describe(config: &Config, mounts: &Mounts, stores: &[Store]) -> Vec<String> {
    let mut lines = mounts.describe();
    let storage = |what: &str, storage: &StorageConfig, store: Option<&Store>| {
        let layout = store.map_or("", |store| store.layout().as_str());
        let atomic = storage.atomic.as_ref().unwrap_or(&storage.blobs);
        format!("{what}: blobs in {}, small records in {atomic}, layout {layout}", storage.blobs)
    };
    lines.push(storage("repositories", &config.storage, stores.first()));
    for route in &config.routes {
        let store = stores.iter().find(|store| store.name() == route.storage.blobs);
        lines.push(storage(&format!("repositories below {}", route.prefix), &route.storage, store));
    }
    let who = match (config.access.is_guarded(), config.read_only) {
        (true, _) => "whoever has a name and the right",
        (false, true) => "anybody who reaches it may pull",
        (false, false) => "anybody who reaches it may pull and push",
    };
    lines.push(format!("access: {who}"));
    lines
}

#[cfg(test)]
mod tests;
