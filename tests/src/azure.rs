//! A real server of Azure's Blob service as a process on loopback: `azurite`, which keeps everything in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

use cofferdam::Grant;
use tempfile::TempDir;

use crate::announced::Announced;
use crate::tools;

/// What it prints before the address at which it listens.
const LISTENING: &str = "successfully listens on http://";

/// The account that it has.
const ACCOUNT: &str = "devstoreaccount1";

/// The account's key, which everybody knows.
pub const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A shared access signature of the account, made of its key by OpenSSL. It lets everybody do everything until 2099.
const SAS: &str = "sv=2019-12-12&ss=b&srt=sco&sp=rwdlac&se=2099-01-01T00%3A00%3A00Z&sig=YKAtmJudHaH98kax9IHOYkiCF9veHhGg4TBHNwluLXo%3D";

/// The container that is there.
pub const CONTAINER: &str = "cofferdam";

/// A running server with an empty container. It is killed when it is dropped.
#[derive(Debug)]
pub struct Azurite {
    server: Announced,
    home: TempDir,
}

impl Azurite {
    /// Starts it, or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start() -> Option<Self> {
        let program = tools::find("azurite-blob")?;
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--extentMemoryLimit", "2048"]);
        // Its lines for each request would fill the disk.
        command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
        let server = Self { server: Announced::start(command, home.path(), LISTENING), home };
        let url = format!("{}/{ACCOUNT}/{CONTAINER}?restype=container&{SAS}", server.endpoint());
        let made = reqwest::Client::new().put(url).header("content-length", "0").send().await.unwrap();
        assert!(made.status().is_success(), "azurite makes no container: {}", made.status());
        Some(server)
    }

    /// A grant for the driver `azure-blob` with these settings besides those that say where the server is, by the account's key.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant(&self, settings: &str) -> Grant {
        std::fs::write(self.home.path().join("key"), KEY).unwrap();
        self.signed(settings, &format!("scheme = \"azure-shared-key\", account = \"{ACCOUNT}\", key-file = \"key\""))
    }

    /// As [`Azurite::grant`], by a shared access signature that somebody else made.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant_by_sas(&self, settings: &str) -> Grant {
        std::fs::write(self.home.path().join("sas"), SAS).unwrap();
        self.signed(settings, "scheme = \"azure-sas\", token-file = \"sas\"")
    }

    fn signed(&self, settings: &str, sign: &str) -> Grant {
        let endpoint = self.endpoint();
        let text = format!(
            "[settings]\naccount = \"{ACCOUNT}\"\ncontainer = \"{CONTAINER}\"\nendpoint = \"{endpoint}\"\npath-style = true\n{settings}\n\
             [[http]]\nallow = \"{endpoint}\"\npath = \"/{ACCOUNT}/{CONTAINER}\"\naddresses = [\"127.0.0.1/32\"]\nsign = {{ {sign} }}\n"
        );
        Grant::parse(&text, &self.home.path().join("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }
}
