//! The steps from a project's sources to its component, one module a language.

pub mod c;
pub mod go;
pub mod javascript;
pub mod python;
pub mod rust;

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::language::Language;
use crate::project::Project;
use crate::tools::Tools;

/// The component of a project whose work folder has the contract and the SDK.
pub(crate) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    match project.language {
        Language::Rust => rust::component(project, tools, step),
        Language::C => c::component(project, tools, step),
        Language::Go => go::component(project, tools, step),
        Language::Python => python::component(project, tools, step),
        Language::JavaScript | Language::TypeScript => javascript::component(project, tools, step),
    }
}

/// What a tool has written to a file.
fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(Error::file("read", file))
}

/// Where a tool writes what is not yet checked.
fn unfinished(project: &Project) -> Result<PathBuf> {
    let folder = project.work().join("out");
    fs::create_dir_all(&folder).map_err(Error::file("make the folder", &folder))?;
    let file = folder.join("driver.wasm");
    // A tool that fails without saying so must not leave the former one to be taken for its work.
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", &file)(error)),
        _ => Ok(file),
    }
}
