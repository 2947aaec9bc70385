//! Other programs that tests use, where they are installed.
//!
//! Without one of them a test is skipped, by name, unless `COFFERDAM_REQUIRE_TOOLS=1` says that everything must run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::drivers::workspace;

/// Says that the running test is skipped.
///
/// # Panics
/// Everything must run.
pub fn skip(reason: &str) {
    let required = std::env::var_os("COFFERDAM_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{reason}");
    let thread = std::thread::current();
    println!("skipped: {} ({reason})", thread.name().unwrap_or("a test"));
}

/// The executable `name`, or `None` and the word that the test is skipped.
///
/// # Panics
/// It is not installed, and everything must run.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        PathBuf::from("/usr/sbin"),
        PathBuf::from("/sbin"),
        workspace().join("target/tools/servers/bin"),
        workspace().join("target/tools/node-servers/node_modules/.bin"),
    ];
    let found = std::env::split_paths(&path).chain(own).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed: `cargo xtask tools` installs it"));
    }
    found
}

/// Runs a command that must succeed; answers what it printed.
///
/// # Panics
/// It fails; the message has all that it printed.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed ({}):\n{}", output.status, printed(&output));
    String::from_utf8(output.stdout).expect("it prints text")
}

/// Runs a command that must fail; answers what it printed.
///
/// # Panics
/// It succeeds.
#[track_caller]
pub fn run_to_fail(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(!output.status.success(), "{command:?} succeeded:\n{}", printed(&output));
    printed(&output)
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
