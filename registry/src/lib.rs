//! An OCI registry whose storage is any Cofferdam driver.

mod access;
mod cache;
mod config;
mod error;
mod events;
mod health;
mod http;
mod layout;
mod marks;
mod metrics;
mod name;
mod records;
mod repository;
mod serve;
mod server;
mod service;
mod store;

pub use access::{
    Access, AccessControl, AccessError, AccessOptions, Action, Decision, HtpasswdOptions, Pattern, PatternError, Question, Resource, Rights, Rule,
    Scheme, TokenOptions, Who,
};
pub use config::{
    Config, DEFAULT_ADDRESS, LayoutConfig, ListenerConfig, ManifestsConfig, MetricsConfig, PurgeConfig, RouteConfig, StorageConfig, UploadsConfig,
    WebhookConfig,
};
pub use error::{RegistryError, Result};
pub use events::{Event, EventAction, EventOrigin, EventTarget, Events};
pub use http::{ACCESS_TARGET, Api, ApiOptions, Peer, REQUESTS, ResponseBody, SECONDS};
pub use layout::Layout;
pub use name::{NamePage, REPOSITORY_NAME_MAX, Reference, RepositoryName, TAG_MAX, Tag, parse_digest};
pub use repository::{BlobInfo, Descriptor, MANIFEST_MAX, Manifest, ManifestInfo, OpenedBlob, Repository, Rules, StoredManifest};
pub use serve::{Serve, ServeError};
pub use server::{Address, Listener, Server, ServerError, ServerOptions, Stopped, TlsFiles};
pub use service::Registry;
pub use store::{Store, StoreOptions};
