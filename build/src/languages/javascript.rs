//! JavaScript and TypeScript: the compiler for the latter, then one of two engines.

use std::path::Path;
use std::process::Command;

use super::{read, unfinished};
use crate::error::Result;
use crate::language::{Engine, Language};
use crate::process;
use crate::project::Project;
use crate::tools::{Packages, Tools};

/// The small engine.
pub const QUICKJS: Packages =
    Packages { language: "JavaScript", folder: "javascript-componentize-qjs-0.4.5", names: &["componentize-qjs@0.4.5", "esbuild@0.28.2"] };

/// The large one.
pub const STARLINGMONKEY: Packages = Packages {
    language: "JavaScript",
    folder: "javascript-componentize-js-0.23.0",
    names: &["@bytecodealliance/componentize-js@0.23.0", "esbuild@0.28.2"],
};

/// The compiler of TypeScript.
pub const TYPESCRIPT: Packages = Packages { language: "TypeScript", folder: "typescript-5.9.3", names: &["typescript@5.9.3"] };

/// Makes a component of a JavaScript module as it is; `tools` is the folder of the engine's [`packages`].
///
/// # Errors
/// It does not parse, its top level throws, or an export of the world is missing: in the engine's words.
pub fn componentize(tools: &Path, engine: Engine, wit: &Path, world: &str, module: &Path, output: &Path) -> Result<()> {
    let bin = tools.join("node_modules/.bin");
    let mut command;
    match engine {
        Engine::QuickJs => {
            command = Command::new(bin.join("componentize-qjs"));
            // `--sync`: the contract has no async functions.
            command.arg("-w").arg(wit).args(["-n", world, "--sync", "-j"]).arg(module).arg("-o").arg(output);
        }
        Engine::StarlingMonkey => {
            command = Command::new(bin.join("componentize-js"));
            // Without these features the component imports no WASI at all.
            command.arg(module).arg("-w").arg(wit);
            command.args(["-n", world, "-d", "http", "fetch-event", "random", "stdio", "clocks", "-o"]).arg(output);
        }
    }
    process::run(&mut command).map(drop)
}

/// The packages of an engine.
pub fn packages(engine: Engine) -> &'static Packages {
    match engine {
        Engine::QuickJs => &QUICKJS,
        Engine::StarlingMonkey => &STARLINGMONKEY,
    }
}

/// The component of a project: the SDK's own script bundles the source with the SDK and embeds both.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    if project.language == Language::TypeScript {
        let compiler = tools.node(&TYPESCRIPT, step)?;
        step("checking types");
        let mut tsc = Command::new(compiler.join("node_modules/.bin/tsc"));
        process::run(tsc.current_dir(&project.root).args(["--noEmit", "--project", "tsconfig.json"]))?;
    }
    let node = process::need("node", "JavaScript", "install Node 20 or newer with npm (Debian: `apt-get install nodejs npm`)")?;
    let tools = tools.node(packages(project.engine), step)?;
    let (work, output) = (project.work(), unfinished(project)?);
    step(&format!("embedding {} and the driver", project.engine));
    let mut command = Command::new(node);
    command.current_dir(&project.root).arg(work.join("sdk/build/build.mjs")).arg("--source").arg(&project.source);
    command.arg("--wit").arg(work.join("wit")).args(["--world", &project.world]).args(["--engine", project.engine.name()]);
    process::run(command.arg("--work").arg(work.join("build")).arg("--tools").arg(tools).arg("--output").arg(&output))?;
    read(&output)
}
