//! Debian's `redis-server` as a process, on a free port of loopback.
//!
//! It is killed when it is dropped. What it says before it is ready is in the panic of a test whose server does not start.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use cofferdam::ConnectionGrant;
use tempfile::TempDir;

use crate::{port, tools};

/// What a server says when it serves.
const READY: &str = "Ready to accept connections";

/// A running server, with an empty database.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    client: PathBuf,
    configuration: String,
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts one with more lines of `configuration`, in which `DIR` stands for its directory and `PORT` for its port; `None`, and
    /// the word that the test is skipped, if it is not installed. It writes each change to its disk before it answers.
    ///
    /// # Panics
    /// It does not start.
    pub fn start(configuration: &str) -> Option<Self> {
        Self::start_in(tempfile::tempdir().unwrap(), configuration)
    }

    /// As [`Redis::start`], in a directory that has the files which `configuration` names.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_in(folder: TempDir, configuration: &str) -> Option<Self> {
        let (program, client) = (tools::find("redis-server")?, tools::find("redis-cli")?);
        let launched = port::on_free(|port| Ok((launch(&program, &folder, configuration, port)?, port)));
        let (child, port) = launched.unwrap_or_else(|said: Vec<String>| panic!("redis-server does not start:\n{}", said.join("\n")));
        Some(Self { program, client, configuration: configuration.to_owned(), folder, child, port })
    }

    /// Kills it and starts it again, on the same port and with what it has on its disk.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        self.kill();
        let launched = launch(&self.program, &self.folder, &self.configuration, self.port);
        self.child = launched.unwrap_or_else(|said| panic!("redis-server does not start again:\n{}", said.join("\n")));
    }

    /// Kills it.
    ///
    /// # Panics
    /// The system refuses.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The grant of a connection to it, by the name that the driver has for it.
    ///
    /// # Panics
    /// Never.
    pub fn grant(&self) -> ConnectionGrant {
        let mut grant = ConnectionGrant::new("redis", "127.0.0.1", self.port);
        grant.addresses.push("127.0.0.1".parse().unwrap());
        grant
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What Debian's client prints for a command: another's view of the server.
    ///
    /// # Panics
    /// The command fails.
    #[track_caller]
    pub fn say(&self, words: &[&str]) -> String {
        let said = tools::run(Command::new(&self.client).args(["-e", "-p", &self.port.to_string()]).args(words));
        said.trim_end().to_owned()
    }

    /// How often each command was called since `CONFIG RESETSTAT`, in byte order: `eval 1`. What a script calls counts too.
    ///
    /// # Panics
    /// The server does not say.
    #[track_caller]
    pub fn calls(&self) -> Vec<String> {
        let said = self.say(&["INFO", "commandstats"]);
        let call = |line: &str| {
            let (command, counted) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some(format!("{command} {}", counted.split(',').next()?))
        };
        // The questions of these functions themselves.
        let mut calls: Vec<_> = said.lines().filter_map(call).filter(|call| !call.starts_with("config|") && !call.starts_with("info ")).collect();
        calls.sort();
        calls
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server; answers what it said if it ends before it is ready.
fn launch(program: &PathBuf, folder: &TempDir, configuration: &str, port: u16) -> Result<Child, Vec<String>> {
    let directory = folder.path().to_str().unwrap();
    let file = folder.path().join("redis.conf");
    let more = configuration.replace("DIR", directory).replace("PORT", &port.to_string());
    let own = if more.contains("tls-port") { "port 0".to_owned() } else { format!("port {port}") };
    let text = format!("{own}\nbind 127.0.0.1\ndir {directory}\nsave \"\"\nappendonly yes\nappendfsync always\n{more}\n");
    fs::write(&file, text).unwrap();
    let mut child = Command::new(program).arg(&file).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let ready = line.contains(READY);
        said.push(line);
        if ready {
            // It would stop when nobody took what it says.
            thread::spawn(move || lines.for_each(drop));
            return Ok(child);
        }
    }
    child.wait().unwrap();
    Err(said)
}
