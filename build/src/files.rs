//! Files that are written whole, or not at all, and only where they change.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Gives `file` these contents, all at once, unless it has them; answers whether it had not.
///
/// # Errors
/// The folder cannot be written to.
pub fn replace(file: &Path, contents: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|there| there == contents) {
        return Ok(false);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
    let mut unfinished = builder().tempfile_in(folder).map_err(Error::file("write to", folder))?;
    unfinished.write_all(contents).map_err(Error::file("write", file))?;
    unfinished.persist(file).map_err(|error| error.error).map_err(Error::file("write", file))?;
    Ok(true)
}

/// Temporary files with the permissions of any file that is made: else they would be their owner's only.
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o644));
    builder
}

/// A folder that is to hold just what is put into it.
pub(crate) struct Tree {
    root: PathBuf,
    there: BTreeSet<PathBuf>,
}

impl Tree {
    /// Of this folder.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, there: BTreeSet::new() }
    }

    /// Writes a file, unless it is as it should be.
    pub(crate) fn put(&mut self, name: &Path, contents: &[u8]) -> Result<()> {
        let file = self.root.join(name);
        replace(&file, contents)?;
        self.there.insert(file);
        Ok(())
    }

    /// Removes the files that nothing was put into: a former version left them.
    pub(crate) fn finish(self) -> Result<()> {
        fs::create_dir_all(&self.root).map_err(Error::file("make the folder", &self.root))?;
        self.sweep(&self.root)
    }

    fn sweep(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
            let path = entry.map_err(Error::file("read", folder))?.path();
            if path.is_dir() && !path.is_symlink() {
                if self.there.range(path.clone()..).next().is_some_and(|file| file.starts_with(&path)) {
                    self.sweep(&path)?;
                }
            } else if !self.there.contains(&path) {
                fs::remove_file(&path).map_err(Error::file("remove", &path))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_written_only_if_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drivers/a.wasm");
        assert!(replace(&file, b"one").unwrap());
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        assert!(!replace(&file, b"one").unwrap());
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
        assert!(replace(&file, b"two").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("drivers")).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_holds_what_was_put_into_it_and_what_tools_keep_in_folders_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("sdk");
        fs::create_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("cache")).unwrap();
        for name in ["old", "src/old", "cache/kept"] {
            fs::write(root.join(name), "").unwrap();
        }
        let mut tree = Tree::new(root.clone());
        tree.put(Path::new("src/new"), b"new").unwrap();
        tree.finish().unwrap();
        assert!(!root.join("old").exists() && !root.join("src/old").exists());
        assert!(root.join("src/new").exists() && root.join("cache/kept").exists());
    }
}
