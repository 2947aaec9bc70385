//! What `cofferdam.toml` says of a registry: typed, checked, not acted upon yet.
//!
//! `docs/registry.md` is the reference. Every error names file, line and column, and says what would be right.
//!
//! | module | its one job |
//! |---|---|
//! | `parse` | listeners, mounts, storage and routes |
//! | `layers` | retries, timeouts and the like of a mount |
//! | `service` | uploads, limits, metrics and webhooks |
//! | `auth` | schemes and rules |

mod auth;
mod layers;
mod parse;
mod service;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cofferdam::grant::{Access, DirectoryGrant, Grant, GrantError, MountFile, SettingValue, fields};
use cofferdam::layer::LayerOptions;

use crate::access::{AccessOptions, Pattern};
use crate::events::EventAction;

/// A registry as a file describes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where it listens.
    pub listeners: Vec<ListenerConfig>,
    /// Drivers with their grants, by name.
    pub mounts: BTreeMap<String, MountFile>,
    /// How each mount is called, by its name; as usual where it is not named.
    pub layers: BTreeMap<String, LayerOptions>,
    /// The mounts from which clients fetch blobs by presigned URLs, by name, and how long such a URL is good.
    pub redirects: BTreeMap<String, Duration>,
    /// Where repositories are that no route names.
    pub storage: StorageConfig,
    /// Where repositories below a prefix are.
    pub routes: Vec<RouteConfig>,
    /// How long uploads live.
    pub uploads: UploadsConfig,
    /// What manifests may be.
    pub manifests: ManifestsConfig,
    /// Who may do what.
    pub access: AccessOptions,
    /// Who is told of pushes, pulls and deletions.
    pub webhooks: Vec<WebhookConfig>,
    /// What is measured and asked after.
    pub metrics: MetricsConfig,
    /// Nothing can be changed.
    pub read_only: bool,
    /// Blobs, manifests and tags can be deleted.
    pub delete: bool,
    /// Listens beyond this machine without asking anybody for a name.
    pub insecure: bool,
    /// How long transfers in flight may take to end when the server stops.
    pub shutdown: Duration,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Files of certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Which mounts hold what, and in which layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageConfig {
    /// The mount that holds blobs.
    pub blobs: String,
    /// The mount that holds atomic data; the blobs' own where it can.
    pub atomic: Option<String>,
    /// The layout; what suits the driver where none is given.
    pub layout: Option<LayoutConfig>,
}

/// Where blobs and records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutConfig {
    /// As `docker-registry` keeps them.
    RegistryV2,
    /// Where their upload put them, found by an index.
    Indexed,
}

/// Storage for the repositories below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// The repository of this name and all below it.
    pub prefix: String,
    /// Where they are.
    pub storage: StorageConfig,
}

/// How long uploads live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadsConfig {
    /// How long a writer that went silent keeps its session.
    pub lease: Duration,
    /// How old an unfinished upload gets.
    pub purge_age: Duration,
    /// How often older ones are looked for.
    pub purge_interval: Duration,
    /// What is done with them.
    pub purge: PurgeConfig,
}

/// What is done with uploads that are too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PurgeConfig {
    /// They are removed.
    #[default]
    Remove,
    /// They are named in the log.
    DryRun,
    /// They are kept.
    Off,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self {
            // A living writer renews it in time; whoever takes over from a dead one waits no longer than this.
            lease: Duration::from_secs(10),
            // A week, as docker-registry: nobody resumes after that.
            purge_age: Duration::from_secs(7 * 24 * 3600),
            purge_interval: Duration::from_secs(24 * 3600),
            purge: PurgeConfig::Remove,
        }
    }
}

/// What manifests may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestsConfig {
    /// The largest, in bytes.
    pub max_size: u64,
    /// An index may name manifests that are not there.
    pub absent_children: bool,
}

impl Default for ManifestsConfig {
    fn default() -> Self {
        // 4 MiB: what the distribution specification wants a registry to take at least.
        Self { max_size: 4 << 20, absent_children: false }
    }
}

/// What is measured and asked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// Whether `/metrics` is there. By default where every listener is on this machine.
    pub enabled: Option<bool>,
    /// How long an answer of the storage to `/readyz` is good for.
    pub health_interval: Duration,
    /// How long the storage may take to answer.
    pub health_timeout: Duration,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { enabled: None, health_interval: Duration::from_secs(5), health_timeout: Duration::from_secs(5) }
    }
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Its name, in the queue and in the log.
    pub name: String,
    /// Where events are posted to.
    pub url: String,
    /// Which events.
    pub actions: Vec<EventAction>,
    /// Of which repositories.
    pub repositories: Vec<Pattern>,
    /// A file with a secret that signs each body (`X-Cofferdam-Signature: sha256=…`).
    pub hmac: Option<PathBuf>,
    /// A file with a token for `Authorization: Bearer …`.
    pub bearer: Option<PathBuf>,
    /// How long the receiver may take to answer.
    pub timeout: Duration,
    /// How many events wait at most; the oldest is dropped for a newer one.
    pub queue: u32,
}

impl Config {
    /// Reads `file`.
    ///
    /// # Errors
    /// [`GrantError`], with line and column, for anything that is not exactly a configuration: unknown keys too.
    pub fn from_file(file: &Path) -> Result<Self, GrantError> {
        Self::parse(&fields::read(file)?, file)
    }

    /// Reads `text`, which stands in `file`: its name is in every error, and paths are relative to it.
    ///
    /// # Errors
    /// As [`Config::from_file`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, GrantError> {
        parse::config(text, file)
    }

    /// What is served without a file: everything in the directory `data`, through the filesystem driver `driver`.
    pub fn standalone(listen: SocketAddr, data: &Path, driver: &Path) -> Self {
        let root = "/data";
        let grant = Grant {
            settings: [("root".to_owned(), SettingValue::Text(root.to_owned()))].into(),
            directories: vec![DirectoryGrant { name: root.to_owned(), host: data.to_owned(), access: Access::ReadWrite, wasi: false }],
            ..Grant::default()
        };
        let main = MountFile { driver: Some(driver.to_owned()), pin: None, grant };
        Self::with_mount(vec![ListenerConfig { address: listen, tls: None }], main)
    }

    fn with_mount(listeners: Vec<ListenerConfig>, mount: MountFile) -> Self {
        let name = "main".to_owned();
        Self {
            listeners,
            mounts: [(name.clone(), mount)].into(),
            layers: BTreeMap::new(),
            redirects: BTreeMap::new(),
            storage: StorageConfig { blobs: name, atomic: None, layout: None },
            routes: Vec::new(),
            uploads: UploadsConfig::default(),
            manifests: ManifestsConfig::default(),
            access: AccessOptions::default(),
            webhooks: Vec::new(),
            metrics: MetricsConfig::default(),
            read_only: false,
            delete: true,
            insecure: false,
            shutdown: SHUTDOWN,
        }
    }
}

/// Thirty seconds: what orchestrators wait before they kill.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// Where a registry listens when nobody says where: on this machine alone.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);

#[cfg(test)]
mod tests;
