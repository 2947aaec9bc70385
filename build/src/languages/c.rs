//! C and C++: bindings made here, any compiler for WASI, and the adapter, of which only what the C library calls is left.
//!
//! A project is compiled against the bindings of the whole contract, which the SDK maps to its one struct, and described by the project's own
//! world: what that does not export is dropped when the component is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::read;
use crate::component::{Adapter, embed, encode};
use crate::contract;
use crate::error::{Error, Result};
use crate::project::Project;
use crate::tools::{Packages, Tools};
use crate::{files, process};

/// The compiler for authors who have none that can make WebAssembly.
pub const TOOLS: Packages = Packages { language: "C", folder: "c-ziglang-0.17.1", names: &["ziglang==0.17.1"] };

/// Where the author's own SDK is, as that documents it.
const OWN: &str = "WASI_SDK_PATH";

/// A compiler, with what makes it compile for WASI.
#[derive(Debug, Clone)]
pub struct Compiler {
    c: Vec<String>,
    cpp: Vec<String>,
}

impl Compiler {
    /// The author's: that of `WASI_SDK_PATH`, or a clang that has a C library for WASI; else ziglang, which is installed.
    ///
    /// # Errors
    /// There is neither, and Python, which ziglang is installed with, is not there.
    pub fn find(tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Self> {
        if let Some(sdk) = std::env::var_os(OWN).filter(|sdk| !sdk.is_empty()) {
            let bin = Path::new(&sdk).join("bin");
            return Ok(Self::clang(&process::executable(&bin, "clang"), &process::executable(&bin, "clang++")));
        }
        if let (Some(clang), Some(cpp)) = (process::find("clang"), process::find("clang++")) {
            let own = Self::clang(&clang, &cpp);
            if own.works() {
                return Ok(own);
            }
        }
        let python = process::executable(&tools.python(&TOOLS, step)?, "python").display().to_string();
        let zig = |driver: &str| [&python, "-m", "ziglang", driver, "-target", "wasm32-wasi"].map(str::to_owned).to_vec();
        Ok(Self { c: zig("cc"), cpp: zig("c++") })
    }

    fn clang(c: &Path, cpp: &Path) -> Self {
        let with = |program: &Path| vec![program.display().to_string(), "--target=wasm32-wasip1".to_owned()];
        Self { c: with(c), cpp: with(cpp) }
    }

    fn command(words: &[String]) -> Command {
        let mut words = words.iter();
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command.args(words);
        command
    }

    /// Whether it can make a module that uses the C library.
    fn works(&self) -> bool {
        let Ok(folder) = tempfile::tempdir() else { return false };
        let source = folder.path().join("probe.c");
        let text = "#include <stdlib.h>\n__attribute__((export_name(\"probe\"))) void *probe(void) { return malloc(1); }\n";
        let mut command = Self::command(&self.c);
        command.arg("-mexec-model=reactor").arg(&source).arg("-o").arg(folder.path().join("probe.wasm"));
        fs::write(&source, text).is_ok() && process::ask(&mut command).is_some()
    }
}

/// What is compiled, and with what.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The author's, and those of the SDK; `.c` and C++.
    pub files: &'a [PathBuf],
    /// Where headers are, besides the bindings.
    pub headers: &'a [PathBuf],
    /// What the compiler is told besides.
    pub flags: &'a [&'a str],
    /// The folder of the bindings.
    pub bindings: &'a Path,
    /// The world that they are of.
    pub world: &'a str,
    /// For what lies between sources and component.
    pub work: &'a Path,
}

/// Compiles and links sources with the bindings of their world; answers the component.
///
/// # Errors
/// They do not compile, in the compiler's words; or an export of the world is missing.
pub fn compile(compiler: &Compiler, sources: &Sources<'_>, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let description = sources.bindings.join(format!("{}_component_type.o", stem(sources.world)));
    encode(&link(compiler, sources, &description, step)?, Adapter::Reactor)
}

/// A world is called in C as its name is with underscores.
fn stem(world: &str) -> String {
    world.replace('-', "_")
}

