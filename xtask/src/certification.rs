//! Certifies the example drivers with the command-line tool, as their authors would.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::host::Count;
use crate::workspace::Workspace;
use crate::{guests, process};

/// What is used here of `certify --json`.
#[derive(Debug, Deserialize)]
struct Report {
    passed: u64,
    failed: u64,
    skipped: u64,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    result: String,
    reason: Option<String>,
}

/// Certifies every example driver with the smallest grant that `inspect` suggests; answers how many drivers passed and failed. Those
/// that need a server are certified by the tests.
///
/// # Errors
/// The tool does not answer.
pub(crate) fn run(workspace: &Workspace) -> Result<Count> {
    let mut count = Count::default();
    for guest in guests::discover(workspace)?.iter().filter(|guest| guest.example && !guest.server) {
        let report = certify(workspace, &guest.component).with_context(|| format!("certifying {}", guest.component))?;
        println!("certify {}: {} passed, {} failed, {} skipped", guest.component, report.passed, report.failed, report.skipped);
        for case in report.cases.iter().filter(|case| case.result == "failed") {
            println!("  {}: {}", case.id, case.reason.as_deref().unwrap_or("no reason given"));
        }
        let certified = report.failed == 0 && report.passed > 0;
        count = count.and(Count { passed: certified.into(), failed: (!certified).into() });
    }
    Ok(count)
}

fn certify(workspace: &Workspace, component: &str) -> Result<Report> {
    let driver = workspace.drivers().join(format!("{component}.wasm"));
    let folder = workspace.target().join("certification").join(component);
    let grant = write_grant(workspace, &driver, &folder)?;
    let mut command = Command::new(workspace.cli());
    command.args(["--quiet", "certify", "--json"]).arg(&driver).arg("--grant").arg(&grant).stdin(Stdio::null()).stderr(Stdio::inherit());
    // It fails if a case does, and says which all the same.
    let output = command.output().context("cannot start the command-line tool")?;
    let report: Report =
        serde_json::from_slice(&output.stdout).with_context(|| format!("{} printed no report ({})", process::line(&command), output.status))?;
    ensure!(
        output.status.success() == (report.failed == 0),
        "its exit code, {}, and its report, {} failed, do not agree",
        output.status,
        report.failed
    );
    Ok(report)
}

/// The grant that `inspect --grant-only` suggests, in an empty folder with the directory that it names.
fn write_grant(workspace: &Workspace, driver: &Path, folder: &Path) -> Result<std::path::PathBuf> {
    let text = process::output(Command::new(workspace.cli()).args(["inspect", "--grant-only"]).arg(driver))?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("cofferdam-data"))?;
    let grant = folder.join("grant.toml");
    fs::write(&grant, text)?;
    Ok(grant)
}
