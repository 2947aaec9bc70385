//! What a driver is and what it asks for, read from its file without running it.

use std::fmt::Display;

use anyhow::Result;
use cofferdam::{Import, ImportKind, Inspection};
use serde::Serialize;

use crate::args::InspectArgs;
use crate::build;
use crate::driver_options;
use crate::output::{self, Output};

/// Runs `inspect`.
///
/// # Errors
/// If the file is no driver that this host can run.
pub(crate) fn run(arguments: &InspectArgs) -> Result<()> {
    let file = match &arguments.driver {
        Some(file) => file.clone(),
        None => build::component()?,
    };
    let driver = driver_options::load(&file, None)?;
    let inspection = driver.inspection();
    let grant = inspection.minimal_grant(None);
    if arguments.json {
        return output::print_json(&Report { inspection, grant });
    }
    let mut output = Output::new();
    if !arguments.grant_only {
        describe(&mut output, &file.display(), inspection)?;
        output.line("\nThe smallest grant that lets it load:\n")?;
    }
    output.bytes(grant.as_bytes())?;
    output.finish()
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    inspection: &'a Inspection,
    grant: String,
}

/// Groups of imports by what it takes to have them, in the order in which a careful reader asks.
const GROUPS: [(ImportKind, &str); 6] = [
    (ImportKind::Directory, "Asks for directories (needs a grant)"),
    (ImportKind::Connection, "Asks for connections (needs a grant)"),
    (ImportKind::Http, "Makes HTTP requests (needs a grant)"),
    (ImportKind::Extension, "Asks for extensions of this host"),
    (ImportKind::Always, "Uses what every driver has"),
    (ImportKind::Wasi, "WASI, inert unless a grant gives the real one"),
];

fn describe(output: &mut Output, name: &dyn Display, inspection: &Inspection) -> Result<()> {
    output.line(format_args!("{name}"))?;
    output.line(format_args!("  digest  {}", inspection.digest))?;
    output.line(format_args!("  size    {} ({} bytes)", output::size(inspection.size), inspection.size))?;
    for notice in &inspection.notices {
        output.line(format_args!("  notice  {notice}"))?;
    }
    output.line("\nOffers")?;
    for export in &inspection.exports {
        interface(output, &export.interface, &export.functions)?;
    }
    for (kind, title) in GROUPS {
        let imports: Vec<_> = inspection.imports.iter().filter(|import| import.kind == kind).collect();
        if !imports.is_empty() {
            group(output, title, &imports)?;
        }
    }
    if inspection.imports.is_empty() {
        output.line("\nAsks for nothing")?;
    }
    Ok(())
}

fn group(output: &mut Output, title: &str, imports: &[&Import]) -> Result<()> {
    output.line(format_args!("\n{title}"))?;
    for import in imports {
        interface(output, &import.interface, &import.functions)?;
    }
    Ok(())
}

fn interface(output: &mut Output, name: &dyn Display, functions: &[String]) -> Result<()> {
    // `[method]content.read` is how a component spells what its author called `content.read`.
    let plain: Vec<_> = functions.iter().map(|name| name.rsplit(']').next().unwrap_or(name)).collect();
    let functions = if plain.is_empty() { "(types only)".to_owned() } else { plain.join(", ") };
    output.line(format_args!("  {name}: {functions}"))
}
