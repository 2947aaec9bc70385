//! What of the local disk is to be stored, and where: settled before anything is.

use std::collections::HashMap;
use std::fs::File;
use std::io::Seek;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam::{Prefix, StorePath};
use walkdir::WalkDir;

use super::{below, destination};
use crate::failure::Advised;

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Standard,
}

/// One object to be stored.
#[derive(Debug)]
pub(super) struct Item {
    /// Where its bytes come from.
    pub(super) source: Source,
    /// How many they are, as far as that is known.
    pub(super) size: Option<u64>,
    /// Where it goes.
    pub(super) path: StorePath,
}

/// What is to be stored, and what in the directories is not.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The objects.
    pub(super) items: Vec<Item>,
    /// Why something is left out: links to directories, sockets, devices.
    pub(super) skipped: Vec<String>,
}

impl Plan {
    /// The sum of the sizes, if all are known.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.items.iter().map(|item| item.size).sum()
    }
}

/// Settles what of `local` goes where for `put`: every name is checked before anything is stored.
///
/// # Errors
/// For what is not there or cannot be stored under its name, and where two files would go to one path.
pub(super) fn plan(local: &[PathBuf], remote: &str, recursive: bool) -> Result<Plan> {
    let mut plan = Plan::default();
    let several = local.len() > 1;
    for source in local {
        if source == Path::new("-") {
            plan.standard(remote, several)?;
            continue;
        }
        let found = source.metadata().map_err(|error| unreadable(source, &error))?;
        if found.is_dir() && !recursive {
            return Err(Advised::new(format!("{} is a directory", source.display()), "-r stores it with all that is in it").into());
        } else if found.is_dir() {
            let prefix = if several { below(remote)?.join(name(source)?).map(Prefix::from)? } else { below(remote)? };
            plan.directory(source, &prefix)?;
        } else {
            let remote = if several && !remote.ends_with('/') { format!("{remote}/") } else { remote.to_owned() };
            let path = destination(&remote, name(source)?).with_context(|| cannot_store(source))?;
            // A pipe has a size of zero and is read to its end.
            let size = found.is_file().then_some(found.len());
            plan.items.push(Item { source: Source::File(source.clone()), size, path });
        }
    }
    plan.without_clashes()
}

impl Plan {
    fn standard(&mut self, remote: &str, several: bool) -> Result<()> {
        if several || remote.ends_with('/') {
            return Err(Advised::new("standard input has no name to be stored under", "give the object's whole path, and `-` alone").into());
        }
        self.items.push(Item { source: Source::Standard, size: None, path: StorePath::new(remote)? });
        Ok(())
    }

    fn directory(&mut self, root: &Path, prefix: &Prefix) -> Result<()> {
        for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
            let entry = entry.context("cannot read the directory")?;
            let kind = entry.file_type();
            if kind.is_dir() {
                continue;
            }
            // A link to a file is stored as the file; one to a directory might lead round in circles.
            let target = match entry.path().metadata() {
                Ok(target) => target,
                Err(error) if kind.is_symlink() => {
                    self.skipped.push(format!("{}: a link that leads nowhere: {error}", entry.path().display()));
                    continue;
                }
                Err(error) => return Err(unreadable(entry.path(), &error)),
            };
            if !target.is_file() {
                let what = if target.is_dir() { "a link to a directory" } else { "neither a file nor a directory" };
                self.skipped.push(format!("{}: {what}", entry.path().display()));
                continue;
            }
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let named = relative.to_str().with_context(|| format!("the name is no UTF-8: {}", entry.path().display()))?;
            let path = prefix.join(named).with_context(|| cannot_store(entry.path()))?;
            self.items.push(Item { source: Source::File(entry.path().to_owned()), size: Some(target.len()), path });
        }
        Ok(())
    }

    fn without_clashes(self) -> Result<Self> {
        let mut taken = HashMap::new();
        for item in &self.items {
            if let Some(first) = taken.insert(&item.path, &item.source) {
                anyhow::bail!("{} and {} would both be stored at {}", first.name(), item.source.name(), item.path);
            }
        }
        Ok(self)
    }
}

impl Source {
    /// For messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Standard => "standard input".to_owned(),
        }
    }

    /// Opens it: a file, and where its bytes begin.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(&self) -> Result<(File, u64)> {
        match self {
            Self::File(path) => Ok((File::open(path).map_err(|error| unreadable(path, &error))?, 0)),
            Self::Standard => {
                let descriptor = std::io::stdin().as_fd().try_clone_to_owned().context("cannot read standard input")?;
                let mut file = File::from(descriptor);
                // `< file` may have been read in part by somebody else; a pipe has no position.
                let offset = file.stream_position().unwrap_or(0);
                Ok((file, offset))
            }
        }
    }
}

fn name(path: &Path) -> Result<&str> {
    let name = path.file_name().with_context(|| format!("{} has no name to be stored under", path.display()))?;
    name.to_str().with_context(|| format!("the name is no UTF-8: {}", path.display()))
}

fn cannot_store(path: &Path) -> String {
    format!("{} cannot be stored under its name; nothing was stored", path.display())
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Advised::new(format!("no such file: {}", path.display()), "nothing was stored; check the spelling").into(),
        _ => anyhow::anyhow!("cannot read {}: {error}", path.display()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        directory
    }

    fn paths(plan: &Plan) -> Vec<&str> {
        plan.items.iter().map(|item| item.path.as_str()).collect()
    }

    #[test]
    fn a_directory_goes_below_the_prefix() {
        let directory = tree(&["a/b", "c"]);
        let local = [directory.path().to_owned()];
        assert_eq!(paths(&plan(&local, "/x", true).unwrap()), ["/x/a/b", "/x/c"]);
        assert_eq!(paths(&plan(&local, "/", true).unwrap()), ["/a/b", "/c"]);
        assert_eq!(plan(&local, "/", true).unwrap().bytes(), Some(4));
        assert!(plan(&local, "/x", false).unwrap_err().to_string().ends_with("is a directory"));
    }

    #[test]
    fn several_sources_keep_their_names() {
        let directory = tree(&["d/a", "b"]);
        let local = [directory.path().join("d"), directory.path().join("b")];
        assert_eq!(paths(&plan(&local, "/x", true).unwrap()), ["/x/d/a", "/x/b"]);
        let twice = [directory.path().join("b"), directory.path().join("b")];
        assert!(plan(&twice, "/x", true).unwrap_err().to_string().contains("would both be stored at /x/b"));
    }

    #[test]
    fn a_name_that_is_no_store_path_is_named() {
        let directory = tree(&["fine", "not fine"]);
        let error = plan(&[directory.path().to_owned()], "/x", true).unwrap_err();
        assert!(error.to_string().ends_with("/not fine cannot be stored under its name; nothing was stored"), "{error}");
    }

    #[test]
    fn links_to_files_are_stored_and_other_oddities_are_said() {
        let directory = tree(&["d/file"]);
        symlink("d/file", directory.path().join("link")).unwrap();
        symlink("d", directory.path().join("round")).unwrap();
        symlink("gone", directory.path().join("broken")).unwrap();
        let plan = plan(&[directory.path().to_owned()], "/", true).unwrap();
        assert_eq!(paths(&plan), ["/d/file", "/link"]);
        assert_eq!(plan.skipped.len(), 2);
        assert!(plan.skipped[1].ends_with("round: a link to a directory"));
    }

    #[test]
    fn standard_input_needs_a_whole_path() {
        assert_eq!(paths(&plan(&["-".into()], "/x", false).unwrap()), ["/x"]);
        assert!(plan(&["-".into()], "/x/", false).is_err());
    }
}
