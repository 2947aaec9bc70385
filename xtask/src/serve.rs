//! Builds everything and becomes the registry: `cargo xtask serve` is `cofferdam serve` on a fresh clone.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{guests, host, process};

/// Builds the command-line tool and the drivers, then runs `cofferdam serve` with `arguments` in place of this process, so that signals reach it.
///
/// # Errors
/// Something does not build, or the registry cannot be started.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    eprintln!("serve: building the command-line tool and the drivers (the first time this takes some minutes)");
    let mut drivers = guests::discover(workspace)?;
    drivers.retain(|guest| guest.example);
    guests::build(workspace, &drivers)?;
    host::build_cli(workspace)?;
    let mut command = Command::new(workspace.cli());
    command.arg("serve").args(arguments);
    eprintln!("serve: {}", process::line(&command));
    Err(command.exec()).with_context(|| format!("cannot start {}", workspace.cli().display()))
}
