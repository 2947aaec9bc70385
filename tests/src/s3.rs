//! A real S3 server as a process on loopback: `moto`, which keeps everything in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::process::{Child, Command, Stdio};

use cofferdam::Grant;
use tempfile::TempDir;

use crate::tools;
use crate::wait::until;

/// What it prints before the address at which it listens.
const LISTENING: &str = "Running on http://";

/// Keys, as the AWS tools write them; `moto` takes any.
const CREDENTIALS: &str = "[test]\naws_access_key_id = AKIDCOFFERDAMTEST\naws_secret_access_key = a/secret+that/enters/no/sandbox\n";

/// The bucket that is there.
pub const BUCKET: &str = "cofferdam";

/// A running server with an empty bucket. It is killed when it is dropped.
#[derive(Debug)]
pub struct S3Server {
    child: Child,
    address: String,
    home: TempDir,
}

impl S3Server {
    /// Starts `moto`, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub async fn moto() -> Option<Self> {
        let program = tools::find("moto_server")?;
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("log");
        let mut command = Command::new(program);
        // It keeps what is larger than some KiB in temporary files.
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("TMPDIR", home.path()).current_dir(home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let address = until("moto listens", || {
            let printed = std::fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "moto has ended:\n{printed}");
            let (_, rest) = printed.split_once(LISTENING)?;
            rest.split_once('\n').map(|(address, _)| address.trim().to_owned())
        });
        let server = Self { child, address, home };
        let made = reqwest::Client::new().put(format!("{}/{BUCKET}", server.endpoint())).send().await.unwrap();
        assert!(made.status().is_success(), "moto makes no bucket: {}", made.status());
        Some(server)
    }

    /// A grant for the driver `s3` with these settings besides those that say where the server is.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant(&self, settings: &str) -> Grant {
        let endpoint = self.endpoint();
        std::fs::write(self.home.path().join("credentials"), CREDENTIALS).unwrap();
        let text = format!(
            "[settings]\nbucket = \"{BUCKET}\"\nendpoint = \"{endpoint}\"\npath-style = true\n{settings}\n\
             [limits]\nno-progress = \"120s\"\n\
             [[http]]\nallow = \"{endpoint}\"\npath = \"/{BUCKET}\"\naddresses = [\"127.0.0.1/32\"]\nfirst-byte-timeout = \"100s\"\n\
             sign = {{ scheme = \"aws-sigv4\", region = \"us-east-1\", credentials-file = \"credentials\", profile = \"test\" }}\n"
        );
        Grant::parse(&text, &self.home.path().join("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// Its URL, without a `/` at the end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
