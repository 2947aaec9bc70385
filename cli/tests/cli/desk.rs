//! A directory to work in, and the binary to run there.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_cofferdam");

/// The `.wasm` of the example driver `name`, where `cargo xtask build` puts it. Without it the test is skipped by name, unless
/// `COFFERDAM_REQUIRE_TOOLS=1` says that everything must run.
pub(crate) fn driver(name: &str) -> Option<PathBuf> {
    let path = Path::new(BINARY).ancestors().nth(2).unwrap().join("drivers").join(format!("{name}.wasm"));
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("COFFERDAM_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{} is missing: cargo xtask build makes it", path.display());
    eprintln!("skipped: {} is missing, `cargo xtask build` makes it", path.display());
    None
}

/// A directory with or without a `cofferdam.toml`.
pub(crate) struct Desk {
    pub(crate) directory: TempDir,
}

impl Desk {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A directory whose `cofferdam.toml` names the filesystem driver and grants it `store`.
    pub(crate) fn with_filesystem() -> Option<Self> {
        let driver = driver("filesystem")?;
        let desk = Self::empty();
        std::fs::create_dir(desk.path("store")).unwrap();
        let grant = "[[directory]]\nname = \"/data\"\nhost = \"store\"\naccess = \"read-write\"\n";
        desk.write("grant.toml", grant);
        desk.write("cofferdam.toml", format!("driver = {:?}\n{grant}", driver.to_str().unwrap()));
        Some(desk)
    }

    /// The path of `name` here.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The command, ready to run here.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `line`, its words separated by blanks.
    pub(crate) fn run(&self, line: &str) -> Run {
        Run(self.command(line.split_whitespace()).output().unwrap())
    }

    /// Runs `line` with `input` on its standard input.
    pub(crate) fn run_with(&self, line: &str, input: &[u8]) -> Run {
        let mut child = self.command(line.split_whitespace()).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        Run(output)
    }
}

/// What a run left.
pub(crate) struct Run(pub(crate) Output);

impl Run {
    /// Standard output, of a run that must have succeeded.
    pub(crate) fn bytes(&self) -> &[u8] {
        assert!(self.0.status.success(), "{}: {}", self.0.status, self.errors());
        &self.0.stdout
    }

    /// [`Run::bytes`] as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap()
    }

    /// [`Run::bytes`] as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.bytes()).unwrap()
    }

    /// Standard error.
    pub(crate) fn errors(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Standard error, of a run that must have failed with `code` and printed nothing else.
    pub(crate) fn refusal(&self, code: i32) -> String {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.errors());
        assert!(self.0.stdout.is_empty(), "{}", String::from_utf8_lossy(&self.0.stdout));
        self.errors()
    }
}
