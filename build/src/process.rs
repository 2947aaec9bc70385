//! Runs the tools of languages; what they print is shown if they fail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Result};

/// The command as a person would type it, for messages.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    /// Its warnings, say.
    pub(crate) stderr: String,
}

/// Runs a command that must succeed.
///
/// # Errors
/// It cannot be started, or fails: with all that it printed.
pub(crate) fn run(command: &mut Command) -> Result<Printed> {
    let output = start(command)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let printed = Printed { stdout: text(&output.stdout), stderr: text(&output.stderr) };
    if output.status.success() {
        return Ok(printed);
    }
    let printed = [printed.stdout, printed.stderr].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    Err(Error::Failed { command: line(command), status: output.status.to_string(), printed })
}

/// Runs a command that may fail; `None` if it does, or is not there.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn start(command: &mut Command) -> Result<Output> {
    let program = PathBuf::from(command.get_program());
    command.stdin(Stdio::null()).output().map_err(Error::file("start", &program))
}

/// The executable of this name on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))).find(|file| file.is_file())
}

/// The executable, or the one sentence that says what gets it.
pub(crate) fn need(name: &str, language: &'static str, remedy: &str) -> Result<PathBuf> {
    find(name).ok_or_else(|| Error::Missing { language, what: name.to_owned(), remedy: remedy.to_owned() })
}

/// A name in a folder of executables.
pub(crate) fn executable(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_tool_that_fails_is_heard_in_its_own_words() {
        let error = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.ends_with("failed (exit status: 3):\nout\nerr"), "{error}");
        assert_eq!(run(Command::new("sh").args(["-c", "echo fine"])).unwrap().stdout, "fine");
    }

    #[test]
    fn what_is_missing_is_said_in_one_sentence() {
        let error = need("no-such-tool", "C", "`apt-get install x` gets it").unwrap_err().to_string();
        assert_eq!(error, "no-such-tool is not there, and a driver in C is built with it; `apt-get install x` gets it");
    }
}
