//! The Python SDK outside of a component: its types, checked strictly, and its own tests; the types of its template and of its example.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use cofferdam_build::languages::python::TOOLS;
use cofferdam_build::{Language, scaffold};
use cofferdam_tests::drivers::workspace;
use cofferdam_tests::tools::{self, run};
use tempfile::TempDir;

/// What checks, and the bindings that it checks against.
struct Checker {
    mypy: PathBuf,
    componentize: PathBuf,
    folder: TempDir,
}

impl Checker {
    /// `None`, and the word that the test is skipped, if a tool is not there.
    fn find() -> Option<Self> {
        let componentize = workspace().join("target/tools").join(TOOLS.folder).join("bin/componentize-py");
        if !componentize.is_file() {
            tools::skip("componentize-py is not installed: `cargo xtask skeletons --install` installs it");
            return None;
        }
        Some(Self { mypy: tools::find("mypy")?, componentize, folder: tempfile::tempdir().unwrap() })
    }

    /// The bindings of a world.
    fn bindings(&self, wit: &Path, world: &str) -> PathBuf {
        let bindings = self.folder.path().join(world);
        run(Command::new(&self.componentize).arg("-d").arg(wit).args(["-w", world, "bindings"]).arg(&bindings));
        bindings
    }

    /// Checks a project's driver against the SDK and the bindings of its world, as its `pyproject.toml` says: strictly.
    fn checks(&self, project: &Path, world: &str) {
        let wit = self.folder.path().join(format!("wit of {world}"));
        std::fs::create_dir(&wit).unwrap();
        for entry in std::fs::read_dir(workspace().join("wit")).unwrap() {
            let file = entry.unwrap().path();
            std::fs::copy(&file, wit.join(file.file_name().unwrap())).unwrap();
        }
        std::fs::copy(project.join("world.wit"), wit.join("project.wit")).unwrap();
        let path = std::env::join_paths([self.bindings(&wit, world), workspace().join("guest-sdk/python/src")]).unwrap();
        let mut mypy = Command::new(&self.mypy);
        let said = run(mypy.current_dir(project).env("MYPYPATH", path).arg("--cache-dir").arg(self.folder.path().join("cache")));
        assert!(said.contains("no issues found"), "{said}");
    }
}

#[test]
fn the_sdk_is_typed_strictly_and_passes_its_own_tests() {
    let Some(checker) = Checker::find() else { return };
    let (bindings, sdk) = (checker.bindings(&workspace().join("wit"), "everything"), workspace().join("guest-sdk/python"));
    let mut mypy = Command::new(&checker.mypy);
    let cache = checker.folder.path().join("cache");
    let said = run(mypy.current_dir(&sdk).env("MYPYPATH", &bindings).args(["-p", "cofferdam", "--cache-dir"]).arg(cache));
    assert!(said.contains("no issues found"), "{said}");
    let path = std::env::join_paths([bindings, sdk.join("src")]).unwrap();
    let mut tests = Command::new("python3");
    // Nothing is left in the source tree.
    tests.current_dir(&sdk).env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
    run(tests.args(["-m", "unittest", "discover", "tests"]));
}

#[test]
fn the_template_is_typed_strictly() {
    let Some(checker) = Checker::find() else { return };
    let project = checker.folder.path().join("drawer");
    scaffold::create(Language::Python, "drawer", &project).unwrap();
    checker.checks(&project, "small-file-store");
}

#[test]
fn the_example_is_typed_strictly() {
    let Some(checker) = Checker::find() else { return };
    checker.checks(&workspace().join("example-drivers/sqlite-catalog"), "sqlite-catalog");
}
