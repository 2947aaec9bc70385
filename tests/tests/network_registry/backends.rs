//! A Redis and an S3 server, and registries over them that the example's file configures.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use cofferdam_tests::drivers;
use cofferdam_tests::redis::Redis;
use cofferdam_tests::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use cofferdam_tests::server::Server;
use cofferdam_tests::tools::run;
use tempfile::TempDir;

/// What the host signs with: the keys of the S3 server.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];

/// The two servers, and a directory for what a test writes.
pub(crate) struct Backends {
    /// Where records are.
    pub(crate) redis: Redis,
    s3: S3Server,
    /// For the test's own files.
    pub(crate) scratch: TempDir,
}

impl Backends {
    /// Starts Redis and `moto`, or says that the test is skipped.
    ///
    /// Not `s3s-fs`: it joins only parts that are numbered 1, 2, 3 …, and the host leaves out numbers that a writer before may still use.
    pub(crate) async fn start() -> Option<Self> {
        let (redis, s3) = (Redis::start("")?, S3Server::moto().await?);
        let scratch = tempfile::tempdir().unwrap();
        // The example names the drivers from where it lies: beside the directory that they are built in.
        symlink(drivers::workspace().join("target"), scratch.path().join("target")).unwrap();
        fs::create_dir(scratch.path().join("examples")).unwrap();
        Some(Self { redis, s3, scratch })
    }

    /// The example's file as it stands, but for the ports, and with `change`.
    pub(crate) fn file(&self, change: impl FnOnce(String) -> String) -> String {
        let text = fs::read_to_string(drivers::workspace().join("examples/redis-s3.toml")).unwrap();
        let own = [("127.0.0.1:6379", self.redis.address()), ("127.0.0.1:9000", self.s3.address().to_owned())];
        change(own.iter().fold(text, |text, (standing, own)| {
            assert!(text.contains(standing), "the example is for {standing}");
            text.replace(standing, own)
        }))
    }

    /// A registry with the example's file and `change`.
    pub(crate) fn serve(&self, change: impl FnOnce(String) -> String) -> Server {
        Server::with_environment(&self.scratch.path().join("examples"), self.file(change), &KEYS)
    }

    /// Collects what no manifest needs, in a process beside the registry that was started last; answers what it prints.
    pub(crate) fn collect(&self) -> String {
        let mut command = Command::new(drivers::workspace().join("target/release/cofferdam"));
        command.args(["gc", "--grace", "0s", "--config"]).arg(self.path("examples/cofferdam.toml")).envs(KEYS);
        run(&mut command)
    }

    /// A path below the test's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}

/// The example as it stands.
pub(crate) fn as_it_stands(text: String) -> String {
    text
}

/// The example with the layout of its commented line.
pub(crate) fn as_docker_registry(text: String) -> String {
    let changed = text.replace("# layout = \"registry-v2\"", "layout = \"registry-v2\"");
    assert_ne!(changed, text, "the example shows the other layout");
    changed
}

/// The example with a lease that a test can wait for.
pub(crate) fn with_a_short_lease(text: String) -> String {
    format!("{text}\n[uploads]\nlease = \"2s\"\n")
}
