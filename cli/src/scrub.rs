//! `cofferdam scrub`: reads every blob again and tells what is damaged or missing.

use std::process::ExitCode;

use anyhow::{Context, Result};
use cofferdam_registry::open_registry;
use cofferdam_registry::scrub::{self, ScrubOptions, ScrubProgress, ScrubReport};
use serde_json::json;

use crate::args::ScrubArgs;
use crate::output::{self, Output};
use crate::{driver_options, progress};

/// Scrubs every store of the registry; the exit code is 1 if anything is wrong.
///
/// # Errors
/// If the storage cannot be opened, or stops answering.
pub(crate) async fn run(arguments: &ScrubArgs, quiet: bool) -> Result<ExitCode> {
    let registry = open_registry(&arguments.registry.config()?, &driver_options::engine()?).await?;
    let mut options = ScrubOptions::default();
    options.bytes_per_second = arguments.rate.map(|rate| rate.as_u64());
    options.from_the_start = arguments.from_the_start;
    let mut reports = Vec::new();
    for store in registry.stores() {
        let bar = progress::bytes(None, quiet || arguments.json);
        let mut tell = |step: ScrubProgress| {
            bar.set_position(step.bytes);
            bar.set_message(format!("{} blobs, {} damaged,", step.blobs, step.damaged));
        };
        let report = scrub::run(&store, options.clone(), &mut tell).await;
        bar.finish_and_clear();
        reports.push((store.name().to_owned(), report.with_context(|| format!("the scrub of {} did not end", store.name()))?));
    }
    if arguments.json {
        output::print_json(&reports.iter().map(|(store, report)| json!({ "store": store, "report": report })).collect::<Vec<_>>())?;
    } else {
        print(&reports)?;
    }
    Ok(if reports.iter().all(|(_, report)| report.is_clean()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(reports: &[(String, ScrubReport)]) -> Result<()> {
    let mut output = Output::new();
    for (store, report) in reports {
        let (damaged, missing) = (report.damaged.len(), report.missing.len());
        output.line(format_args!("{store}: {} blobs read ({}); {damaged} damaged, {missing} missing", report.blobs, output::size(report.bytes)))?;
        for (digest, why) in &report.damaged {
            output.line(format_args!("  damaged: {digest}: {why}"))?;
        }
        for (digest, needed_by) in &report.missing {
            output.line(format_args!("  missing: {digest}, needed by {}", needed_by.join(", ")))?;
        }
    }
    output.finish()
}
