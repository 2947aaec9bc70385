//! The tables of `cofferdam.toml` that say where a registry listens and where it keeps what.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use cofferdam::grant::fields::{Document, Field, Fields};
use cofferdam::grant::{GrantError, MountFile};
use cofferdam::layer::LayerOptions;

use super::{Config, DEFAULT_ADDRESS, LayoutConfig, ListenerConfig, RouteConfig, SHUTDOWN, StorageConfig, auth, layers, service};
use crate::name::RepositoryName;

const TOP_KEYS: &[&str] = &[
    "insecure",
    "read-only",
    "delete",
    "shutdown",
    "listener",
    "mount",
    "storage",
    "route",
    "uploads",
    "manifests",
    "auth",
    "rule",
    "webhook",
    "metrics",
];
/// What this file says of a mount beside its driver and grant.
const MOUNT_KEYS: &[&str] = &["layers", "redirect"];
const LISTENER_KEYS: &[&str] = &["address", "tls-certificate", "tls-key"];
const STORAGE_KEYS: &[&str] = &["blobs", "atomic", "layout"];
const ROUTE_KEYS: &[&str] = &["prefix", "blobs", "atomic", "layout"];

/// The longest time that a presigned URL is good: what Amazon, Google and Microsoft's account keys agree on.
const REDIRECT_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// The longest time that a setting here takes: a year.
pub(super) const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

type Mounts = BTreeMap<String, MountFile>;

/// What all tables `[mount.NAME]` say, by name.
#[derive(Default)]
struct MountTables {
    mounts: Mounts,
    layers: BTreeMap<String, LayerOptions>,
    redirects: BTreeMap<String, Duration>,
}

/// A whole file.
pub(super) fn config(text: &str, file: &Path) -> Result<Config, GrantError> {
    let document = Document::parse(text, file)?;
    let top = document.top(TOP_KEYS)?;
    let MountTables { mounts, layers, redirects } = mounts(&top)?;
    let storage = match top.get("storage") {
        Some(field) => storage(&field.table("in [storage]", STORAGE_KEYS)?, &mounts)?,
        None => only_mount(&top, &mounts)?,
    };
    Ok(Config {
        listeners: listeners(top.get("listener"))?,
        storage,
        routes: routes(top.get("route"), &mounts)?,
        uploads: service::uploads(top.get("uploads"))?,
        manifests: service::manifests(top.get("manifests"))?,
        access: auth::access(&top)?,
        webhooks: service::webhooks(top.get("webhook"))?,
        metrics: service::metrics(top.get("metrics"))?,
        read_only: boolean(&top, "read-only", false)?,
        delete: boolean(&top, "delete", true)?,
        insecure: boolean(&top, "insecure", false)?,
        shutdown: duration(&top, "shutdown", SHUTDOWN, Duration::ZERO)?,
        mounts,
        layers,
        redirects,
    })
}

/// A flag that need not be there.
pub(super) fn boolean(fields: &Fields<'_, '_>, key: &str, default: bool) -> Result<bool, GrantError> {
    fields.get(key).map_or(Ok(default), |field| field.boolean())
}

/// A duration that need not be there.
pub(super) fn duration(fields: &Fields<'_, '_>, key: &str, default: Duration, least: Duration) -> Result<Duration, GrantError> {
    fields.get(key).map_or(Ok(default), |field| field.duration(least..=TIME_MAX))
}

fn listeners(field: Option<Field<'_, '_>>) -> Result<Vec<ListenerConfig>, GrantError> {
    let Some(field) = field else { return Ok(vec![ListenerConfig { address: DEFAULT_ADDRESS, tls: None }]) };
    let mut listeners: Vec<ListenerConfig> = Vec::new();
    for fields in field.tables("in [[listener]]", LISTENER_KEYS)? {
        let address = fields.require("address", "address = \"127.0.0.1:5000\"")?;
        let text = address.text()?;
        let socket = text.parse().map_err(|_| address.bad(format!("is {text:?} but must be an address and a port, such as \"127.0.0.1:5000\"")))?;
        let tls = match (fields.get("tls-certificate"), fields.get("tls-key")) {
            (Some(certificate), Some(key)) => Some((certificate.path()?, key.path()?)),
            (None, None) => None,
            (Some(certificate), None) => return Err(certificate.bad("has no `tls-key` beside it; add it: tls-key = \"key.pem\"")),
            (None, Some(key)) => return Err(key.bad("has no `tls-certificate` beside it; add it: tls-certificate = \"certificate.pem\"")),
        };
        if listeners.iter().any(|other| other.address == socket && socket.port() != 0) {
            return Err(address.bad(format!("is {text:?}, which another listener has already")));
        }
        listeners.push(ListenerConfig { address: socket, tls });
    }
    if listeners.is_empty() {
        Err(field.bad("is empty: a registry that listens nowhere serves nobody; leave it out for 127.0.0.1:5000"))
    } else {
        Ok(listeners)
    }
}

