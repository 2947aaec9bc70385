//! The components that `cargo xtask build` made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use cofferdam::{Driver, Engine};

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Where the component `name` is.
pub fn path(name: &str) -> PathBuf {
    workspace().join("target/drivers").join(name).with_extension("wasm")
}

/// The component `name`.
///
/// # Panics
/// If it was not built.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build --drivers` makes it", path.display()))
}

/// An engine for the whole test process.
///
/// # Panics
/// If the machine cannot run one.
pub fn engine() -> Engine {
    Engine::shared().unwrap_or_else(|error| panic!("{error}"))
}

/// The driver `name`, compiled once a process.
///
/// # Panics
/// If it was not built or does not load.
pub fn load(name: &str) -> Driver {
    static LOADED: LazyLock<Mutex<HashMap<String, Driver>>> = LazyLock::new(Mutex::default);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let driver = || Driver::load(&engine(), &bytes(name), None).unwrap_or_else(|error| panic!("{name}: {error}"));
    loaded.entry(name.to_owned()).or_insert_with(driver).clone()
}

/// `component` with every `from` replaced by `to`: how a driver of another version, or one that no compiler would make, is had.
///
/// # Panics
/// If the two differ in length, which would break the component, or `from` is not in it.
pub fn patched(component: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "a patch keeps every length");
    let mut patched = component.to_vec();
    let mut found = 0;
    let mut at = 0;
    while at + from.len() <= patched.len() {
        if patched[at..].starts_with(from) {
            patched[at..at + from.len()].copy_from_slice(to);
            found += 1;
            at += from.len();
        } else {
            at += 1;
        }
    }
    assert!(found > 0, "{:?} is not in the component", String::from_utf8_lossy(from));
    patched
}
