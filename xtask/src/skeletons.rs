//! Builds the skeleton drivers of `tests/skeletons/`, one a toolchain, into `target/drivers/skeleton-<toolchain>.wasm`.
//!
//! The Rust one is built with the other guests. The tools of these are looked for in `target/tools/`, where
//! [`install_tools`] puts them, then on `PATH`; a skeleton whose tool is missing is skipped, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use wasi_preview1_component_adapter_provider::{WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER};
use wit_component::ComponentEncoder;
use wit_parser::Resolve;

/// The world that every skeleton implements.
const WORLD: &str = "everything";

/// Pinned, because generated bindings and embedded engines change between versions.
const PYTHON_TOOLS: &[&str] = &["componentize-py==0.25.1", "ziglang==0.17.1"];

/// As [`PYTHON_TOOLS`].
const NODE_TOOLS: &[&str] = &["componentize-qjs@0.4.5", "@bytecodealliance/componentize-js@0.23.0"];

/// The folders in `target/tools/`, one a package manager.
const PACKAGES: [&str; 2] = ["python", "node"];

/// The file in each of them that says what is installed there.
const INSTALLED: &str = "installed.txt";

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
    /// The executable that builds it.
    tool: &'static str,
    build: fn(&Paths, tool: &Path, source: &Path, output: &Path) -> Result<()>,
}

const SKELETONS: &[Skeleton] = &[
    Skeleton { toolchain: "c", source: "c/driver.c", tool: "python-zig", build: build_c },
    Skeleton { toolchain: "python", source: "python/app.py", tool: "componentize-py", build: build_python },
    Skeleton { toolchain: "quickjs", source: "quickjs/driver.js", tool: "componentize-qjs", build: build_quickjs },
    Skeleton { toolchain: "starlingmonkey", source: "starlingmonkey/driver.js", tool: "componentize-js", build: build_starlingmonkey },
];

/// Where things are in the workspace.
struct Paths {
    wit: PathBuf,
    sources: PathBuf,
    drivers: PathBuf,
    /// For what lies between a source and its component.
    work: PathBuf,
    tools: PathBuf,
}

impl Paths {
    fn new(workspace: &Path) -> Self {
        let target = workspace.join("target");
        Self {
            wit: workspace.join("wit"),
            sources: workspace.join("tests/skeletons"),
            drivers: target.join("drivers"),
            work: target.join("skeletons"),
            tools: target.join("tools"),
        }
    }

    fn find(&self, tool: &str) -> Option<PathBuf> {
        let own = [self.tools.join("python/bin"), self.tools.join("node/node_modules/.bin")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        own.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(tool)).find(|file| file.is_file())
    }
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
    let installed = PACKAGES.map(|folder| paths.tools.join(folder).join(INSTALLED));
    let tools = installed.iter().map(PathBuf::as_path).filter(|stamp| stamp.exists());
    if is_fresh(&output, &tools.chain([&*source, &*paths.wit]).collect::<Vec<_>>())? {
        return Ok(Outcome::Built(output));
    }
    let Some(tool) = paths.find(skeleton.tool) else {
        return Ok(Outcome::Skipped(format!("{} not installed; `cargo xtask skeletons --install` installs it", skeleton.tool)));
    };
    // Moved into place when it is whole, so that an interrupted build is not taken for a fresh one.
    let unfinished = paths.work.join(&name);
    (skeleton.build)(paths, &tool, &source, &unfinished).with_context(|| format!("building skeleton-{}", skeleton.toolchain))?;
    fs::rename(&unfinished, &output)?;
    Ok(Outcome::Built(output))
}

/// Whether `output` is newer than every input, where an input that is a folder stands for its files.
fn is_fresh(output: &Path, inputs: &[&Path]) -> Result<bool> {
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

/// Runs a command; what it prints is shown only if it fails.
fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} could not be started"))?;
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    ensure!(output.status.success(), "{program} failed ({}):\n{}\n{}", output.status, printed(&output.stdout), printed(&output.stderr));
    Ok(())
}

/// `wit-bindgen c`, `zig cc`, and the preview 1 adapter, of which only what the C library calls is left.
fn build_c(paths: &Paths, tool: &Path, source: &Path, output: &Path) -> Result<()> {
    let generated = paths.work.join("c");
    fs::create_dir_all(&generated)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(&paths.wit)?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Default::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    for (name, text) in files.iter() {
        fs::write(generated.join(name), text)?;
    }
    let core = generated.join("core.wasm");
    run(Command::new(tool)
        .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s", "-Wall", "-I"])
        .arg(&generated)
        .arg(generated.join(format!("{WORLD}.c")))
        .arg(source)
        .arg(generated.join(format!("{WORLD}_component_type.o")))
        .arg("-o")
        .arg(&core))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&fs::read(&core)?)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
        .encode()?;
    Ok(fs::write(output, component)?)
}

fn build_python(paths: &Paths, tool: &Path, source: &Path, output: &Path) -> Result<()> {
    let module = source.file_stem().context("a module has a name")?;
    let folder = source.parent().context("a module is in a folder")?;
    run(Command::new(tool).arg("-d").arg(&paths.wit).args(["-w", WORLD, "componentize", "-p"]).arg(folder).arg(module).arg("-o").arg(output))
}

fn build_quickjs(paths: &Paths, tool: &Path, source: &Path, output: &Path) -> Result<()> {
    // `--sync`: the contract has no async functions.
    run(Command::new(tool).arg("-w").arg(&paths.wit).args(["-n", WORLD, "--sync", "-j"]).arg(source).arg("-o").arg(output))
}

fn build_starlingmonkey(paths: &Paths, tool: &Path, source: &Path, output: &Path) -> Result<()> {
    // Without these features the component imports no WASI at all.
    run(Command::new(tool)
        .arg(source)
        .arg("-w")
        .arg(&paths.wit)
        .args(["-n", WORLD, "-d", "http", "fetch-event", "random", "stdio", "clocks", "-o"])
        .arg(output))
}

/// Installs the pinned tools into `target/tools/`, unless they are there.
///
/// # Errors
/// `python3` with `venv`, or `npm`, is missing or fails.
pub(crate) fn install_tools(workspace: &Path) -> Result<()> {
    let tools = Paths::new(workspace).tools;
    let [python, node] = PACKAGES.map(|folder| tools.join(folder));
    install_python(&python, PYTHON_TOOLS)?;
    install_node(&node, NODE_TOOLS)
}

/// Installs packages of npm into a folder of their own, unless they are there.
///
/// # Errors
/// `npm` is missing or fails.
pub(crate) fn install_node(folder: &Path, packages: &[&str]) -> Result<()> {
    install(folder, packages, || {
        // Of its own, so that npm does not look for a package in the folders above.
        fs::write(folder.join("package.json"), r#"{ "private": true }"#)?;
        run(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--save-exact", "--prefix"]).arg(folder).args(packages))
            .context("on Debian: apt-get install nodejs npm (Node 20 or newer)")
    })
}

/// Installs packages of PyPI into an environment of their own, unless they are there.
///
/// # Errors
/// `python3` with `venv` is missing or fails.
pub(crate) fn install_python(folder: &Path, packages: &[&str]) -> Result<()> {
    install(folder, packages, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder)).context("on Debian: apt-get install python3-venv")?;
        run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))
    })
}

/// Runs `install` for a folder that does not hold `packages` yet; a file in it says when it does.
fn install(folder: &Path, packages: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join(INSTALLED);
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    install().with_context(|| format!("installing {}", packages.join(", ")))?;
    Ok(fs::write(stamp, wanted)?)
}