fn mounts(top: &Fields<'_, '_>) -> Result<MountTables, GrantError> {
    let field = top.require("mount", "[mount.main] with driver = \"filesystem.wasm\" in it")?;
    let mut tables = MountTables::default();
    for entry in field.entries("in [mount]")? {
        let name = entry.key();
        // The name stands in metrics, logs and messages.
        if name.is_empty() || name.len() > 64 || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(entry.bad("is no name for a mount: use at most 64 letters, digits, `-` and `_`"));
        }
        let mount = MountFile::from_table(&entry, MOUNT_KEYS)?;
        if mount.driver.is_none() {
            return Err(entry.bad("has no `driver`; add it: driver = \"filesystem.wasm\""));
        }
        if let Some(pin) = &mount.pin
            && pin.parse::<cofferdam::Digest>().is_err()
        {
            return Err(entry.bad("has a `pin` that is no digest: write `sha256:` and 64 hexadecimal digits, as `cofferdam inspect` prints them"));
        }
        let said = |key: &str| Ok(entry.entries("in [mount.NAME]")?.find(|field| field.key() == key));
        tables.layers.insert(name.to_owned(), layers::layers(said("layers")?)?);
        if let Some(field) = said("redirect")? {
            tables.redirects.insert(name.to_owned(), field.duration(Duration::from_secs(1)..=REDIRECT_MAX)?);
        }
        tables.mounts.insert(name.to_owned(), mount);
    }
    if tables.mounts.is_empty() {
        return Err(field.bad("is empty; add a driver: [mount.main] with driver = \"filesystem.wasm\" in it"));
    }
    Ok(tables)
}

/// With a single mount nothing else needs to be said.
fn only_mount(top: &Fields<'_, '_>, mounts: &Mounts) -> Result<StorageConfig, GrantError> {
    let mut names = mounts.keys();
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(StorageConfig { blobs: name.clone(), atomic: None, layout: None }),
        _ => Err(top
            .require("storage", "[storage] with blobs = \"NAME\", to say which of the mounts holds blobs")
            .err()
            .unwrap_or_else(|| top.bad("storage", "must say which of the mounts holds blobs"))),
    }
}

fn storage(fields: &Fields<'_, '_>, mounts: &Mounts) -> Result<StorageConfig, GrantError> {
    let layouts = [("registry-v2", LayoutConfig::RegistryV2), ("indexed", LayoutConfig::Indexed)];
    Ok(StorageConfig {
        blobs: mount_name(&fields.require("blobs", "blobs = \"NAME\", the name of a mount")?, mounts)?,
        atomic: fields.get("atomic").map(|field| mount_name(&field, mounts)).transpose()?,
        layout: fields.get("layout").map(|field| field.one_of(&layouts)).transpose()?,
    })
}

fn mount_name(field: &Field<'_, '_>, mounts: &Mounts) -> Result<String, GrantError> {
    let name = field.text()?;
    if mounts.contains_key(name) {
        return Ok(name.to_owned());
    }
    let known: Vec<_> = mounts.keys().map(|name| format!("{name:?}")).collect();
    Err(field.bad(format!("is {name:?}, but no [mount.{name}] is in this file; there is {}", known.join(", "))))
}

fn routes(field: Option<Field<'_, '_>>, mounts: &Mounts) -> Result<Vec<RouteConfig>, GrantError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let mut routes: Vec<RouteConfig> = Vec::new();
    for fields in field.tables("in [[route]]", ROUTE_KEYS)? {
        let prefix = fields.require("prefix", "prefix = \"team\"")?;
        let text = prefix.text()?.trim_end_matches('/');
        RepositoryName::new(text)
            .map_err(|_| prefix.bad(format!("is {text:?} but must be the beginning of repositories' names, such as \"team\" or \"team/project\"")))?;
        if routes.iter().any(|route| route.prefix == text) {
            return Err(prefix.bad(format!("is {text:?}, which another route has already")));
        }
        routes.push(RouteConfig { prefix: text.to_owned(), storage: storage(&fields, mounts)? });
    }
    Ok(routes)
}
