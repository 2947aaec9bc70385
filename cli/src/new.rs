//! A driver's project, begun in a new folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cofferdam_build::scaffold;

use crate::args::NewArgs;
use crate::output::Output;

/// Runs `new`.
///
/// # Errors
/// If the name is no driver's, or the folder is not empty.
pub(crate) fn run(arguments: &NewArgs) -> Result<()> {
    let folder = arguments.path.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    let files = scaffold::create(arguments.lang, &arguments.name, &folder)?;
    let mut output = Output::new();
    output.line(format_args!("a driver in {}: {}", arguments.lang, files.join(", ")))?;
    output.line("\nnext:")?;
    if folder != Path::new(".") {
        output.line(format_args!("    cd {}", folder.display()))?;
    }
    output.line("    cofferdam build")?;
    output.line("    cofferdam certify")?;
    output.finish()
}
