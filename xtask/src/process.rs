//! Runs other programs.

use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How often a program that may only run so long is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The command as a person would type it, for messages.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs `command` with this program's standard streams.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    ensure!(status.success(), "{} failed ({status})", line(command));
    Ok(())
}

/// Runs `command` and answers what it wrote to standard output; its standard error is this program's.
///
/// # Errors
/// It cannot be started, fails, or writes something that is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    ensure!(output.status.success(), "{} failed ({})", line(command), output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print text", line(command)))
}

/// Runs `command` for at most `limit`; a failure carries what it wrote to standard error.
///
/// # Errors
/// It cannot be started, fails, or takes longer and is ended.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let program = line(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let mut stderr = child.stderr.take().context("the pipe was asked for")?;
    // Read meanwhile, so that a program that writes much does not wait for its reader.
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).trim().to_owned())
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            // The reader is left alone: a grandchild may hold the pipe open for longer.
            bail!("`{program}` did not end within {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    };
    if status.success() {
        return Ok(());
    }
    let text = reader.join().ok().and_then(Result::ok).unwrap_or_default();
    let last: Vec<_> = text.lines().rev().take(3).collect();
    bail!("`{program}` failed ({status}): {}", last.into_iter().rev().collect::<Vec<_>>().join("; "))
}

/// The executable `name` on `PATH`.
pub(crate) fn find(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name.as_ref())).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_names_the_command_and_its_last_words() {
        let error = run_within(&mut shell("echo one >&2; echo two >&2; exit 3"), Duration::from_secs(60)).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("one; two") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let error = run_within(&mut shell("exec tail -f /dev/null"), Duration::from_millis(100)).unwrap_err().to_string();
        assert!(error.contains("did not end within"), "{error}");
    }

    #[test]
    fn output_is_what_was_printed() {
        assert_eq!(output(&mut shell("printf hello")).unwrap(), "hello");
        assert!(output(&mut shell("exit 1")).is_err());
    }

    #[test]
    fn programs_are_found_on_path() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-program-has-this-name"), None);
    }
}
