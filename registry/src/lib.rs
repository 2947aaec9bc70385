//! An OCI registry whose storage is any Cofferdam driver: the distribution specification 1.1 over HTTP.
//!
//! ```no_run
//! use cofferdam::Engine;
//! use cofferdam_registry::{Config, Serve};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_file("cofferdam.toml".as_ref())?;
//! let serve = Serve::open(config, &Engine::shared()?).await?;
//! for address in serve.addresses() {
//!     println!("listening on {address}");
//! }
//! serve.run(std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Dependencies point down this table:
//!
//! | module | its one job |
//! |---|---|
//! | [`serve`](Serve) | a configuration, mounted, bound and run |
//! | [`server`](Server) | sockets, workers, TLS, shutdown |
//! | [`http`](Api) | requests to answers |
//! | [`access`](Access) | who may do what |
//! | [`events`](Events) | who is told of what |
//! | [`gc`], [`scrub`] | what no manifest needs; what is damaged |
//! | `metrics`, `health` | what an operator's machines ask |
//! | [`config`](Config) | `cofferdam.toml`, typed |
//! | [`service`](Registry) | which store a repository is in |
//! | [`repository`](Repository) | blobs, manifests, tags, referrers, uploads |
//! | [`store`](Store) | the two kinds of storage, a layout, what is remembered of both |
//! | [`layout`](Layout) | which record lives where |
//! | `records`, `marks`, `cache` | small records, tombstones, what need not be asked twice |
//! | [`name`](RepositoryName), [`error`](RegistryError) | names and refusals |

mod access;
mod cache;
mod config;
mod error;
mod events;
pub mod gc;
mod health;
mod http;
mod layout;
mod marks;
mod metrics;
mod name;
mod records;
mod redirect;
mod repository;
pub mod scrub;
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
pub use events::{Event, EventAction, EventOrigin, EventTarget, Events, Webhook, WebhookError, Webhooks};
pub use http::{ACCESS_TARGET, Api, ApiOptions, Peer, REQUESTS, ResponseBody, SECONDS};
pub use layout::Layout;
pub use name::{NamePage, REPOSITORY_NAME_MAX, Reference, RepositoryName, TAG_MAX, Tag, parse_digest};
pub use repository::{BlobInfo, Descriptor, LocatedBlob, MANIFEST_MAX, Manifest, ManifestInfo, OpenedBlob, Repository, Rules, StoredManifest};
pub use serve::{Serve, ServeError, open_registry};
pub use server::{Address, Listener, Server, ServerError, ServerOptions, Stopped, TlsFiles};
pub use service::Registry;
pub use store::{Store, StoreOptions};
