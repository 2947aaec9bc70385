//! The linker of a driver: the contract's host interfaces, inert WASI where it is imported, the host's extensions.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, ResourceType};

use super::extend::Extension;
use super::state::State;
use super::wasi;
use crate::bindings::cofferdam::storage::{connections, data, files, http, signing, store_types, system};

/// What a driver's imports are, as far as linking goes.
pub(crate) struct Needs {
    /// It imports WASI.
    pub(crate) wasi: bool,
    /// The imports that are linked so that they refuse: what of `wasi:http` serves.
    pub(crate) refused: Vec<String>,
}

impl store_types::Host for State {}

/// A linker for `component`.
pub(crate) fn linker(engine: &Engine, component: &Component, needs: &Needs, extensions: &[&dyn Extension]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    store_types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    data::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    system::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    files::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    connections::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    // What the host of this library serves itself is its own: for that there is no grant.
    let extended = |name| extensions.iter().any(|extension| extension.interfaces().contains(&name));
    if !extended("cofferdam:storage/http@1.0.0") {
        http::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    }
    if !extended("cofferdam:storage/signing@1.0.0") {
        signing::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    }
    if needs.wasi {
        wasi::link(&mut linker)?;
    }
    for name in &needs.refused {
        refuse(engine, component, &mut linker, name)?;
    }
    for extension in extensions {
        extension.link(&mut linker)?;
    }
    Ok(linker)
}

/// A resource of an interface that is not granted: none is ever made.
struct Refused;

/// Links every function of the import `name` as one that traps and says why.
fn refuse(engine: &Engine, component: &Component, linker: &mut Linker<State>, name: &str) -> wasmtime::Result<()> {
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(instance)) = ty.get_import(engine, name).map(|item| item.ty) else {
        return Ok(());
    };
    let mut interface = linker.instance(name)?;
    for (function, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => {
                let message = format!("`{name}` is not granted: the driver called `{function}`");
                interface.func_new(function, move |_, _, _, _| Err(wasmtime::Error::msg(message.clone())))?;
            }
            ComponentItem::Resource(_) => interface.resource(function, ResourceType::host::<Refused>(), |_, _| Ok(()))?,
            _ => {}
        }
    }
    Ok(())
}
