//! Builds the skeleton drivers of `tests/skeletons/`, one a toolchain, into `target/drivers/skeleton-<toolchain>.wasm`.
//!
//! The Rust one is built with the other guests. The tools of these are those of `cofferdam build`, kept in `target/tools/`, where
//! [`install_tools`] puts them; a skeleton whose tool is missing is skipped, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use cofferdam_build::languages::{c, go, javascript, python};
use cofferdam_build::{Engine, Error, Tools, contract};

/// The world that every skeleton implements.
const WORLD: &str = "everything";

/// What came of building a skeleton.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is at this path, built now or before from the same sources.
    Built(PathBuf),
    /// It could not be built, and why: the tool that is missing.
    Skipped(String),
}

struct Skeleton {
    toolchain: &'static str,
    source: &'static str,
    build: fn(&Paths, source: &Path, output: &Path) -> cofferdam_build::Result<()>,
}

const SKELETONS: &[Skeleton] = &[
    Skeleton { toolchain: "c", source: "c/driver.c", build: build_c },
    Skeleton { toolchain: "python", source: "python/app.py", build: build_python },
    Skeleton { toolchain: "quickjs", source: "quickjs/driver.js", build: |paths, source, output| build_js(paths, Engine::QuickJs, source, output) },
    Skeleton {
        toolchain: "starlingmonkey",
        source: "starlingmonkey/driver.js",
        build: |paths, source, output| build_js(paths, Engine::StarlingMonkey, source, output),
    },
];

/// Where things are in the workspace.
struct Paths {
    wit: PathBuf,
    sources: PathBuf,
    drivers: PathBuf,
    /// For what lies between a source and its component.
    work: PathBuf,
    /// As they are: a build of the workspace installs nothing.
    tools: Tools,
}

impl Paths {
    fn new(workspace: &Path) -> Self {
        let target = workspace.join("target");
        Self {
            wit: workspace.join("wit"),
            sources: workspace.join("tests/skeletons"),
            drivers: target.join("drivers"),
            work: target.join("skeletons"),
            tools: tools(workspace).as_they_are(),
        }
    }
}

/// The tools of the workspace's tests.
pub(crate) fn tools(workspace: &Path) -> Tools {
    Tools::at(workspace.join("target/tools"))
}

/// Builds the skeletons that are older than their source or the contract; answers each one's name and what came of it.
///
/// # Errors
/// A tool that is there and fails, with what it printed.
pub(crate) fn build_all(workspace: &Path) -> Result<Vec<(String, Outcome)>> {
    let paths = Paths::new(workspace);
    fs::create_dir_all(&paths.drivers)?;
    fs::create_dir_all(&paths.work)?;
    SKELETONS.iter().map(|skeleton| Ok((format!("skeleton-{}", skeleton.toolchain), build(&paths, skeleton)?))).collect()
}

fn build(paths: &Paths, skeleton: &Skeleton) -> Result<Outcome> {
    let source = paths.sources.join(skeleton.source);
    let name = format!("skeleton-{}.wasm", skeleton.toolchain);
    let output = paths.drivers.join(&name);
    // This program knows the versions of the tools: another one builds anew.
    let own = std::env::current_exe()?;
    if is_fresh(&output, &[&own, &source, &paths.wit])? {
        return Ok(Outcome::Built(output));
    }
    // Moved into place when it is whole, so that an interrupted build is not taken for a fresh one.
    let unfinished = paths.work.join(&name);
    match (skeleton.build)(paths, &source, &unfinished) {
        Ok(()) => {}
        Err(missing @ Error::Missing { .. }) => {
            return Ok(Outcome::Skipped(format!("{missing}; `cargo xtask skeletons --install` installs it")));
        }
        Err(error) => return Err(error).with_context(|| format!("building skeleton-{}", skeleton.toolchain)),
    }
    fs::rename(&unfinished, &output)?;
    Ok(Outcome::Built(output))
}

/// Whether `output` is newer than every input, where an input that is a folder stands for its files.
pub(crate) fn is_fresh(output: &Path, inputs: &[&Path]) -> Result<bool> {
    let Ok(built) = fs::metadata(output).and_then(|metadata| metadata.modified()) else { return Ok(false) };
    let mut newest = SystemTime::UNIX_EPOCH;
    for input in inputs {
        newest = newest.max(fs::metadata(input)?.modified()?);
        if input.is_dir() {
            for file in fs::read_dir(input)? {
                newest = newest.max(file?.metadata()?.modified()?);
            }
        }
    }
    Ok(newest < built)
}

fn build_c(paths: &Paths, source: &Path, output: &Path) -> cofferdam_build::Result<()> {
    let bindings = paths.work.join("c");
    let compiler = c::Compiler::find(&paths.tools, &mut silent)?;
    contract::bindings_c(&paths.wit, WORLD, &bindings)?;
    let sources =
        c::Sources { files: &[source.to_owned()], headers: &[], flags: &[], bindings: &bindings, world: WORLD, work: &paths.work.join("c-objects") };
    cofferdam_build::replace(output, &c::compile(&compiler, &sources, &mut silent)?).map(drop)
}

fn build_python(paths: &Paths, source: &Path, output: &Path) -> cofferdam_build::Result<()> {
    let bin = paths.tools.python(&python::TOOLS, &mut silent)?;
    let module = source.file_stem().unwrap_or_default().to_string_lossy();
    let folder = source.parent().unwrap_or(&paths.sources);
    python::componentize(&bin, &paths.wit, WORLD, &module, &[folder], output)
}

fn build_js(paths: &Paths, engine: Engine, source: &Path, output: &Path) -> cofferdam_build::Result<()> {
    let tools = paths.tools.node(javascript::packages(engine), &mut silent)?;
    javascript::componentize(&tools, engine, &paths.wit, WORLD, source, output)
}

/// What is said while nothing is installed.
fn silent(_: &str) {}

/// Installs the pinned tools of all languages into `target/tools/`, unless they are there.
///
/// # Errors
/// `python3` with `venv`, or `npm`, is missing or fails.
pub(crate) fn install_tools(workspace: &Path) -> Result<()> {
    let (tools, mut step) = (tools(workspace), |text: &str| eprintln!("{text}"));
    c::Compiler::find(&tools, &mut step)?;
    tools.python(&python::TOOLS, &mut step)?;
    go::compiler(&tools, &mut step)?;
    tools.node(&javascript::TYPESCRIPT, &mut step)?;
    for engine in [Engine::QuickJs, Engine::StarlingMonkey] {
        tools.node(javascript::packages(engine), &mut step)?;
    }
    Ok(())
}