/// Compiles, and links with one more object; answers the core module.
fn link(compiler: &Compiler, sources: &Sources<'_>, object: &Path, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let Sources { files, headers, flags, bindings, world, work } = sources;
    fs::create_dir_all(work).map_err(Error::file("make the folder", work))?;
    let mut objects = vec![object.to_owned()];
    let generated = bindings.join(format!("{}.c", stem(world)));
    for (at, file) in files.iter().chain([&generated]).enumerate() {
        let object = work.join(format!("{at}.o"));
        let mut command = Compiler::command(if is_c(file) { &compiler.c } else { &compiler.cpp });
        command.args(["-c", "-Os", "-g0"]).args(*flags);
        if is_c(file) {
            command.args(["-std=c11", "-D_GNU_SOURCE"]);
        } else {
            command.args(["-fno-exceptions", "-fno-rtti"]);
        }
        // Nobody can cure a warning in what is generated.
        command.args(if file == &generated { &["-w"][..] } else { &WARNINGS });
        for folder in *headers {
            command.arg("-I").arg(folder);
        }
        let printed = process::run(command.arg("-isystem").arg(bindings).arg(file).arg("-o").arg(&object))?.stderr;
        if !printed.is_empty() {
            step(&printed);
        }
        objects.push(object);
    }
    let core = work.join("core.wasm");
    let mut link = Compiler::command(if files.iter().all(|file| is_c(file)) { &compiler.c } else { &compiler.cpp });
    process::run(link.args(["-mexec-model=reactor", "-Os", "-s"]).args(STACK).args(objects).arg("-o").arg(&core))?;
    read(&core)
}

/// As much stack as Rust has, where ziglang would take 16 MiB of each instance.
const STACK: [&str; 1] = ["-Wl,-z,stack-size=1048576"];

/// What a C compiler lets pass by itself, and is never meant: a function of another type in the driver's struct, and one that answers nothing.
const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Werror=incompatible-pointer-types", "-Werror=int-conversion", "-Werror=return-type"];

fn is_c(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "c")
}

/// The world whose bindings the SDK is written for.
const EVERYTHING: &str = "everything";

/// The generated bindings ask for the description of their world by this name. The project's world is embedded instead.
const NO_DESCRIPTION: &str =
    "void __component_type_object_force_link_everything(void);\nvoid __component_type_object_force_link_everything(void) {}\n";

/// The component of a project.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let (wit, bindings, work) = (project.work().join("wit"), project.work().join("bindings"), project.work().join("objects"));
    contract::bindings_c(&wit, EVERYTHING, &bindings)?;
    let compiler = Compiler::find(tools, step)?;
    step(&format!("compiling {}", project.source.strip_prefix(&project.root).unwrap_or(&project.source).display()));
    let sdk = project.work().join("sdk");
    let own = project.source.parent().unwrap_or(&project.root).to_owned();
    let mut files = sources(&own)?;
    files.extend(sources(&sdk)?);
    let (description, object) = (work.join("no_description.c"), work.join("no_description.o"));
    files::replace(&description, NO_DESCRIPTION.as_bytes())?;
    process::run(Compiler::command(&compiler.c).args(["-c", "-Os"]).arg(&description).arg("-o").arg(&object))?;
    let sources = Sources {
        files: &files,
        headers: &[own, sdk],
        // Assertions stay on, and say where they failed in the host's log.
        flags: &["-UNDEBUG", "-D__assert_fail=cd_assert_fail"],
        bindings: &bindings,
        world: EVERYTHING,
        work: &work,
    };
    let mut core = link(&compiler, &sources, &object, step)?;
    let (resolve, world) = contract::resolve(&wit, &project.world)?;
    embed(&mut core, &resolve, world)?;
    encode(&core, Adapter::Reactor)
}

/// The sources of C and C++ in a folder, in the order of their names.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_source = |file: &PathBuf| file.extension().is_some_and(|extension| ["c", "cc", "cpp", "cxx"].iter().any(|known| extension == *known));
    let mut files: Vec<_> = files.filter(is_source).collect();
    files.sort();
    Ok(files)
}
