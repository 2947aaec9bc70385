//! Real S3 servers on loopback: `moto`, a process that keeps everything in memory, and `s3s-fs`, in this process, which keeps it in a directory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::process::Command;

use cofferdam::Grant;
use tempfile::TempDir;

use crate::announced::Announced;
use crate::s3s_fs::S3sFs;
use crate::tools;

/// Keys; `moto` takes any.
pub const ACCESS_KEY: &str = "AKIDCOFFERDAMTEST";

/// The secret that belongs to [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "a/secret+that/enters/no/sandbox";

/// The bucket that is there.
pub const BUCKET: &str = "cofferdam";

/// What serves.
#[derive(Debug)]
enum Serving {
    /// `moto`, in Python, as a process: everything in memory, and no signature checked.
    Moto(Announced),
    /// `s3s-fs`, in this process: everything in a directory.
    S3sFs(S3sFs),
}

/// A running server with an empty bucket. It is killed when it is dropped.
#[derive(Debug)]
pub struct S3Server {
    serving: Serving,
    home: TempDir,
}

impl S3Server {
    /// Starts `moto`, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub async fn moto() -> Option<Self> {
        let program = tools::find("moto_server")?;
        let home = home();
        let mut command = Command::new(program);
        // It keeps what is larger than some KiB in temporary files.
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("TMPDIR", home.path());
        let serving = Serving::Moto(Announced::start(command, home.path(), "Running on http://"));
        let server = Self { serving, home };
        let made = reqwest::Client::new().put(format!("{}/{BUCKET}", server.endpoint())).send().await.unwrap();
        assert!(made.status().is_success(), "moto makes no bucket: {}", made.status());
        Some(server)
    }

    /// Starts `s3s-fs`, which is always there.
    ///
    /// # Panics
    /// It cannot listen.
    pub fn s3s_fs() -> Self {
        let home = home();
        let root = home.path().join("store");
        // A bucket is a directory.
        fs::create_dir_all(root.join(BUCKET)).unwrap();
        let serving = Serving::S3sFs(S3sFs::start(&root, ACCESS_KEY, SECRET_KEY));
        Self { serving, home }
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
        match &self.serving {
            Serving::Moto(moto) => moto.address(),
            Serving::S3sFs(s3s_fs) => s3s_fs.address(),
        }
    }

    /// Its URL, without a `/` at the end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }
}

/// A directory with the keys in it, as the grant's `credentials-file` wants them.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("credentials"), format!("[test]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")).unwrap();
    home
}
