//! From a project to its component: the steps that all languages share.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::project::Project;
use crate::tools::Tools;
use crate::{component, contract, files, languages};

/// A component that was built.
#[derive(Debug)]
#[non_exhaustive]
pub struct Built {
    /// Its file.
    pub component: PathBuf,
    /// How long that is.
    pub size: u64,
    /// Whether it is another than before.
    pub changed: bool,
}

/// Builds the component of a project; `step` is told what is being done.
///
/// # Errors
/// A tool is missing and cannot be had; the sources do not compile, in the compiler's own words; what they make is not what the world
/// asks for. The component that was there before is then there still.
pub fn build(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Built> {
    step("writing the contract, bindings and SDK into .cofferdam/");
    contract::write(project)?;
    contract::write_sdk(project)?;
    let made = languages::component(project, tools, step)?;
    step("checking the component against its world");
    component::check(&made, project)?;
    let changed = files::replace(&project.component, &made)?;
    let size = fs::metadata(&project.component).map_err(Error::file("read", &project.component))?.len();
    Ok(Built { component: project.component.clone(), size, changed })
}
