//! What a driver's file says of itself: exports, imports as functions, versions, size, digest.

use serde::Serialize;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::grant::{Grant, GrantKind, suggest};
use crate::host::extend::Extension;
use crate::host::link::Needs;
use crate::load::{Digest, LoadError};
use crate::version::{self, InterfaceName, Interfaces, Verdict};

/// What a driver is, read from its file without running it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The digest of the file.
    #[serde(serialize_with = "as_text")]
    pub digest: Digest,
    /// The file's bytes.
    pub size: u64,
    /// `{interface: [[major, minor], …]}` of the exports, newest first.
    pub interfaces: Interfaces,
    /// What it exports.
    pub exports: Vec<Export>,
    /// What it imports: its capability list.
    pub imports: Vec<Import>,
    /// What there is to say about versions; empty if all is as this host speaks it.
    pub notices: Vec<String>,
}

/// An exported interface.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    /// With package and version.
    #[serde(serialize_with = "as_text")]
    pub interface: InterfaceName,
    /// Its functions, sorted.
    pub functions: Vec<String>,
}

/// An imported interface, with the functions that the driver really imports.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    /// With package and version.
    #[serde(serialize_with = "as_text")]
    pub interface: InterfaceName,
    /// The functions, sorted.
    pub functions: Vec<String>,
    /// What it takes to have it.
    pub kind: ImportKind,
}

/// What it takes to have an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportKind {
    /// Every driver has it.
    Always,
    /// A directory grant.
    Directory,
    /// A connection grant.
    Connection,
    /// An HTTP rule.
    Http,
    /// WASI: inert, unless a grant gives the real one.
    Wasi,
    /// This host offers it as an extension of its own.
    Extension,
}

impl ImportKind {
    /// The kind of grant without which a driver that imports it does not load.
    fn needs(self) -> Option<GrantKind> {
        match self {
            Self::Directory => Some(GrantKind::Directory),
            Self::Http => Some(GrantKind::Http),
            Self::Connection => Some(GrantKind::Connection),
            Self::Always | Self::Wasi | Self::Extension => None,
        }
    }
}

fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Inspection {
    /// The kinds of grant without which it does not load.
    pub fn needs(&self) -> Vec<GrantKind> {
        let mut needs: Vec<_> = self.imports.iter().filter_map(|import| import.kind.needs()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// The smallest grant that would let it load, as TOML. `schema` adds the settings that must be given.
    pub fn minimal_grant(&self, schema: Option<&str>) -> String {
        suggest::minimal(&self.needs(), schema)
    }

    /// The imports that `grant` does not give.
    pub(crate) fn ungranted(&self, grant: &Grant) -> Vec<&Import> {
        let given = |kind| match kind {
            GrantKind::Directory => !grant.directories.is_empty(),
            GrantKind::Http => !grant.http.is_empty(),
            GrantKind::Connection => !grant.connections.is_empty(),
        };
        self.imports.iter().filter(|import| import.kind.needs().is_some_and(|kind| !given(kind))).collect()
    }

    /// The full names of the WASI interfaces that it imports.
    pub(crate) fn wasi(&self) -> impl Iterator<Item = String> {
        let imports = self.imports.iter().filter(|import| import.kind != ImportKind::Extension && import.interface.package.starts_with("wasi:"));
        imports.map(|import| import.interface.to_string())
    }

    /// What its linker must have.
    pub(super) fn link_needs(&self) -> Needs {
        let serves = |name: &String| name.starts_with("wasi:http/") && !name.contains("/types@") && !name.contains("/outgoing-handler@");
        let refused = self.wasi().filter(serves).collect();
        Needs { wasi: self.wasi().next().is_some(), refused }
    }

    /// Whether it exports `interface` in a version that this host speaks.
    pub fn exports_interface(&self, interface: &str) -> bool {
        self.interfaces.get(interface).is_some_and(|versions| versions.iter().any(|(major, _)| *major == version::CONTRACT.0))
    }
}

/// What the first eight bytes tell, before anything is parsed: the commonest mistakes get their own words.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadError::Invalid {
            message: "it is precompiled machine code, which is never taken from outside: give the component itself".to_owned(),
        });
    }
    if !bytes.starts_with(b"\0asm") {
        let start =
            if bytes.is_empty() { "nothing: the file is empty".to_owned() } else { format!("`{}`", bytes[..bytes.len().min(8)].escape_ascii()) };
        return Err(LoadError::NotWasm { start });
    }
    match bytes.get(4..8) {
        // Version and layer (component-model, Binary.md): layer 0 is a core module, layer 1 a component.
        Some([_, _, 0, 0]) => Err(LoadError::CoreModule),
        Some(_) => Ok(()),
        None => Err(LoadError::Invalid { message: format!("the file ends after {} bytes", bytes.len()) }),
    }
}

