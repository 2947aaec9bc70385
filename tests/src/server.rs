//! Registry servers as processes: the built `cofferdam serve`, and Debian's `docker-registry` beside it.
//!
//! A server is asked for port 0 and says which one it got. It is killed when it is dropped; in a test that fails, its log is printed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::{Client, Repository};
use crate::wait::{PATIENCE, until};
use crate::{drivers, tools};

/// Set to `docker-registry`, it makes [`Server::under_test`] start that: how the conformance tests are themselves tested.
const UNDER_TEST: &str = "COFFERDAM_TESTED_REGISTRY";

/// What both programs print before the address at which they listen.
const LISTENING: &str = "listening on ";

/// A running server.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    child: Child,
    address: String,
    log: Log,
}

/// A fresh server on an empty directory, and a repository in it.
#[derive(Debug)]
pub struct Served {
    /// The server.
    pub server: Server,
    /// The repository `library/thing`.
    pub repository: Repository,
    /// The server's directory, which goes after it.
    pub data: TempDir,
}

impl Served {
    /// Starts [`Server::under_test`].
    ///
    /// # Panics
    /// It does not start.
    pub fn fresh() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Server::under_test(data.path());
        Self { repository: server.client().repository("library/thing"), server, data }
    }

    /// Starts [`Server::configured`] on an empty directory, in which `config` may keep things.
    ///
    /// # Panics
    /// It does not start.
    pub fn configured(config: impl FnOnce(&Path) -> Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Server::configured(data.path(), &config(data.path()));
        Self { repository: server.client().repository("library/thing"), server, data }
    }
}

/// What a `cofferdam.toml` says of a registry with one mount.
#[derive(Debug, Clone)]
pub struct Config {
    /// The driver's name.
    pub driver: &'static str,
    /// The directory that it is granted as `/data`.
    pub store: PathBuf,
    /// More of its settings.
    pub settings: String,
    /// The layout.
    pub layout: &'static str,
    /// More tables.
    pub rest: String,
}

impl Config {
    /// The filesystem driver on a directory in `home`, in the layout that `docker-registry` has too.
    ///
    /// # Panics
    /// The directory cannot be made.
    pub fn of(home: &Path) -> Self {
        let store = home.join("store");
        fs::create_dir_all(&store).unwrap();
        Self { driver: "filesystem", store, settings: String::new(), layout: "registry-v2", rest: String::new() }
    }

    fn text(&self) -> String {
        let Self { driver, store, settings, layout, rest } = self;
        let driver = drivers::path(driver);
        format!(
            "[[listener]]\naddress = \"{ADDRESS}\"\n[mount.main]\ndriver = {driver:?}\n[mount.main.settings]\nroot = \"/data\"\n{settings}\n\
             [[mount.main.directory]]\nname = \"/data\"\nhost = {store:?}\naccess = \"read-write\"\n\
             [storage]\nblobs = \"main\"\nlayout = \"{layout}\"\n{rest}"
        )
    }
}

/// What a server printed, on both of its streams.
type Log = Arc<Mutex<Vec<String>>>;

/// How a server is started, and started again.
#[derive(Debug, Clone)]
struct Launch {
    program: PathBuf,
    /// `ADDRESS` in any of these stands for the address to listen at.
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    /// A file to write before every start, likewise.
    file: Option<(PathBuf, String)>,
    directory: PathBuf,
}

const ADDRESS: &str = "ADDRESS";

impl Server {
    /// `cofferdam serve` on the directory `data`, or whatever `COFFERDAM_TESTED_REGISTRY` names.
    ///
    /// # Panics
    /// It does not start.
    pub fn under_test(data: &Path) -> Self {
        match std::env::var(UNDER_TEST).as_deref() {
            Ok("docker-registry") => Self::docker_registry(data).expect("docker-registry is asked for"),
            _ => Self::cofferdam(data),
        }
    }

    /// `cofferdam serve` with the filesystem driver on the directory `data`.
    ///
    /// # Panics
    /// It was not built, or does not start.
    pub fn cofferdam(data: &Path) -> Self {
        let arguments = ["--driver".into(), drivers::path("filesystem").into(), "--data".into(), data.into(), "--listen".into(), ADDRESS.into()];
        Self::start(Launch::cofferdam(data, arguments), "127.0.0.1:0")
    }

    /// `cofferdam serve` with a `cofferdam.toml`, which is written into the directory `home`.
    ///
    /// # Panics
    /// It was not built, or does not start.
    pub fn configured(home: &Path, config: &Config) -> Self {
        Self::start(Launch::configured(home, config.text(), &[]), "127.0.0.1:0")
    }

    /// As [`Server::configured`], with the file's text as it is: it listens at a port of its own, whatever the file says.
    ///
    /// # Panics
    /// It was not built, or does not start.
    pub fn with_file(home: &Path, text: impl Into<String>) -> Self {
        Self::start(Launch::configured(home, text.into(), &["--listen", ADDRESS]), "127.0.0.1:0")
    }

