//! An example driver's folder, with the component that was built from it.

use std::fs;
use std::path::PathBuf;

use cofferdam::Grant;
use cofferdam_tests::{drivers, tools};
use tempfile::TempDir;

/// An example driver, with a directory for what it is granted.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    pub(crate) home: TempDir,
}

impl Example {
    /// The example `name`; `None`, and the word that the test is skipped, if it was not built.
    pub(crate) fn built(name: &'static str) -> Option<Self> {
        let component = drivers::path(name);
        if !component.is_file() {
            tools::skip(&format!("{} was not built: `cargo xtask skeletons` says why", component.display()));
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        for folder in ["data", "cache", "records"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        Some(Self { name, home })
    }

    /// A file of its folder.
    pub(crate) fn text(&self, file: &str) -> String {
        fs::read_to_string(drivers::workspace().join("example-drivers").join(self.name).join(file)).unwrap()
    }

    /// Its `grant.toml`, with `change` made to it, whose folders are at home.
    pub(crate) fn grant(&self, change: impl FnOnce(String) -> String) -> Grant {
        Grant::parse(&change(self.text("grant.toml")), &self.home.path().join("grant.toml")).unwrap()
    }

    /// Its `registry.toml`, for a server at home.
    pub(crate) fn registry(&self) -> String {
        let component = |name: &str| format!("driver = {:?}", drivers::path(name).display().to_string());
        let own = format!("driver = \"{}.wasm\"", self.name);
        let text = self.text("registry.toml");
        assert!(text.contains(&own), "{text}");
        text.replace(&own, &component(self.name)).replace("driver = \"../../target/drivers/filesystem.wasm\"", &component("filesystem"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}
