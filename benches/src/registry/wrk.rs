//! `wrk` as the client of pulls: keep-alive, its figures unrounded.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Prints what was counted, where wrk itself prints rounded text.
pub(crate) const SCRIPT: &str = "\
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('counted %d %d %d %d\\n', summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
";

/// What a run of wrk counted, a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// Answers.
    pub(crate) requests: f64,
    /// Bytes.
    pub(crate) bytes: f64,
}

/// A run of `seconds` over so many connections.
pub(crate) fn run(script: &Path, url: &str, connections: usize, seconds: u32) -> Result<Rates> {
    let threads = connections.min(2);
    let mut command = Command::new("wrk");
    command.args([
        format!("--threads={threads}"),
        format!("--connections={connections}"),
        format!("--duration={seconds}s"),
        "--timeout=30s".to_owned(),
    ]);
    command.arg("--script").arg(script).arg(url);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start wrk; `cargo xtask tools` installs it")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let counted = text.lines().find_map(|line| line.strip_prefix("counted ")).with_context(|| format!("wrk printed no figures:\n{text}"))?;
    let counted: Vec<f64> = counted.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, bytes, microseconds, errors] = counted[..] else { anyhow::bail!("wrk printed {counted:?}") };
    ensure!(errors == 0.0, "{errors} of the requests for {url} failed");
    Ok(Rates { requests: requests / microseconds * 1e6, bytes: bytes / microseconds * 1e6 })
}
