//! An OCI registry whose storage is any Cofferdam driver.

mod access;
mod config;
mod error;
mod name;
mod repository;

pub use access::{
    Access, AccessError, AccessOptions, Caller, HtpasswdOptions, Pattern, PatternError, Right, Rights, Rule, Scheme, TokenOptions, Who,
};
pub use config::{
    Action, Config, DEFAULT_ADDRESS, LayoutConfig, ListenerConfig, ManifestsConfig, MetricsConfig, PurgeConfig, RouteConfig, StorageConfig,
    UploadsConfig, WebhookConfig,
};
pub use error::{RegistryError, Result};
pub use name::{NamePage, REPOSITORY_NAME_MAX, Reference, RepositoryName, TAG_MAX, Tag, parse_digest};
pub use repository::{BlobInfo, Descriptor, Manifest, ManifestInfo, OpenedBlob, StoredManifest};
