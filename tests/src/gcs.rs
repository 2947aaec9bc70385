//! A real server of GCS's API as a process on loopback: `fake-gcs-server`, which keeps everything in memory and lets in everybody.
//!
//! What signs is a service account all the same, with a key that is made here and a token endpoint in this process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::process::{Child, Command};

use cofferdam::Grant;
use tempfile::TempDir;

use crate::web::Web;
use crate::{port, tools};

/// The bucket that is there.
pub const BUCKET: &str = "cofferdam";

/// A running server with an empty bucket. It is killed when it is dropped.
#[derive(Debug)]
pub struct FakeGcs {
    child: Child,
    port: u16,
    home: TempDir,
    tokens: Web,
}

impl FakeGcs {
    /// Starts it, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start() -> Option<Self> {
        let (program, openssl) = (tools::find("fake-gcs-server")?, tools::find("openssl")?);
        let home = tempfile::tempdir().unwrap();
        let (child, port) = port::start(|port| {
            let (address, port) = (format!("127.0.0.1:{port}"), port.to_string());
            let mut command = Command::new(&program);
            command.args(["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-log-level", "error", "-port", &port]);
            // Where it answers what is read by a URL for clients.
            command.args(["-public-host", &address]).args(["-external-url", &format!("http://{address}")]).current_dir(home.path());
            command
        })
        .expect("fake-gcs-server listens");
        let server = Self { child, port, home, tokens: Web::start().await };
        let (url, bucket) = (format!("{}/storage/v1/b?project=tests", server.endpoint()), format!("{{\"name\":\"{BUCKET}\"}}"));
        let made = reqwest::Client::new().post(url).header("content-type", "application/json").body(bucket).send().await.unwrap();
        assert!(made.status().is_success(), "fake-gcs-server makes no bucket: {}", made.status());
        let key = tools::run(Command::new(openssl).args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]));
        let account = serde_json::json!({
            "type": "service_account", "client_email": "tests@cofferdam.iam.gserviceaccount.com", "private_key": key, "private_key_id": "of tests",
            "token_uri": server.tokens.url("/token"),
        });
        fs::write(server.home.path().join("account.json"), account.to_string()).unwrap();
        Some(server)
    }

    /// A grant for the driver `gcs` with these settings besides those that say where the server is, by the account's key.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant(&self, settings: &str) -> Grant {
        let endpoint = self.endpoint();
        let text = format!(
            "[settings]\nbucket = \"{BUCKET}\"\nendpoint = \"{endpoint}\"\n{settings}\n\
             [[http]]\nallow = \"{endpoint}\"\naddresses = [\"127.0.0.1/32\"]\n\
             sign = {{ scheme = \"google-service-account\", key-file = \"account.json\" }}\n"
        );
        Grant::parse(&text, &self.home.path().join("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The private key of the account, in PEM.
    ///
    /// # Panics
    /// Its file is no more what it was.
    pub fn key(&self) -> String {
        let account: serde_json::Value = serde_json::from_slice(&fs::read(self.home.path().join("account.json")).unwrap()).unwrap();
        account["private_key"].as_str().unwrap().to_owned()
    }

    /// How often the account asked for a token.
    pub fn tokens(&self) -> usize {
        self.tokens.heads().iter().filter(|head| head.starts_with("POST /token ")).count()
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for FakeGcs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
