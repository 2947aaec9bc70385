//! The component of the project that one is in.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use cofferdam_build::{Built, Project, Tools};

use crate::args::BuildArgs;
use crate::failure::Advised;
use crate::output::{self, Output};

/// Runs `build`.
///
/// # Errors
/// If there is no project, a tool is missing, or the sources do not become the component that the project promises.
pub(crate) async fn run(arguments: &BuildArgs, quiet: bool) -> Result<()> {
    let project = project(&arguments.path)?;
    let mut tools = match &arguments.tools {
        Some(folder) => Tools::at(std::path::absolute(folder)?),
        None => Tools::of_the_user()?,
    };
    if arguments.offline {
        tools = tools.as_they_are();
    }
    let (built, took) = build(project, tools, quiet).await?;
    if !quiet {
        let mut output = Output::new();
        output.line(format_args!("{}  {}  {took:.1} s", built.component.display(), output::size(built.size)))?;
        output.finish()?;
    }
    Ok(())
}

/// Builds a project, with a line a step on standard error; answers how many seconds it took.
///
/// # Errors
/// As [`run`].
pub(crate) async fn build(project: Project, tools: Tools, quiet: bool) -> Result<(Built, f64)> {
    let began = Instant::now();
    let mut step = move |text: &str| {
        if !quiet {
            eprintln!("{text}");
        }
    };
    // Compilers take their time, and signals are to be heard meanwhile.
    let built = tokio::task::spawn_blocking(move || cofferdam_build::build(&project, &tools, &mut step)).await.context("the build broke off")??;
    Ok((built, began.elapsed().as_secs_f64()))
}

/// The project that `folder` is in.
///
/// # Errors
/// If there is none, or its file is wrong.
pub(crate) fn project(folder: &Path) -> Result<Project> {
    Project::find(folder).map_err(|error| match error {
        none @ cofferdam_build::Error::NoProject(_) => {
            Advised::new(none.to_string(), "name a driver's .wasm, or begin a project: cofferdam new --lang python NAME").into()
        }
        other => other.into(),
    })
}

/// The component of the project that one is in.
///
/// # Errors
/// If there is no project, or it was not built.
pub(crate) fn component() -> Result<PathBuf> {
    let project = project(Path::new("."))?;
    check_built(&project)?;
    Ok(project.component)
}

/// Checks that the component of a project is there.
///
/// # Errors
/// If it was not built.
pub(crate) fn check_built(project: &Project) -> Result<()> {
    match project.component.exists() {
        true => Ok(()),
        false => Err(Advised::new(format!("{} is not there", project.component.display()), "cofferdam build").into()),
    }
}
