//! Builds the example drivers in other languages, as `cofferdam build` does, into `target/drivers/<name>.wasm`.
//!
//! They are found, not listed: each folder of `example-drivers/` with a `cofferdam.toml`. Each is built in a copy below `target/projects/`, so that the sources
//! stay as they were committed. One whose tools are missing is skipped, and says so.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_build::{Error, Project, project};
use walkdir::WalkDir;

use crate::skeletons::{self, Outcome};
use crate::workspace::Workspace;

/// Builds the projects that are older than their sources, their SDK or the contract; answers each one's name and what came of it.
///
/// # Errors
/// A tool that is there and fails, with what it printed.
pub(crate) fn build_all(workspace: &Workspace) -> Result<Vec<(String, Outcome)>> {
    let examples = workspace.root().join("example-drivers");
    let mut outcomes = Vec::new();
    for entry in fs::read_dir(&examples).with_context(|| format!("reading {}", examples.display()))? {
        let folder = entry?.path();
        if project::is_project(&folder.join(project::FILE)) {
            outcomes.push(build(workspace, &folder)?);
        }
    }
    outcomes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(outcomes)
}

fn build(workspace: &Workspace, folder: &Path) -> Result<(String, Outcome)> {
    let project = Project::find(folder)?;
    let output = workspace.target().join("drivers").join(format!("{}.wasm", project.name));
    // This program carries the contract and the SDKs: another one builds anew.
    let own = std::env::current_exe()?;
    if skeletons::is_fresh(&output, &[&own, folder])? {
        return Ok((project.name, Outcome::Built(output)));
    }
    let copied = copy(folder, &workspace.target().join("projects").join(&project.name))?;
    let tools = skeletons::tools(workspace.root()).as_they_are();
    match cofferdam_build::build(&copied, &tools, &mut |_| {}) {
        Ok(built) => {
            cofferdam_build::replace(&output, &fs::read(&built.component)?)?;
            // The same component is as fresh as another one.
            fs::File::open(&output)?.set_modified(std::time::SystemTime::now())?;
            Ok((project.name, Outcome::Built(output)))
        }
        Err(missing @ Error::Missing { .. }) => {
            Ok((project.name, Outcome::Skipped(format!("{missing}; `cargo xtask skeletons --install` installs it"))))
        }
        Err(error) => Err(error).with_context(|| format!("building {}", project.name)),
    }
}

/// The project as it is in the repository, in another folder.
fn copy(from: &Path, to: &Path) -> Result<Project> {
    let is_source = |name: &str| !name.starts_with('.') && !name.ends_with(".wasm");
    for entry in WalkDir::new(from).into_iter().filter_entry(|entry| entry.depth() == 0 || entry.file_name().to_str().is_some_and(is_source)) {
        let entry = entry?;
        let at = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&at)?;
        } else {
            cofferdam_build::replace(&at, &fs::read(entry.path())?)?;
        }
    }
    Ok(Project::find(to)?)
}
