//! Debian's `skopeo`, an unmodified client, with nothing of this machine's own settings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::images::{Layout, digest_in};
use crate::tools;

/// The client, with a home of its own.
#[derive(Debug)]
pub struct Skopeo {
    program: PathBuf,
    home: PathBuf,
}

impl Skopeo {
    /// The installed one; `None`, and the word that the test is skipped, if there is none. `home` is made.
    ///
    /// # Panics
    /// It is not installed, and everything must run; or `home` cannot be written to.
    pub fn find(home: &Path) -> Option<Self> {
        let program = tools::find("skopeo")?;
        fs::create_dir_all(home).unwrap();
        fs::write(home.join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
        Some(Self { program, home: home.to_owned() })
    }

    /// A command of it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("HOME", &self.home).env("XDG_RUNTIME_DIR", &self.home).env("TMPDIR", &self.home);
        command.arg("--policy").arg(self.home.join("policy.json"));
        command
    }

    /// Copies an image, or all that an index names; `from` and `to` as `skopeo` names them.
    ///
    /// # Panics
    /// It fails.
    #[track_caller]
    pub fn copy(&self, from: &str, to: &str) {
        tools::run(self.command().args(["copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]));
    }

    /// Pulls the image `remote` into a new layout at `into`, and sees that it is what `layout` has as `tag`, to the last byte.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn pulls(&self, remote: &str, layout: &Layout, tag: &str, into: &Path) {
        self.copy(remote, &format!("oci:{}:{tag}", into.display()));
        assert_eq!(digest_in(into, tag), layout.digest(tag), "{remote}");
        for digest in layout.blobs_of(tag) {
            let read = |layout: &Path| fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
            assert!(read(into) == read(&layout.directory), "{digest} of {remote} differs");
        }
    }
}