pub(super) fn inspect(
    engine: &Engine,
    component: &Component,
    digest: Digest,
    size: u64,
    extensions: &[&dyn Extension],
) -> Result<Inspection, LoadError> {
    let ty = component.component_type();
    let mut exports = Vec::new();
    let mut others = Vec::new();
    for (name, item) in ty.exports(engine) {
        match InterfaceName::parse(name) {
            Some(interface) if interface.is_contract() => exports.push(Export { interface, functions: functions(engine, &item.ty) }),
            _ => others.push(format!("`{name}`")),
        }
    }
    let interfaces = versions(&exports);
    let notices = match version::judge(&interfaces) {
        Verdict::Speaks(notices) => notices,
        Verdict::NoContract => {
            let exports = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
            return Err(LoadError::NotADriver { exports });
        }
        Verdict::OtherMajor { interface, found } => {
            let spoken = version::list(&[version::CONTRACT]);
            return Err(LoadError::OtherMajor { interface, found: version::list(&found), spoken });
        }
    };
    let mut imports = Vec::new();
    let mut unknown = Vec::new();
    for (name, item) in ty.imports(engine) {
        let extended = extensions.iter().any(|extension| extension.interfaces().contains(&name));
        match import(engine, name, &item.ty, extended) {
            Ok(import) => imports.push(import),
            Err(why) => unknown.push(why),
        }
    }
    if !unknown.is_empty() {
        return Err(LoadError::UnknownImports { imports: unknown });
    }
    let inspection = Inspection { digest, size, interfaces, exports, imports, notices };
    complete(&inspection)?;
    Ok(inspection)
}

/// Every driver exports `lifecycle` and at least one store.
fn complete(inspection: &Inspection) -> Result<(), LoadError> {
    if !inspection.exports_interface("lifecycle") {
        return Err(LoadError::Incomplete { missing: "`lifecycle`, as every driver does" });
    }
    if !inspection.exports_interface("streaming-store") && !inspection.exports_interface("atomic-store") {
        return Err(LoadError::Incomplete { missing: "`streaming-store` or `atomic-store`" });
    }
    Ok(())
}

fn versions(exports: &[Export]) -> Interfaces {
    let mut interfaces = Interfaces::new();
    for export in exports {
        let (major, minor, _) = export.interface.version.unwrap_or_default();
        let versions = interfaces.entry(export.interface.interface.clone()).or_default();
        versions.push((major, minor));
        versions.sort_unstable_by(|a, b| b.cmp(a));
    }
    interfaces
}

fn functions(engine: &Engine, item: &ComponentItem) -> Vec<String> {
    let ComponentItem::ComponentInstance(instance) = item else { return Vec::new() };
    let is_function = |item: &ComponentItem| matches!(item, ComponentItem::ComponentFunc(_));
    let mut functions: Vec<_> = instance.exports(engine).filter(|(_, item)| is_function(&item.ty)).map(|(name, _)| name.to_owned()).collect();
    functions.sort();
    functions
}

/// The packages of WASI 0.2. All are linked: in an inert form, where a grant does not give the real one.
const WASI: [&str; 7] = ["wasi:io", "wasi:clocks", "wasi:random", "wasi:cli", "wasi:filesystem", "wasi:sockets", "wasi:http"];

fn import(engine: &Engine, name: &str, item: &ComponentItem, extended: bool) -> Result<Import, String> {
    let functions = functions(engine, item);
    let Some(interface) = InterfaceName::parse(name) else {
        return Err(format!("`{name}`: a plain import; drivers import interfaces of `cofferdam:storage`"));
    };
    let kind = if extended {
        ImportKind::Extension
    } else if interface.is_contract() {
        // An import of types alone needs nothing of the host: a driver for several majors has those of each.
        if let Some(why) = version::missing_import(&interface).filter(|_| !functions.is_empty()) {
            return Err(format!("`{interface}` ({}): {why}", functions.join(", ")));
        }
        match interface.interface.as_str() {
            _ if functions.is_empty() => ImportKind::Always,
            "files" => ImportKind::Directory,
            "connections" => ImportKind::Connection,
            "http" | "signing" => ImportKind::Http,
            _ => ImportKind::Always,
        }
    } else if WASI.contains(&interface.package.as_str()) && interface.version.is_some_and(|(major, minor, _)| (major, minor) == (0, 2)) {
        // Its types alone send nothing: a language runtime may import them for nothing.
        if interface.package == "wasi:http" && interface.interface == "outgoing-handler" { ImportKind::Http } else { ImportKind::Wasi }
    } else {
        return Err(format!("`{interface}` ({}): neither of `cofferdam:storage` nor of WASI 0.2", functions.join(", ")));
    };
    Ok(Import { interface, functions, kind })
}
