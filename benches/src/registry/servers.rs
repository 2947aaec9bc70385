//! The servers that are measured, as processes: started on a port of their own, killed when dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// `cofferdam serve` with the filesystem driver on `data`.
    pub(crate) fn cofferdam(data: &Path) -> Result<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let mut command = Command::new(target.join("release/cofferdam"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg("--driver").arg(target.join("drivers/filesystem.wasm"));
        Self::announced(command.current_dir(data))
    }

    /// Debian's `docker-registry` on `data`; `config` is where its configuration is written.
    pub(crate) fn docker_registry(data: &Path, config: &Path) -> Result<Self> {
        let port = free_port()?;
        fs::write(config, docker_registry_config(data, &format!("127.0.0.1:{port}")))?;
        // At log level `error` it does not say that it listens.
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        Self::found(&mut command, format!("127.0.0.1:{port}"))
    }

    /// nginx with `data` as its document root; `scratch` takes its configuration and what it writes.
    pub(crate) fn nginx(data: &Path, scratch: &Path) -> Result<Self> {
        let port = free_port()?;
        let config = scratch.join("nginx.conf");
        fs::write(&config, nginx_config(data, scratch, &format!("127.0.0.1:{port}")))?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(&config).arg("-e").arg(scratch.join("nginx.log")).arg("-p").arg(scratch);
        Self::found(command.stdout(Stdio::null()).stderr(Stdio::null()), format!("127.0.0.1:{port}"))
    }

    /// Starts a server that says where it listens.
    fn announced(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("cannot start cofferdam")?;
        let output = child.stdout.take().context("the pipe was asked for")?;
        let (found, address) = mpsc::channel();
        // Read to its end, so that the server never waits for a reader.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening on http://") {
                    let _ = found.send(address.trim().to_owned());
                }
            }
        });
        match address.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                child.kill()?;
                bail!("`cofferdam serve` does not say where it listens ({})", child.wait()?)
            }
        }
    }

    /// Starts a server that listens at `address` sooner or later.
    fn found(command: &mut Command, address: String) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().with_context(|| format!("{command:?}; `cargo xtask tools` installs it"))?;
        let mut server = Self { child, address };
        let started = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            ensure!(started.elapsed() < PATIENCE, "{command:?} does not listen at {}", server.address);
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} has ended ({status})");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has a size")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx's workers end with their master only if that is asked, not killed.
        let asked = rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM);
        if asked.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// How `docker-registry` is configured.
pub(crate) fn docker_registry_config(data: &Path, address: &str) -> String {
    format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {data:?}}}\n  \
         delete: {{enabled: true}}\n  cache: {{blobdescriptor: inmemory}}\nhttp: {{addr: \"{address}\", secret: bench}}\n"
    )
}

/// How nginx is configured.
pub(crate) fn nginx_config(data: &Path, scratch: &Path, address: &str) -> String {
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("  {kind}_temp_path {};\n", scratch.join(kind).display()));
    format!(
        "daemon off;\nuser root;\nworker_processes auto;\npid {};\nevents {{ worker_connections 1024; }}\nhttp {{\n{}  sendfile on;\n  tcp_nopush on;\n  \
         access_log off;\n  keepalive_requests 100000000;\n  server {{ listen {address}; root {}; }}\n}}\n",
        scratch.join("nginx.pid").display(),
        temporary.concat(),
        data.display(),
    )
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where the file of a blob is below a registry's directory, in the layout that both registries share.
pub(crate) fn blob_file(digest: &str) -> PathBuf {
    let hex = digest.trim_start_matches("sha256:");
    Path::new("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
}
