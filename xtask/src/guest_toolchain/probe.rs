//! Looks at compilers that are there: can this one compile guests?

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{Std, TARGET, Toolchain};
use crate::process;

/// The oldest rustc that compiles the workspace.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// A compiler, with the cargo that belongs to it.
#[derive(Debug)]
pub(super) struct Compiler {
    pub(super) rustc: PathBuf,
    pub(super) cargo: PathBuf,
    /// What `rustc -vV` prints.
    pub(super) version: String,
    sysroot: PathBuf,
}

impl Compiler {
    /// The compiler that `rustc` starts here; past rustup's proxies, which would look at the environment again.
    pub(super) fn current() -> Result<Self> {
        let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
        let sysroot = sysroot(&rustc)?;
        Self::at(&sysroot.join("bin"))
    }

    /// The compiler in a folder of executables.
    pub(super) fn at(folder: &Path) -> Result<Self> {
        let rustc = executable(folder, "rustc")?;
        let cargo = executable(folder, "cargo")?;
        let version = version(&rustc)?;
        let release = field(&version, "release").unwrap_or_default();
        ensure!(number(release) >= number(OLDEST), "{} is of version {release}, and {OLDEST} is needed", rustc.display());
        let sysroot = sysroot(&rustc)?;
        Ok(Self { rustc, cargo, version, sysroot })
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    fn toolchain(self, std: Std) -> Result<Toolchain> {
        let linker = self.linker()?;
        Ok(Toolchain { cargo: self.cargo, rustc: self.rustc, version: self.version, std, linker })
    }

    /// The linker for WebAssembly: none to name where rustc brings its own.
    fn linker(&self) -> Result<Option<PathBuf>> {
        let host = field(&self.version, "host").unwrap_or_default();
        if self.rustlib().join(host).join("bin").join(format!("rust-lld{}", std::env::consts::EXE_SUFFIX)).is_file() {
            return Ok(None);
        }
        let linker = process::find("rust-lld").or_else(|| newest_wasm_ld(&path()));
        Ok(Some(linker.context("there is no linker for WebAssembly: neither rust-lld nor wasm-ld (on Debian in lld-22)")?))
    }
}

/// A toolchain of `compiler` with the target as it is installed.
pub(super) fn installed(compiler: Compiler) -> Result<Toolchain> {
    let std = compiler.rustlib().join(TARGET).join("lib");
    let holds_std = fs::read_dir(&std).is_ok_and(|files| {
        files.flatten().any(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    });
    ensure!(holds_std, "{TARGET} is not installed for it: {} holds no libstd", std.display());
    compiler.toolchain(Std::Installed(std))
}

/// A toolchain of `compiler` that compiles the standard library first.
pub(super) fn sources(compiler: Compiler) -> Result<Toolchain> {
    let library = compiler.rustlib().join("src/rust/library");
    ensure!(library.join("std/Cargo.toml").is_file() && library.join("Cargo.lock").is_file(), "{} does not hold them", library.display());
    compiler.toolchain(Std::Sources(library))
}

/// A toolchain of the operating system's compiler, either way.
pub(super) fn system() -> Result<Toolchain> {
    let folder = Path::new("/usr/bin");
    if let Ok(toolchain) = installed(Compiler::at(folder)?) {
        return Ok(toolchain);
    }
    sources(Compiler::at(folder)?)
}

fn executable(folder: &Path, name: &str) -> Result<PathBuf> {
    let file = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(file.is_file(), "there is no {}", file.display());
    Ok(file)
}

/// What `rustc -vV` prints.
pub(super) fn version(rustc: &Path) -> Result<String> {
    ask(rustc, "-vV")
}

fn sysroot(rustc: &Path) -> Result<PathBuf> {
    Ok(PathBuf::from(ask(rustc, "--print=sysroot")?.trim()))
}

fn ask(rustc: &Path, question: &str) -> Result<String> {
    let output = Command::new(rustc).arg(question).stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", rustc.display()))?;
    if !output.status.success() {
        bail!("{} {question} failed: {}", rustc.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print text", rustc.display()))
}

/// A field of what `rustc -vV` prints.
fn field<'a>(version: &'a str, name: &str) -> Option<&'a str> {
    version.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// `1.95.0-nightly` as `(1, 95)`; what cannot be read is older than everything.
fn number(version: &str) -> (u32, u32) {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// `wasm-ld`, or the newest `wasm-ld-<version>`, as distributions name it.
fn newest_wasm_ld(folders: &[PathBuf]) -> Option<PathBuf> {
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let linkers = files.filter_map(|file| {
        let name = file.file_name();
        let suffix = name.to_str()?.strip_prefix("wasm-ld")?;
        let version = if suffix.is_empty() { u32::MAX } else { suffix.strip_prefix('-')?.parse().ok()? };
        Some((version, file.path()))
    });
    linkers.max_by_key(|(version, _)| *version).map(|(_, file)| file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(number("1.100.0") > number("1.95"));
        assert!(number("1.63.0") < number("1.95"));
        assert!(number("1.97.0-nightly") > number("1.95"));
        assert_eq!(number("?"), (0, 0));
    }

    #[test]
    fn fields_are_read_from_what_rustc_prints() {
        let version = "rustc 1.96.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\n";
        assert_eq!(field(version, "host"), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(field(version, "release"), Some("1.96.0"));
        assert_eq!(field(version, "commit-date"), None);
    }

    #[test]
    fn the_newest_linker_is_taken_and_the_unversioned_one_first() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        assert_eq!(newest_wasm_ld(&folders), None);
        for name in ["wasm-ld-9", "wasm-ld-22", "wasm-ld-old", "wasm-ldx"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(newest_wasm_ld(&folders), Some(folder.path().join("wasm-ld-22")));
        fs::write(folder.path().join("wasm-ld"), "").unwrap();
        assert_eq!(newest_wasm_ld(&folders), Some(folder.path().join("wasm-ld")));
    }

    #[test]
    fn the_current_compiler_is_past_the_proxies() {
        let compiler = Compiler::current().unwrap();
        assert!(compiler.rustc.starts_with(&compiler.sysroot), "{compiler:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Compiler::at(folder.path()).unwrap_err().to_string();
        assert!(error.contains("there is no") && error.contains("rustc"), "{error}");
    }
}
