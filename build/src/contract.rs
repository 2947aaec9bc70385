//! The contract as the tools read it: its worlds, and the world of a project.

use std::path::Path;
use std::sync::LazyLock;

use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

use crate::carried;
use crate::error::{Error, Result};
use crate::files::{self, Tree};
use crate::project::Project;

/// The names of the contract's worlds.
///
/// # Errors
/// What is carried is no contract.
pub(crate) fn worlds() -> Result<Vec<String>> {
    static WORLDS: LazyLock<std::result::Result<Vec<String>, String>> = LazyLock::new(|| {
        let mut all = wit_parser::SourceMap::new();
        carried::wit().for_each(|(name, bytes)| all.push_str(name, String::from_utf8_lossy(bytes)));
        let group: UnresolvedPackageGroup = all.parse().map_err(|(_, error)| format!("{error:?}"))?;
        Ok(group.main.worlds.iter().map(|(_, world)| world.name.clone()).collect())
    });
    WORLDS.clone().map_err(|error| Error::contract("the contract", error))
}

/// Writes the contract into the project's work folder, with the project's own world beside it.
///
/// # Errors
/// A file cannot be read or written.
pub(crate) fn write(project: &Project) -> Result<()> {
    let own =
        project.wit.as_deref().map(|file| -> Result<_> { Ok((Path::new("project.wit"), std::fs::read(file).map_err(Error::file("read", file))?)) });
    let own = own.transpose()?;
    let mut tree = Tree::new(project.work().join("wit"));
    for (name, bytes) in carried::wit() {
        tree.put(Path::new(name), bytes)?;
    }
    if let Some((name, bytes)) = own {
        tree.put(name, &bytes)?;
    }
    tree.finish()
}

/// The contract in a folder, and its world of this name.
///
/// # Errors
/// It does not parse, or has no such world.
pub fn resolve(wit: &Path, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|error| Error::contract(wit.display(), format!("{error:#}")))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|error| Error::contract(world, format!("{error:#}")))?;
    Ok((resolve, world))
}

/// Writes the C bindings of a world into a folder.
///
/// # Errors
/// The contract does not resolve, or a file cannot be written.
pub fn bindings_c(wit: &Path, world: &str, folder: &Path) -> Result<()> {
    let (mut resolve, id) = resolve(wit, world)?;
    let mut made = wit_bindgen_core::Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut resolve, id, &mut made).map_err(|error| Error::contract("the C bindings", format!("{error:#}")))?;
    let mut tree = Tree::new(folder.to_owned());
    for (name, bytes) in made.iter() {
        tree.put(Path::new(name), bytes)?;
    }
    tree.finish()
}

/// Writes the SDK of the project's language into its work folder.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write_sdk(project: &Project) -> Result<()> {
    let mut tree = Tree::new(project.work().join("sdk"));
    for (name, bytes) in carried::sdk(project.language) {
        tree.put(Path::new(name), bytes)?;
    }
    tree.finish()?;
    // For whoever commits the folder by mistake, or looks where it comes from.
    files::replace(
        &project.work().join("README"),
        b"Written by `cofferdam build`, and written again when it is not as it should be: not for editing.\n",
    )
    .map(drop)
}
