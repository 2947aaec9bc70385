//! C and C++: bindings made here, any compiler for WASI, and the adapter, of which only what the C library calls is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::read;
use crate::component::{Adapter, encode};
use crate::contract;
use crate::error::{Error, Result};
use crate::process;
use crate::project::Project;
use crate::tools::{Packages, Tools};

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
    /// The author's: that of [`OWN`], or a clang that has a C library for WASI; else ziglang, which is installed.
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
pub fn compile(compiler: &Compiler, sources: &Sources<'_>) -> Result<Vec<u8>> {
    let Sources { files, headers, bindings, world, work } = sources;
    fs::create_dir_all(work).map_err(Error::file("make the folder", work))?;
    // A world is called in C as its name is with underscores.
    let stem = world.replace('-', "_");
    let mut objects = Vec::new();
    let generated = bindings.join(format!("{stem}.c"));
    for (at, file) in files.iter().chain([&generated]).enumerate() {
        let object = work.join(format!("{at}.o"));
        let is_c = file.extension().is_some_and(|extension| extension == "c");
        let mut command = Compiler::command(if is_c { &compiler.c } else { &compiler.cpp });
        command.args(["-c", "-Os", "-g0", "-Wall", "-Wextra"]);
        if !is_c {
            command.args(["-fno-exceptions", "-fno-rtti"]);
        }
        if file == &generated {
            // Nobody can cure a warning in what is generated.
            command.arg("-w");
        }
        command.arg("-I").arg(bindings);
        headers.iter().for_each(|folder| {
            command.arg("-I").arg(folder);
        });
        process::run(command.arg(file).arg("-o").arg(&object))?;
        objects.push(object);
    }
    let core = work.join("core.wasm");
    let all_c = files.iter().all(|file| file.extension().is_some_and(|extension| extension == "c"));
    let mut link = Compiler::command(if all_c { &compiler.c } else { &compiler.cpp });
    link.args(["-mexec-model=reactor", "-Os", "-s"]).args(objects).arg(bindings.join(format!("{stem}_component_type.o"))).arg("-o").arg(&core);
    process::run(&mut link)?;
    encode(&read(&core)?, Adapter::Reactor)
}

/// The component of a project.
pub(super) fn component(project: &Project, tools: &Tools, step: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let bindings = project.work().join("bindings");
    contract::bindings_c(&project.work().join("wit"), &project.world, &bindings)?;
    let compiler = Compiler::find(tools, step)?;
    step(&format!("compiling {}", project.source.strip_prefix(&project.root).unwrap_or(&project.source).display()));
    let sdk = project.work().join("sdk");
    let own = project.source.parent().unwrap_or(&project.root).to_owned();
    let mut files = sources(&own, |file| *file != project.source)?;
    files.insert(0, project.source.clone());
    files.extend(sources(&sdk, |_| true)?);
    let sources = Sources {
        files: &files,
        headers: &[own, sdk.clone(), sdk.join("include")],
        bindings: &bindings,
        world: &project.world,
        work: &project.work().join("objects"),
    };
    compile(&compiler, &sources)
}

/// The sources of C and C++ in a folder, in the order of their names.
fn sources(folder: &Path, wanted: impl Fn(&PathBuf) -> bool) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_source = |file: &PathBuf| file.extension().is_some_and(|extension| ["c", "cc", "cpp", "cxx"].iter().any(|known| extension == *known));
    let mut files: Vec<_> = files.filter(|file| is_source(file) && wanted(file)).collect();
    files.sort();
    Ok(files)
}
