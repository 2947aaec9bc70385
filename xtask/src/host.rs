//! Builds and tests the host's crates: all in profile `release` and with one set of features, so that the engine is compiled once.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::guests;
use crate::process;
use crate::workspace::Workspace;

/// How many tests have passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that failed.
    pub(crate) failed: u64,
}

impl Count {
    /// The counts of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// What one line of a test binary's output adds: `test result: ok. 3 passed; 0 failed; …`.
    fn of_line(line: &str) -> Self {
        let Some(result) = line.trim_start().strip_prefix("test result:") else { return Self::default() };
        let number = |name: &str| {
            let part = result.split([';', '.']).find_map(|part| part.trim().strip_suffix(name));
            part.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
        };
        Self { passed: number("passed"), failed: number("failed") }
    }
}

/// A cargo command over the crates that run natively. `--workspace` even where one binary is wanted: a narrower choice
/// would unify other features, and compile the engine again with those.
fn cargo(workspace: &Workspace, subcommand: &str) -> Result<Command> {
    let mut command = workspace.cargo(subcommand);
    command.args(["--release", "--workspace"]);
    for guest in guests::discover(workspace)?.iter().filter(|guest| !guest.library) {
        command.args(["--exclude", &guest.package]);
    }
    Ok(command)
}

/// Builds `target/release/cofferdam`.
///
/// # Errors
/// It does not compile.
pub(crate) fn build_cli(workspace: &Workspace) -> Result<()> {
    process::run(cargo(workspace, "build")?.args(["--bin", "cofferdam"]))
}

/// Builds and runs a benchmark.
///
/// # Errors
/// It does not compile, or fails.
pub(crate) fn run_benchmark(workspace: &Workspace, binary: &str) -> Result<()> {
    process::run(cargo(workspace, "build")?.args(["--bin", binary]))?;
    process::run(Command::new(workspace.target().join("release").join(binary)).current_dir(workspace.root()))
}

/// Runs every test and every example in the documentation, passing on what they print.
///
/// # Errors
/// They do not compile. Tests that fail are counted, and one at least if a test binary dies without a count.
pub(crate) fn test(workspace: &Workspace) -> Result<Count> {
    let mut command = cargo(workspace, "test")?;
    command.arg("--no-fail-fast").stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo")?;
    let output = child.stdout.take().context("the pipe was asked for")?;
    let mut count = Count::default();
    let mut standard = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        count = count.and(Count::of_line(&String::from_utf8_lossy(&line)));
        standard.write_all(&line)?;
        standard.write_all(b"\n")?;
    }
    if !child.wait()?.success() && count.failed == 0 {
        // It did not compile, or ended by a signal: cargo has said which.
        count.failed = 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_other_lines_are_not() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.01s";
        assert_eq!(Count::of_line(line), Count { passed: 12, failed: 3 });
        assert_eq!(Count::of_line("test result: ok. 7 passed; 0 failed; 0 ignored"), Count { passed: 7, failed: 0 });
        assert_eq!(Count::of_line("test 9 passed; 9 failed ... ok"), Count::default());
        assert_eq!(Count { passed: 1, failed: 2 }.and(Count { passed: 3, failed: 4 }), Count { passed: 4, failed: 6 });
    }
}
