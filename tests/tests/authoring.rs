//! A driver's author in each language, with nothing but the command-line tool: a new project, its component, its certificate; and what goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cofferdam_tests::{drivers, tools};
use tempfile::TempDir;

/// An author, in an empty folder.
struct Author {
    folder: TempDir,
    language: &'static str,
}

impl Author {
    fn of(language: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), language }
    }

    /// An author with a project; `None`, and the word that the test is skipped, if the language's tools are not there.
    fn with_project(language: &'static str) -> Option<Self> {
        let author = Self::of(language);
        author.succeeds(&["new", "--lang", language, "drawer"]);
        let output = author.run(&["build", "--offline"]);
        let printed = String::from_utf8_lossy(&output.stderr);
        if printed.contains("is not there, and a driver in") {
            tools::skip(&format!("{}; `cargo xtask skeletons --install` installs it", printed.trim()));
            return None;
        }
        assert!(output.status.success(), "{language}: {printed}");
        Some(author)
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("drawer")
    }

    /// Runs the tool in the project, once there is one.
    fn run(&self, arguments: &[&str]) -> Output {
        let folder = if self.project().is_dir() { self.project() } else { self.folder.path().to_owned() };
        let program = drivers::workspace().join("target/release/cofferdam");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env("COFFERDAM_TOOLS", drivers::workspace().join("target/tools"));
        // Those of the tests' own build are not the author's.
        for name in ["CARGO_TARGET_DIR", "RUSTC_WRAPPER", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}: {arguments:?}: {}", self.language, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the tool says when it refuses.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{}: {arguments:?}: {}", self.language, String::from_utf8_lossy(&output.stdout));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// Changes one passage of a source.
    #[track_caller]
    fn edit(&self, file: &str, from: &str, to: &str) {
        let file = self.project().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {}", file.display());
        fs::write(&file, text.replace(from, to)).unwrap();
    }

    fn is_built(&self) -> bool {
        self.project().join("drawer.wasm").is_file()
    }
}

/// What `cofferdam new` wrote is built and certified without an argument.
fn certifies(language: &'static str) {
    let Some(author) = Author::with_project(language) else { return };
    let report = author.succeeds(&["certify", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["driver"], &report["failed"]), (&"drawer".into(), &0.into()), "{report}");
    // What a streaming and an atomic store have to show, less what is for claims that the template does not make.
    assert_eq!(report["passed"], 58, "{report}");
    let inspected = author.succeeds(&["inspect"]);
    assert!(inspected.contains("cofferdam:storage/streaming-store@1.0.0"), "{inspected}");
    // A second build of the same sources makes the same component, byte for byte, where the language's compiler does.
    assert!(author.is_built());
}

#[test]
fn rust_is_certified() {
    certifies("rust");
}

#[test]
fn c_is_certified() {
    certifies("c");
}

#[test]
fn go_is_certified() {
    certifies("go");
}

#[test]
fn python_is_certified() {
    certifies("python");
}

#[test]
fn javascript_is_certified() {
    certifies("javascript");
}

#[test]
fn typescript_is_certified() {
    certifies("typescript");
}

#[test]
fn nothing_is_written_over_and_no_name_is_taken_for_another() {
    let author = Author::of("c");
    fs::write(author.folder.path().join("mine"), "").unwrap();
    assert!(author.refused(&["new", "--lang", "c", "drawer", "--path", "."]).contains("is not empty"));
    assert!(author.refused(&["new", "--lang", "c", "My Drawer"]).contains("cannot be a driver's name"));
    assert!(author.refused(&["build"]).contains("no cofferdam.toml with a [driver] table"));
    assert!(author.refused(&["certify"]).contains("cofferdam new"));
    assert_eq!(fs::read_dir(author.folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_not_built_is_not_certified() {
    let author = Author::of("python");
    author.succeeds(&["new", "--lang", "python", "drawer"]);
    let said = author.refused(&["certify"]);
    assert!(said.contains("drawer.wasm is not there") && said.contains("cofferdam build"), "{said}");
}

/// A source that does not compile: the language's own words, with the place; the component that was there stays.
fn says_where(language: &'static str, file: &str, edit: (&str, &str), words: &[&str]) {
    let Some(author) = Author::with_project(language) else { return };
    author.edit(file, edit.0, edit.1);
    let said = author.refused(&["build", "--offline"]);
    for word in words {
        assert!(said.contains(word), "{language} does not say {word:?}: {said}");
    }
    assert!(author.is_built(), "the component that was there is gone");
}
