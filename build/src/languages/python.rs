//! Python: componentize-py, which has the interpreter, runs the module's top level once and keeps what it made.

use std::path::Path;
use std::process::Command;

use super::{read, unfinished};
use crate::error::{Error, Result};
use crate::process;
use crate::project::Project;
use crate::tools::{Packages, Tools};

/// Pinned, because the interpreter and the bindings change between versions.
pub const TOOLS: Packages = Packages { language: "Python", folder: "python-componentize-py-0.25.1", names: &["componentize-py==0.25.1"] };

/// Makes a component of a Python module, which may import from these folders.
///
/// # Errors
/// Its top level raises, or a class of the world is missing: in Python's words.
pub fn componentize(bin: &Path, wit: &Path, world: &str, module: &str, folders: &[&Path], output: &Path) -> Result<()> {
    let mut command = Command::new(process::executable(bin, "componentize-py"));
    // Of what went wrong the author needs Python's own words, not where the tool was when it heard them.
    command.env("RUST_BACKTRACE", "0");
    command.arg("-d").arg(wit).args(["-w", world, "componentize"]);
    folders.iter().for_each(|folder| {
        command.arg("-p").arg(folder);
    });
    process::run(command.arg(module).arg("-o").arg(output)).map(drop)
}

/// The component of a project.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let bin = tools.python(&TOOLS, step)?;
    let module = project.source.file_stem().map(|name| name.to_string_lossy().into_owned());
    let module = module.ok_or_else(|| Error::Contract { what: format!("{} is no Python module", project.source.display()) })?;
    let output = unfinished(project)?;
    step(&format!("embedding Python and {module}.py (half a minute)"));
    let own = project.source.parent().unwrap_or(&project.root);
    let (sdk, packaged) = (project.work().join("sdk"), project.work().join("sdk/src"));
    let mut folders = vec![own, &sdk];
    if packaged.is_dir() {
        folders.push(&packaged);
    }
    componentize(&bin, &project.work().join("wit"), &project.world, &module, &folders, &output)?;
    read(&output)
}
