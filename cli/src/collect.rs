//! `cofferdam gc`: removes the blobs that no manifest needs, while the registry runs.

use anyhow::{Context, Result};
use cofferdam_registry::gc::{self, GcMode, GcOptions, GcProgress, GcReport};
use cofferdam_registry::open_registry;
use serde_json::json;

use crate::args::GcArgs;
use crate::output::{self, Output};
use crate::{driver_options, progress};

/// Collects in every store of the registry.
///
/// # Errors
/// If the storage cannot be opened, another collection is at work, or a manifest cannot be read.
pub(crate) async fn run(arguments: &GcArgs, quiet: bool) -> Result<()> {
    let registry = open_registry(&arguments.registry.config()?, &driver_options::engine()?).await?;
    let mut options = GcOptions::default();
    options.grace = arguments.grace;
    options.mode = if arguments.dry_run { GcMode::DryRun } else { GcMode::Remove };
    let mut reports = Vec::new();
    for store in registry.stores() {
        let bar = progress::steps(quiet || arguments.json);
        let mut tell = |step: GcProgress| bar.set_message(in_words(&step));
        let report = gc::run(&store, options.clone(), &mut tell).await;
        bar.finish_and_clear();
        reports.push((store.name().to_owned(), report.with_context(|| format!("the collection in {} did not end", store.name()))?));
    }
    if arguments.json {
        return output::print_json(&reports.iter().map(|(store, report)| as_json(store, report)).collect::<Vec<_>>());
    }
    let mut output = Output::new();
    for (store, report) in &reports {
        let what = if arguments.dry_run { "would be removed" } else { "removed" };
        output.line(format_args!(
            "{store}: {} manifests, {} blobs; {} {what} ({}), {} kept because somebody came to rely on them",
            report.manifests,
            report.blobs,
            report.removed,
            output::size(report.freed),
            report.kept
        ))?;
        for digest in &report.lost_manifests {
            output.line(format_args!("  lost: the manifest {digest}; what it needs is not known, so `cofferdam scrub` is advised"))?;
        }
    }
    output.finish()
}

fn in_words(step: &GcProgress) -> String {
    match step {
        GcProgress::Manifests(read) => format!("read {read} manifests"),
        GcProgress::Blobs { seen, candidates } => format!("looked at {seen} blobs, {candidates} of them needed by no manifest"),
        GcProgress::Waiting(grace) => format!("waiting {grace:?} for clients that rely on one of them"),
        GcProgress::Removed(digest) => format!("removed {digest}"),
        _ => String::new(),
    }
}

fn as_json(store: &str, report: &GcReport) -> serde_json::Value {
    json!({
        "store": store,
        "manifests": report.manifests,
        "blobs": report.blobs,
        "candidates": report.candidates,
        "kept": report.kept,
        "removed": report.removed,
        "freed": report.freed,
        "lost_manifests": report.lost_manifests.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