    /// As [`Server::with_file`], with these variables in its environment.
    ///
    /// # Panics
    /// It was not built, or does not start.
    pub fn with_environment(home: &Path, text: impl Into<String>, environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let launch = Launch { environment, ..Launch::configured(home, text.into(), &["--listen", ADDRESS]) };
        Self::start(launch, "127.0.0.1:0")
    }

    /// Debian's `docker-registry` on the directory `data`, unless it is not installed.
    ///
    /// # Panics
    /// It does not start.
    pub fn docker_registry(data: &Path) -> Option<Self> {
        let program = tools::find("docker-registry")?;
        let config = data.join("docker-registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {data:?}}}\n  delete: {{enabled: true}}\n  \
             cache: {{blobdescriptor: inmemory}}\nhttp: {{addr: \"{ADDRESS}\", secret: tests}}\n"
        );
        let launch = Launch {
            program,
            arguments: vec!["serve".into(), config.clone().into()],
            environment: Vec::new(),
            file: Some((config, text)),
            directory: data.to_owned(),
        };
        Some(Self::start(launch, "127.0.0.1:0"))
    }

    fn start(launch: Launch, address: &str) -> Self {
        let (child, log, address) = launch.start(address);
        Self { launch, child, address, log }
    }

    /// Another process that does the same, at another port.
    ///
    /// # Panics
    /// It does not start.
    pub fn replica(&self) -> Self {
        Self::start(self.launch.clone(), "127.0.0.1:0")
    }

    /// Kills the process, if it still runs, and starts another at the same address.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        self.kill();
        let (child, log, address) = self.launch.start(&self.address);
        (self.child, self.log, self.address) = (child, log, address);
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client of it, with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// It is not ours to kill.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// It is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// It does not.
    pub fn ended(&mut self) -> ExitStatus {
        until("the server ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {} at {} printed:\n{}\n---", self.launch.program.display(), self.address, self.log());
        }
    }
}

impl Launch {
    fn cofferdam(directory: &Path, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let program = drivers::workspace().join("target/release").join(format!("cofferdam{}", std::env::consts::EXE_SUFFIX));
        assert!(program.exists(), "{} is missing: `cargo xtask build` makes it", program.display());
        let arguments = [OsString::from("serve")].into_iter().chain(arguments).collect();
        Self { program, arguments, environment: Vec::new(), file: None, directory: directory.to_owned() }
    }

    fn configured(home: &Path, text: String, more: &[&str]) -> Self {
        let file = home.join("cofferdam.toml");
        let arguments = [OsString::from("--config"), file.clone().into()].into_iter().chain(more.iter().map(OsString::from));
        Self { file: Some((file, text)), ..Self::cofferdam(home, arguments) }
    }

    fn start(&self, address: &str) -> (Child, Log, String) {
        if let Some((file, text)) = &self.file {
            fs::write(file, text.replace(ADDRESS, address)).unwrap();
        }
        let arguments = self.arguments.iter().map(|argument| if argument == ADDRESS { OsString::from(address) } else { argument.clone() });
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(self.environment.iter().cloned()).current_dir(&self.directory);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let (found, address) = mpsc::channel();
        follow(child.stdout.take().unwrap(), log.clone(), found.clone());
        follow(child.stderr.take().unwrap(), log.clone(), found);
        // Both ends of the channel go when both streams end: a server that dies is not waited for.
        let Ok(address) = address.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let status = child.wait();
            panic!("{command:?} does not listen ({status:?}):\n{}", log.lock().unwrap().join("\n"));
        };
        (child, log, address)
    }
}

/// Collects what a server prints, and sends on every address at which it says that it listens.
fn follow(stream: impl Read + Send + 'static, log: Log, found: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                // Nobody waits for the second one.
                let _ = found.send(address.to_owned());
            }
            log.lock().unwrap().push(line);
        }
    });
}

/// `127.0.0.1:80` in `listening on http://127.0.0.1:80` and in `msg="listening on 127.0.0.1:80" …`.
fn address_in(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(LISTENING)?;
    let rest = rest.strip_prefix("http://").or_else(|| rest.strip_prefix("https://")).unwrap_or(rest);
    let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || ".:[]".contains(character))).unwrap_or(rest.len());
    rest.get(..end).filter(|address| address.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_found_in_what_either_server_prints() {
        assert_eq!(address_in("listening on http://127.0.0.1:5000"), Some("127.0.0.1:5000"));
        assert_eq!(address_in(r#"time="now" level=info msg="listening on 127.0.0.1:36783" go.version=go1.19.8"#), Some("127.0.0.1:36783"));
        assert_eq!(address_in("it listens nowhere"), None);
    }
}
