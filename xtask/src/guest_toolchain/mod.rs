//! The Rust toolchain that compiles guests: the first way to one that works.
//!
//! The ways are those of [`WAYS`], tried in that order; each says on standard error what it does and why it fell
//! through. What was found is remembered in `target/`, so that later runs are quiet and take no time.

mod probe;
mod provision;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// What guests are compiled for: it has no operating system, so a component imports just what its driver calls.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Restricts the search to one way, by its name: for those who have several, and to try each.
const CHOICE: &str = "COFFERDAM_GUEST_TOOLCHAIN";

/// A toolchain that can compile guests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// What `rustc -vV` prints: another compiler at the same place is noticed.
    version: String,
    std: Std,
    /// The linker, where rustc does not bring its own.
    linker: Option<PathBuf>,
}

/// Where a guest's standard library comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Std {
    /// Compiled, in this folder.
    Installed(PathBuf),
    /// Its sources are in this folder, and are compiled with the guests.
    Sources(PathBuf),
}

/// One way to a toolchain.
struct Way {
    name: &'static str,
    /// Continues "trying: ".
    what: &'static str,
    /// What a person runs to make this way work.
    remedy: &'static str,
    attempt: fn() -> Result<Toolchain>,
}

const WAYS: [Way; 5] = [
    Way {
        name: "installed",
        what: "the current toolchain with wasm32-unknown-unknown installed",
        remedy: "rustup target add wasm32-unknown-unknown",
        attempt: || probe::installed(probe::Compiler::current()?),
    },
    Way {
        name: "rustup",
        what: "rustup target add wasm32-unknown-unknown",
        remedy: "install Rust with rustup, https://rustup.rs",
        attempt: provision::with_rustup,
    },
    Way {
        name: "sources",
        what: "the current toolchain with the sources of its standard library",
        remedy: "rustup component add rust-src",
        attempt: || probe::sources(probe::Compiler::current()?),
    },
    Way {
        name: "system",
        what: "the operating system's own /usr/bin/rustc",
        remedy: "as root: apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-22",
        attempt: probe::system,
    },
    Way { name: "apt", what: "Debian's packages, installed with apt-get", remedy: "run this again as root on Debian", attempt: provision::with_apt },
];

/// The toolchain that was found before, if it is still there, or the first way's that works.
///
/// # Errors
/// No way works: names each with its reason and what a person can do about it.
pub(crate) fn find(workspace: &Workspace) -> Result<Toolchain> {
    let memory = workspace.target().join("guest-toolchain.json");
    let choice = std::env::var(CHOICE).ok();
    if choice.is_none()
        && let Some(toolchain) = recall(&memory)
    {
        return Ok(toolchain);
    }
    let ways: Vec<_> = WAYS.iter().filter(|way| choice.as_deref().is_none_or(|name| name == way.name)).collect();
    if ways.is_empty() {
        bail!("{CHOICE} is none of {}", WAYS.map(|way| way.name).join(", "));
    }
    let toolchain = first_that_works(&ways)?;
    if choice.is_none() {
        std::fs::create_dir_all(workspace.target())?;
        std::fs::write(&memory, serde_json::to_vec_pretty(&toolchain)?).with_context(|| format!("writing {}", memory.display()))?;
    }
    Ok(toolchain)
}

fn first_that_works(ways: &[&Way]) -> Result<Toolchain> {
    let mut reasons = String::new();
    for way in ways {
        eprintln!("guest toolchain: trying {}", way.what);
        match (way.attempt)() {
            Ok(toolchain) => {
                eprintln!("guest toolchain: {toolchain}");
                return Ok(toolchain);
            }
            Err(reason) => {
                eprintln!("guest toolchain: no, {reason:#}");
                reasons.push_str(&format!("\n  {}: {reason:#}\n    remedy: {}", way.what, way.remedy));
            }
        }
    }
    Err(anyhow!("no toolchain can compile guests for {TARGET}; what was tried:{reasons}"))
}

/// The remembered toolchain, unless something about it has changed.
fn recall(memory: &Path) -> Option<Toolchain> {
    let toolchain: Toolchain = serde_json::from_slice(&std::fs::read(memory).ok()?).ok()?;
    toolchain.is_there().then_some(toolchain)
}

