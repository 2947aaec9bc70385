//! Core module to component, and whether a component is what its world asks for.

use std::collections::BTreeMap;

use wasi_preview1_component_adapter_provider::{WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{InterfaceId, Resolve, WorldId, WorldItem};

use crate::contract;
use crate::error::{Error, Result};
use crate::language::Language;
use crate::project::Project;

/// What every driver exports.
const LIFECYCLE: &str = "cofferdam:storage/lifecycle@1.0.0";

/// Of which it exports at least one.
const STORES: [&str; 2] = ["cofferdam:storage/streaming-store@1.0.0", "cofferdam:storage/atomic-store@1.0.0"];

/// What stands between a core module and WASI.
#[derive(Debug, Clone, Copy)]
pub enum Adapter<'a> {
    /// The module names no WASI.
    None,
    /// The module was made for WASI 0.1; what it calls of it becomes imports of WASI 0.2.
    Reactor,
    /// Our own, under the name of WASI 0.1.
    Own(&'a [u8]),
}

/// Puts the description of a world into a core module.
///
/// # Errors
/// The module is none.
pub(crate) fn embed(core: &mut Vec<u8>, resolve: &Resolve, world: WorldId) -> Result<()> {
    wit_component::embed_component_metadata(core, resolve, world, StringEncoding::UTF8)
        .map_err(|error| Error::contract(format_args!("the world {}", resolve.worlds[world].name), format!("{error:#}")))
}

/// Makes a component of a core module that carries the description of its world.
///
/// # Errors
/// The module does not have what its world asks for: the error names the function.
pub fn encode(core: &[u8], adapter: Adapter<'_>) -> Result<Vec<u8>> {
    let unfit = |error| Error::World { what: format!("what was compiled does not fit its world: {error:#}") };
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(core).map_err(unfit)?;
    let adapter = match adapter {
        Adapter::None => None,
        Adapter::Reactor => Some(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER),
        Adapter::Own(bytes) => Some(bytes),
    };
    if let Some(bytes) = adapter {
        encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, bytes).map_err(unfit)?;
    }
    encoder.encode().map_err(unfit)
}

/// Checks that a component exports what the project's world asks for, and nothing else.
///
/// # Errors
/// An export is missing, with the names of its functions, or one is not in the world.
pub(crate) fn check(component: &[u8], project: &Project) -> Result<()> {
    let (resolve, world) = contract::resolve(&project.work().join("wit"), &project.world)?;
    let wanted = exports(&resolve, world);
    let decoded = wit_component::decode(component).map_err(|error| Error::World { what: format!("what was built is no component: {error:#}") })?;
    let DecodedWasm::Component(resolve, id) = decoded else {
        return Err(Error::World { what: "what was built is a description of WIT, and no component".to_owned() });
    };
    let there = exports(&resolve, id);
    // A driver in Rust exports what it names in `export_driver!`; for the others the world says it.
    let is_wanted = |name: &str| project.language != Language::Rust || name == LIFECYCLE;
    let missing: Vec<_> = wanted.iter().filter(|(name, _)| is_wanted(name) && !there.contains_key(*name)).collect();
    if let Some((name, functions)) = missing.first() {
        let what = format!("the driver does not implement {name} ({}), which the world {} asks for", functions.join(", "), project.world);
        return Err(Error::World { what });
    }
    if !STORES.iter().any(|store| there.contains_key(*store)) {
        return Err(Error::World { what: format!("the driver implements no store: neither {} nor {}", STORES[0], STORES[1]) });
    }
    let strange = there.keys().find(|name| name.starts_with("cofferdam:") && !wanted.contains_key(*name));
    match strange {
        Some(name) => Err(Error::World { what: format!("the driver exports {name}, which is not in its world {}", project.world) }),
        None => Ok(()),
    }
}

/// The interfaces that a world exports, with their functions.
fn exports(resolve: &Resolve, world: WorldId) -> BTreeMap<String, Vec<String>> {
    let functions = |id: &InterfaceId| resolve.interfaces[*id].functions.keys().cloned().collect();
    let exports = resolve.worlds[world].exports.iter();
    let interfaces = exports.filter_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } => Some((resolve.name_world_key(key), functions(id))),
        _ => None,
    });
    interfaces.collect()
}
