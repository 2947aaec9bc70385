//! A server as a process that says where it listens: started on a port of its own choice, killed when it is dropped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::wait::until;

/// A running server.
#[derive(Debug)]
pub(crate) struct Announced {
    child: Child,
    address: String,
}

impl Announced {
    /// Starts one in `home`, where a file takes what it prints; `before` is what it prints before the address at which it listens.
    ///
    /// # Panics
    /// It does not start.
    pub(crate) fn start(mut command: Command, home: &Path, before: &str) -> Self {
        let log = home.join("log");
        let output = File::create(&log).unwrap();
        let mut child = command.current_dir(home).stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let address = until("the server listens", || {
            let printed = fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{command:?} has ended:\n{printed}");
            let (_, rest) = printed.split_once(before)?;
            rest.split_once('\n').map(|(address, _)| address.trim().trim_end_matches('!').to_owned())
        });
        Self { child, address }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