impl Toolchain {
    fn is_there(&self) -> bool {
        let (Std::Installed(std) | Std::Sources(std)) = &self.std;
        std.is_dir()
            && self.cargo.is_file()
            && self.linker.as_ref().is_none_or(|linker| linker.is_file())
            && probe::version(&self.rustc).is_ok_and(|version| version == self.version)
    }

    /// A cargo command that compiles for [`TARGET`], whatever the cargo that runs this program has put into the environment.
    pub(crate) fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(workspace.root());
        for (name, _) in std::env::vars_os().filter(|(name, _)| leaks(name)) {
            command.env_remove(name);
        }
        if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", without_cargos(&paths, &workspace.target()));
        }
        command.env("RUSTC", &self.rustc).args([subcommand, "--target", TARGET]);
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        if let Std::Sources(_) = self.std {
            // Compiling the standard library is not stable yet, and no stable compiler offers it otherwise.
            command.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        }
        command
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.lines().next().unwrap_or_default();
        match self.std {
            Std::Installed(_) => write!(f, "{version} with its installed {TARGET}")?,
            Std::Sources(_) => write!(f, "{version} with its standard library compiled from source (a minute, once)")?,
        }
        match &self.linker {
            Some(linker) => write!(f, ", linking with {}", linker.display()),
            None => Ok(()),
        }
    }
}

/// Whether a variable of the host's build would change the guests' build. What says how to reach the network, or where
/// cargo keeps what it downloads, stays.
fn leaks(name: &OsStr) -> bool {
    const STAY: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_TERM_"];
    const LEAK: [&str; 9] = [
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_LINKER",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTUP_TOOLCHAIN",
    ];
    let name = name.to_string_lossy();
    LEAK.contains(&&*name)
        || name == "RUST_RECURSION_COUNT"
        || name == "CARGO"
        || name.starts_with("CARGO_") && !STAY.iter().any(|stays| name.starts_with(stays))
}

/// The library path without the folders that `cargo run` put there: another compiler must not load this one's libraries.
fn without_cargos(paths: &OsStr, target: &Path) -> OsString {
    let others =
        std::env::split_paths(paths).filter(|path| !path.starts_with(target) && !path.components().any(|part| part.as_os_str() == "rustlib"));
    std::env::join_paths(others).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn the_hosts_build_does_not_leak_and_the_network_stays() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(leaks(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_CAINFO", "CARGO_TERM_COLOR", "PATH", "HOME", "RUSTUP_HOME", "RUST_BACKTRACE"] {
            assert!(!leaks(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn the_compilers_library_path_does_not_leak() {
        let paths = std::env::join_paths(["/checkout/target/release/deps", "/rust/lib/rustlib/x86_64/lib", "/opt/lib"]).unwrap();
        assert_eq!(without_cargos(&paths, Path::new("/checkout/target")), "/opt/lib");
    }

    #[test]
    fn when_nothing_works_each_way_is_named_with_its_reason_and_remedy() {
        fn fails() -> Result<Toolchain> {
            bail!("the reason")
        }
        let ways = [Way { name: "a", what: "way a", remedy: "do b", attempt: fails }];
        let error = first_that_works(&ways.iter().collect::<Vec<_>>()).unwrap_err().to_string();
        assert!(error.contains("way a: the reason\n    remedy: do b"), "{error}");
    }

    #[test]
    fn a_remembered_toolchain_that_has_changed_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join("memory.json");
        assert_eq!(recall(&memory), None);
        let current = probe::Compiler::current().unwrap();
        let mut toolchain = Toolchain {
            cargo: current.cargo.clone(),
            rustc: current.rustc.clone(),
            version: current.version.clone(),
            std: Std::Sources(folder.path().to_owned()),
            linker: None,
        };
        std::fs::write(&memory, serde_json::to_vec(&toolchain).unwrap()).unwrap();
        assert_eq!(recall(&memory).as_ref(), Some(&toolchain));
        toolchain.version.push_str("another");
        std::fs::write(&memory, serde_json::to_vec(&toolchain).unwrap()).unwrap();
        assert_eq!(recall(&memory), None);
        std::fs::write(&memory, "no json").unwrap();
        assert_eq!(recall(&memory), None);
    }
}
