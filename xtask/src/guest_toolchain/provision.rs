//! Installs what is needed to compile guests, and says so first.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{TARGET, Toolchain, probe};
use crate::process;

/// A download of 20 MB; without a network rustup would try for much longer.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// A compiler of at least the workspace's version with the sources of its standard library, and a linker.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// Adds the target to the current toolchain.
pub(super) fn with_rustup() -> Result<Toolchain> {
    let rustup = process::find("rustup").context("rustup is not on PATH")?;
    let before = probe::Compiler::current()?;
    process::run_within(Command::new(rustup).args(["target", "add", TARGET]), RUSTUP_LIMIT)?;
    probe::installed(before).context("rustup has added it to a toolchain that is not the current one")
}

/// Installs Debian's packages: as root only, and never silently.
pub(super) fn with_apt() -> Result<Toolchain> {
    ensure!(Path::new("/etc/debian_version").is_file(), "this is not Debian");
    let apt = process::find("apt-get").context("apt-get is not on PATH")?;
    ensure!(rustix::process::geteuid().is_root(), "installing them needs root");
    let packages = DEBIAN_PACKAGES.join(" ");
    eprintln!("guest toolchain: ABOUT TO INSTALL DEBIAN PACKAGES ON THIS MACHINE: {packages} (150 MB to download, 820 MB on disk)");
    apt_get(&apt, &["update"])?;
    // What is there stays there: a package that conflicts is an error, not a removal.
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "--no-remove"];
    arguments.extend(DEBIAN_PACKAGES);
    apt_get(&apt, &arguments)?;
    probe::system()
}

fn apt_get(apt: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(apt);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    // Standard output is this program's own.
    command.stdout(File::from(std::io::stderr().as_fd().try_clone_to_owned()?));
    eprintln!("guest toolchain: {}", process::line(&command));
    process::run(&mut command)
}
