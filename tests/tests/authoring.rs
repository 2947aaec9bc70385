//! A driver's author in each language, with nothing but the command-line tool: a new project, its component, its certificate; and what goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::PathBuf;
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
        // As the standard library tells a panic of the tool itself.
        assert!(!said.lines().any(|line| line.starts_with("thread '")), "{said}");
        said
    }

    /// Does something while one passage of a source is another.
    #[track_caller]
    fn edited<T>(&self, file: &str, (from, to): (&str, &str), run: impl FnOnce() -> T) -> T {
        let file = self.project().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {}", file.display());
        fs::write(&file, text.replace(from, to)).unwrap();
        let done = run();
        fs::write(&file, text).unwrap();
        done
    }

    /// What `cofferdam new` wrote is certified without an argument, for all that a streaming and an atomic store have to show.
    fn certifies(&self) {
        let report = self.succeeds(&["certify", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!((&report["driver"], &report["failed"]), (&"drawer".into(), &0.into()), "{report}");
        assert_eq!(report["passed"], 58, "{report}");
        let inspected = self.succeeds(&["inspect"]);
        assert!(inspected.contains("drawer.wasm"), "{inspected}");
    }

    /// A source that does not compile: the language's own words, with the place; the component that was there stays.
    #[track_caller]
    fn says_where(&self, file: &str, edit: (&str, &str), words: &[&str]) {
        let component = self.project().join("drawer.wasm");
        let before = fs::read(&component).unwrap();
        let said = self.edited(file, edit, || self.refused(&["build", "--offline"]));
        for word in words {
            assert!(said.contains(word), "{} does not say {word:?}: {said}", self.language);
        }
        assert!(fs::read(&component).unwrap() == before, "the component that was there is gone");
    }

    /// A fault while a call runs: what the author wrote is heard by whoever asked, or in the host's log, with the place.
    #[track_caller]
    fn is_heard(&self, file: &str, edit: (&str, &str), call: &[&str], words: &[&str]) {
        let said = self.edited(file, edit, || {
            self.succeeds(&["build", "--offline"]);
            self.refused(call)
        });
        for word in words {
            assert!(said.contains(word), "{} does not say {word:?}: {said}", self.language);
        }
    }
}

/// What is asked of a driver that has a fault in `stat`.
const STAT: [&str; 2] = ["stat", "/some/object"];

#[test]
fn in_rust() {
    let Some(author) = Author::with_project("rust") else { return };
    author.certifies();
    let function = "    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {";
    let words = ["src/lib.rs", "missing `stat` in implementation"];
    author.says_where("src/lib.rs", (function, &function.replace("stat", "statt")), &words);
    let fault = format!("{function}\n        assert!(path.as_str().is_empty(), \"an odd shelf\");");
    author.is_heard("src/lib.rs", (function, &fault), &STAT, &["an odd shelf", "src/lib.rs:", "driver drawer", "trapped"]);
}

#[test]
fn in_c() {
    let Some(author) = Author::with_project("c") else { return };
    author.certifies();
    author.says_where("driver.c", (".stat = stat_object", ".stat = open_object"), &["driver.c:", "incompatible function pointer types"]);
    let function = "static bool stat_object(cd_string path, cd_object_info *out, cd_error *err) {";
    let fault = format!("{function}\n  cd_assert(path.len > 500);");
    author.is_heard("driver.c", (function, &fault), &STAT, &["driver.c:", "stat_object", "path.len > 500", "driver drawer", "trapped"]);
}

/// C++ takes the header of C.
#[test]
fn in_cpp() {
    let Some(author) = Author::with_project("c") else { return };
    let source = drivers::workspace().join("guest-sdk/c/tests/header.cpp");
    fs::copy(source, author.project().join("driver.cpp")).unwrap();
    fs::remove_file(author.project().join("driver.c")).unwrap();
    author.edited("cofferdam.toml", ("driver.c", "driver.cpp"), || {
        author.succeeds(&["build", "--offline"]);
        assert!(author.refused(&STAT).contains("not-found"));
    });
}

#[test]
fn in_go() {
    let Some(author) = Author::with_project("go") else { return };
    author.certifies();
    let call = "\tinfo, err := stat(objectsAt+path, path)";
    author.says_where("driver.go", (call, &call.replace("stat", "statt")), &["driver.go:", "undefined: statt"]);
    let fault = format!("\tpanic(\"an odd shelf\")\n{call}");
    author.is_heard("driver.go", (call, &fault), &STAT, &["panic: an odd shelf", "drawer/driver.go:", "driver drawer", "trapped"]);
}

#[test]
fn in_python() {
    let Some(author) = Author::with_project("python") else { return };
    author.certifies();
    let method = "def put(self, path: str, content: Content";
    author.says_where("driver.py", (method, &method.replace("put", "putt")), &["Objects does not implement streaming-store.put"]);
    let function = "def stat(self, path: str) -> ObjectInfo:";
    let fault = format!("{function}\n        raise ValueError('an odd shelf')");
    let words = ["internal", "streaming-store.stat", "Traceback", "driver.py", "ValueError: an odd shelf"];
    author.is_heard("driver.py", (function, &fault), &STAT, &words);
    fs::write(author.project().join("file"), "contents").unwrap();
    let negative = ("return cofferdam.object_info(path, info.size,", "return cofferdam.object_info(path, -1,");
    author.is_heard("driver.py", negative, &["put", "file", "/file"], &["internal", "streaming-store.put", "size is -1"]);
}

#[test]
fn in_javascript() {
    let Some(author) = Author::with_project("javascript") else { return };
    author.certifies();
    let method = "  stat(path) {";
    author.says_where("driver.js", (method, "  statt(path) {"), &["Objects lacks the methods of `streaming-store`: stat"]);
    let fault = format!("{method}\n    throw new RangeError(\"an odd shelf\");");
    author.is_heard("driver.js", (method, &fault), &STAT, &["internal", "streaming-store.stat", "RangeError: an odd shelf", "at stat ("]);
    let wrong = format!("{method}\n    return 3;");
    author.is_heard("driver.js", (method, &wrong), &STAT, &["internal", "the answer of `streaming-store.stat` is 3, not an object"]);
}

#[test]
fn in_typescript() {
    let Some(author) = Author::with_project("typescript") else { return };
    author.certifies();
    let wrong = ("stat(path: string): ObjectInfo {", "stat(path: string): number {");
    author.says_where("driver.ts", wrong, &["driver.ts(", "TS2416", "StreamingStore"]);
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
