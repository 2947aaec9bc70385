//! The sandbox of one instance: a `Store` built from a grant, with its limits set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use wasmtime::Store;
use wasmtime::component::ResourceTable;

use crate::component::Driver;
use crate::content::Spool;
use crate::grant::Grant;
use crate::host::connections::Connections;
use crate::host::files::Directories;
use crate::host::http::Http;
use crate::host::last_words::LastWords;
use crate::host::log::LogGate;
use crate::host::sockets::Sockets;
use crate::host::state::{Resources, State};
use crate::host::wasi::Wasi;
use crate::limits::Limiter;
use crate::load::LoadError;

/// What a guest may hand to one host call, in bytes: 8 MiB. The largest honest value is 1 MiB of data; a page of
/// 1,000 entries with long paths has about as much.
const HOSTCALL_BYTES: usize = 8 << 20;

/// Everything that a mount's instances are built from.
pub(crate) struct Sandbox {
    driver: Driver,
    grant: Grant,
    wasi: bool,
    pub(crate) resources: Arc<Resources>,
}

impl Sandbox {
    /// Opens what `grant` names for `driver`, after checking that it is enough.
    pub(crate) fn new(driver: &Driver, grant: &Grant, mount: &Arc<str>, reachable: bool) -> Result<Self, LoadError> {
        permit(driver, grant)?;
        // A little less than a call has: the guest gets its answer before the call is ended.
        let patience = grant.limits.no_progress * 9 / 10;
        let resources = Resources {
            directories: Directories::open(&grant.directories)?,
            connections: Connections::open(&grant.connections, mount)?,
            http: Http::open(&grant.http, mount.clone(), patience)?,
            sockets: Sockets::new(&grant.sockets, mount.clone()),
            spool: spool(grant)?,
            log: LogGate::new(mount.clone(), grant.limits.log_lines_per_second),
            reachable: AtomicBool::new(reachable),
            lock_wait: patience,
            guest_memory: Arc::new(AtomicU64::new(0)),
            handles: AtomicU64::new(0),
        };
        let wasi = driver.inspection().wasi().next().is_some();
        Ok(Self { driver: driver.clone(), grant: grant.clone(), wasi, resources: Arc::new(resources) })
    }

    /// The driver that runs in it.
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// What it may touch and use.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// A fresh store.
    pub(crate) fn store(&self) -> wasmtime::Result<Store<State>> {
        let limits = &self.grant.limits;
        let last_words = LastWords::default();
        let wasi = if self.wasi { Some(Box::new(Wasi::new(&self.grant, &self.resources, &last_words)?)) } else { None };
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        let limiter = Limiter::new(limits, self.resources.guest_memory.clone());
        let state = State::new(self.resources.clone(), limiter, table, wasi, last_words);
        let mut store = Store::new(self.driver.engine().inner(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        store.set_max_component_handles(limits.handles as usize);
        store.epoch_deadline_callback(|mut context| context.data_mut().budget.charge());
        Ok(store)
    }
}

/// Whether `grant` gives what `driver` imports.
fn permit(driver: &Driver, grant: &Grant) -> Result<(), LoadError> {
    let inspection = driver.inspection();
    if grant.strict {
        let imports: Vec<_> = inspection.wasi().collect();
        if !imports.is_empty() {
            return Err(LoadError::Strict { imports });
        }
    }
    let missing = inspection.ungranted(grant);
    if missing.is_empty() {
        return Ok(());
    }
    let imports = missing.iter().map(|import| format!("`{}` ({})", import.interface, import.functions.join(", "))).collect();
    Err(LoadError::NotGranted { imports, remedy: inspection.minimal_grant(None) })
}

fn spool(grant: &Grant) -> Result<Arc<Spool>, LoadError> {
    let directory = match &grant.spool.directory {
        Some(path) => Some(Dir::open_ambient_dir(path, ambient_authority()).map_err(|source| LoadError::Spool { path: path.clone(), source })?),
        None => None,
    };
    Ok(Spool::new(grant.spool.memory, directory, grant.spool.disk))
}
