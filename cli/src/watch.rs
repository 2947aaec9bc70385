//! Building and certifying a project again whenever a file of it is saved.
//!
//! The files are looked at several times a second rather than watched through the system: a project is small, and this works in containers and
//! on network file systems too.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use cofferdam_build::Tools;
use walkdir::{DirEntry, WalkDir};

use crate::args::CertifyArgs;
use crate::{build, certify, failure};

/// How often the files are looked at.
const POLL: Duration = Duration::from_millis(300);

/// What tools write in a project, beside what is hidden.
const OF_TOOLS: [&str; 4] = ["__pycache__", "node_modules", "target", "Cargo.lock"];

/// The author's files, with their times and sizes.
type Files = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Runs `certify --watch`, which ends when it is interrupted.
///
/// # Errors
/// If there is no project. What is wrong with the driver is printed, and the next save waited for.
pub(crate) async fn run(arguments: &CertifyArgs, quiet: bool) -> Result<ExitCode> {
    let project = build::project(Path::new("."))?;
    let component = project.component.clone();
    let look = || files(&project.root, &component);
    loop {
        // Looked at before, so that what is saved during the round starts another.
        let before = look();
        if let Err(error) = round(arguments, &project.root, quiet).await {
            failure::print(&error);
        }
        if !quiet {
            eprintln!("waiting for a save in {}", project.root.display());
        }
        let mut now = look();
        while now == before {
            tokio::time::sleep(POLL).await;
            now = look();
        }
        // Editors write a file in several steps: it is done when nothing changes any more.
        loop {
            tokio::time::sleep(POLL).await;
            let later = look();
            if std::mem::replace(&mut now, later) == now {
                break;
            }
        }
    }
}

/// Builds and certifies once.
async fn round(arguments: &CertifyArgs, root: &Path, quiet: bool) -> Result<()> {
    let (_, took) = build::build(build::project(root)?, Tools::of_the_user()?, quiet).await?;
    if !quiet {
        eprintln!("built in {took:.1} s");
    }
    certify::once(arguments, quiet).await.map(drop)
}

/// The author's files below `root`. One that vanishes meanwhile is none.
fn files(root: &Path, component: &Path) -> Files {
    let walk = WalkDir::new(root).into_iter().filter_entry(|entry| entry.depth() == 0 || is_the_authors(entry));
    let files = walk.flatten().filter(|entry| entry.file_type().is_file() && entry.path() != component);
    let known = files.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some((entry.into_path(), (metadata.modified().ok()?, metadata.len())))
    });
    known.collect()
}

fn is_the_authors(entry: &DirEntry) -> bool {
    let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
    !is_hidden && !OF_TOOLS.iter().any(|name| entry.file_name() == OsStr::new(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_save_is_noticed_and_what_a_build_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (root, component) = (folder.path(), folder.path().join("drawer.wasm"));
        for name in [".cofferdam/sdk", "src", "target", "__pycache__"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("src/lib.rs"), "one").unwrap();
        let before = files(root, &component);
        assert_eq!(before.len(), 1);
        for name in [".cofferdam/sdk/a.py", "target/a", "__pycache__/a.pyc", "drawer.wasm", "Cargo.lock", ".a.swp"] {
            fs::write(root.join(name), "built").unwrap();
        }
        assert_eq!(files(root, &component), before);
        fs::write(root.join("src/lib.rs"), "other").unwrap();
        assert_ne!(files(root, &component), before);
        fs::remove_file(root.join("src/lib.rs")).unwrap();
        assert!(files(root, &component).is_empty());
    }
}
