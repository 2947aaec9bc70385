//! Real S3 servers as processes on loopback: `moto`, which keeps everything in memory, and `s3s-fs`, which keeps it in a directory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cofferdam::Grant;
use tempfile::TempDir;

use crate::announced::Announced;
use crate::tools;

/// Keys; `moto` takes any.
pub const ACCESS_KEY: &str = "AKIDCOFFERDAMTEST";

/// The secret that belongs to [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "a/secret+that/enters/no/sandbox";

/// The bucket that is there.
pub const BUCKET: &str = "cofferdam";

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `moto`, in Python: everything in memory, and no signature checked.
    Moto,
    /// `s3s-fs`: everything in a directory.
    S3sFs,
}

impl Kind {
    /// What it prints before the address at which it listens.
    fn listening(self) -> &'static str {
        match self {
            Self::Moto => "Running on http://",
            Self::S3sFs => "server is running at http://",
        }
    }

    /// Its command, to serve at a free port what is in `home`.
    fn command(self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        match self {
            // It keeps what is larger than some KiB in temporary files.
            Self::Moto => command.args(["-H", "127.0.0.1", "-p", "0"]).env("TMPDIR", home),
            Self::S3sFs => command
                .args(["--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
                .arg(home.join("store"))
                // The one line that says where it listens, and none a request.
                .env("RUST_LOG", "s3s_fs=info,s3s_fs::s3=off"),
        };
        command
    }
}

/// A running server with an empty bucket. It is killed when it is dropped.
#[derive(Debug)]
pub struct S3Server {
    server: Announced,
    home: TempDir,
}

impl S3Server {
    /// Starts `moto`, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub async fn moto() -> Option<Self> {
        let server = Self::start(Kind::Moto, tools::find("moto_server")?);
        let made = reqwest::Client::new().put(format!("{}/{BUCKET}", server.endpoint())).send().await.unwrap();
        assert!(made.status().is_success(), "moto makes no bucket: {}", made.status());
        Some(server)
    }

    /// Starts `s3s-fs`, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub fn s3s_fs() -> Option<Self> {
        Some(Self::start(Kind::S3sFs, tools::find("s3s-fs")?))
    }

    fn start(kind: Kind, program: PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap();
        // A bucket is a directory, for the one that has directories.
        fs::create_dir_all(home.path().join("store").join(BUCKET)).unwrap();
        fs::write(home.path().join("credentials"), format!("[test]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"))
            .unwrap();
        let server = Announced::start(kind.command(&program, home.path()), home.path(), kind.listening());
        Self { server, home }
    }

    /// A grant for the driver `s3` with these settings besides those that say where the server is.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant(&self, settings: &str) -> Grant {
        let endpoint = self.endpoint();
        let text = format!(
            "[settings]\nbucket = \"{BUCKET}\"\nendpoint = \"{endpoint}\"\npath-style = true\n{settings}\n\
             [limits]\nno-progress = \"120s\"\n\
             [[http]]\nallow = \"{endpoint}\"\npath = \"/{BUCKET}\"\naddresses = [\"127.0.0.1/32\"]\nfirst-byte-timeout = \"100s\"\n\
             sign = {{ scheme = \"aws-sigv4\", region = \"us-east-1\", credentials-file = \"credentials\", profile = \"test\" }}\n"
        );
        Grant::parse(&text, &self.home.path().join("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// Its URL, without a `/` at the end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }
}
