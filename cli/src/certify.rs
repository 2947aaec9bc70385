//! The certification suite against one driver.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use cofferdam_certification::{CaseReport, Error, Options, Outcome, Progress, Report, certify, worker as second};
use indicatif::ProgressBar;

use crate::args::{CertifyArgs, WorkerArgs};
use crate::driver_options::load;
use crate::output::{self, Output};
use crate::{build, progress, watch};

/// Runs `certify`: the exit code says whether nothing failed.
///
/// # Errors
/// If the driver cannot be asked at all.
pub(crate) async fn run(arguments: &CertifyArgs, quiet: bool) -> Result<ExitCode> {
    if arguments.watch {
        return watch::run(arguments, quiet).await;
    }
    let is_certified = once(arguments, quiet).await?;
    Ok(if is_certified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Certifies once, and prints the report; answers whether nothing failed.
///
/// # Errors
/// If the driver cannot be asked at all.
pub(crate) async fn once(arguments: &CertifyArgs, quiet: bool) -> Result<bool> {
    let project = arguments.driver.is_none().then(|| build::project(Path::new("."))).transpose()?;
    let choice = match &project {
        Some(project) => arguments.grant.choose_of_project(project)?,
        None => arguments.grant.choose(arguments.driver.as_deref())?,
    };
    let driver = choice.load()?;
    let bar = progress::count(0, quiet);
    let mut options = options(arguments, &choice.driver, &bar)?;
    if let Some(project) = project {
        options.filled = options.filled.or(project.filled);
        options.place = options.place.or(project.place);
    }
    let report = certify(&driver, &choice.grant, &options).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        // Not wrapped, so that what helps with it is found.
        Error::Mount(error) => anyhow::Error::new(error),
        other => other.into(),
    })?;
    if arguments.json {
        output::print_json(&report)?;
    } else {
        table(&report)?;
    }
    Ok(report.is_certified())
}

/// Runs `certify-worker`: the second host process of the cases that need one.
///
/// # Errors
/// If the driver does not load, or the certifier has gone.
pub(crate) async fn worker(arguments: &WorkerArgs) -> Result<()> {
    Ok(second::serve(&load(&arguments.driver, None)?).await?)
}

fn options(arguments: &CertifyArgs, driver: &Path, bar: &ProgressBar) -> Result<Options> {
    let own = std::env::current_exe().context("cannot find this program, to start a second process of it")?;
    let worker: [OsString; 3] = [own.into(), "certify-worker".into(), driver.into()];
    let mut options = if arguments.long { Options::long() } else { Options::default() };
    options.cases = arguments.cases.clone();
    options.filled = arguments.filled.clone();
    options.place = arguments.place.clone();
    options.worker = Some(worker.into());
    let bar = bar.clone();
    options.progress = Some(Arc::new(move |progress| show(&bar, progress)));
    Ok(options)
}

fn show(bar: &ProgressBar, progress: Progress<'_>) {
    match progress {
        Progress::Started { id, done, total } => {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(id);
        }
        Progress::Finished(case) => {
            bar.inc(1);
            if let Outcome::Failed(_) = case.outcome {
                bar.println(format!("failed: {}", case.id));
            }
        }
    }
}

fn table(report: &Report) -> Result<()> {
    let mut output = Output::new();
    output.line(format_args!("{} {}  {}", report.driver.escape_debug(), report.version.escape_debug(), report.digest))?;
    let claims: Vec<_> = report.claims.iter().map(|(name, value)| format!("{} = {}", name.escape_debug(), value.escape_debug())).collect();
    output.line(format_args!("exports {}", report.interfaces.join(", ")))?;
    output.line(format_args!("claims {}\n", if claims.is_empty() { "nothing".to_owned() } else { claims.join(", ") }))?;
    let width = report.cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
    for case in &report.cases {
        row(&mut output, case, width)?;
    }
    output.line(format_args!("\n{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped))?;
    output.finish()
}

fn row(output: &mut Output, case: &CaseReport, width: usize) -> Result<()> {
    let (word, beside, below) = match &case.outcome {
        Outcome::Passed => ("passed", format!("{:.2} s", case.took.as_secs_f64()), None),
        Outcome::Failed(reason) => ("FAILED", format!("{:.2} s", case.took.as_secs_f64()), Some(reason)),
        Outcome::Skipped(reason) => ("skipped", reason.clone(), None),
    };
    output.line(format_args!("{word:<8} {:<width$}  {beside}", case.id))?;
    for text in below.into_iter().chain(&case.notes) {
        for line in text.lines() {
            output.line(format_args!("         {line}"))?;
        }
    }
    Ok(())
}
