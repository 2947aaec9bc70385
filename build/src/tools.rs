//! The tools of languages, installed by their ordinary package managers into a folder of the user's.
//!
//! Each set of packages has a folder of its own, named after what is pinned, so that another version of this program never changes what the
//! first one uses. A file in it says that it is whole: it is written last, so that an installation that was interrupted is begun
//! again. A lock beside it keeps two builds from installing the same thing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::process;

/// Where tools are kept, instead of the user's cache.
pub const FOLDER: &str = "COFFERDAM_TOOLS";

/// The file that says what is installed in a folder.
const INSTALLED: &str = "installed.txt";

/// A folder of tools.
#[derive(Debug, Clone)]
pub struct Tools {
    root: PathBuf,
    installs: bool,
}

/// A set of packages of one package manager, with their versions.
#[derive(Debug, Clone, Copy)]
pub struct Packages {
    /// What they are for, as errors name it.
    pub language: &'static str,
    /// The folder.
    pub folder: &'static str,
    /// As the package manager takes them.
    pub names: &'static [&'static str],
}

impl Tools {
    /// The user's: `$COFFERDAM_TOOLS`, or `cofferdam/tools` in the user's cache.
    ///
    /// # Errors
    /// The system knows no such folder.
    pub fn of_the_user() -> Result<Self> {
        let told = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let root = told.or_else(|| dirs::cache_dir().map(|cache| cache.join("cofferdam/tools")));
        let missing = || Error::Missing {
            language: "any language",
            what: "a folder for tools".to_owned(),
            remedy: format!("set {FOLDER} to one that can be written to"),
        };
        Ok(Self::at(root.ok_or_else(missing)?))
    }

    /// Those in this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), installs: true }
    }

    /// The same, but what is missing stays missing.
    #[must_use]
    pub fn as_they_are(mut self) -> Self {
        self.installs = false;
        self
    }

    /// Whether what is missing is installed.
    pub(crate) fn may_install(&self) -> bool {
        self.installs
    }

    /// A virtual environment with packages of PyPI: its folder of executables.
    ///
    /// # Errors
    /// `python3` with `venv` is missing, or pip fails.
    pub fn python(&self, packages: &Packages, step: &mut dyn FnMut(&str)) -> Result<PathBuf> {
        let folder = self.install(packages, step, |folder| {
            let python =
                process::need("python3", packages.language, "install Python 3.10 or newer with venv (Debian: `apt-get install python3-venv`)")?;
            process::run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
            process::run(Command::new(process::executable(&folder.join("bin"), "python")).args(pip).args(packages.names)).map(drop)
        })?;
        Ok(folder.join("bin"))
    }

    /// A folder with packages of npm, in its `node_modules`.
    ///
    /// # Errors
    /// `npm` is missing or fails.
    pub fn node(&self, packages: &Packages, step: &mut dyn FnMut(&str)) -> Result<PathBuf> {
        self.install(packages, step, |folder| {
            let npm = process::need("npm", packages.language, "install Node 20 or newer with npm (Debian: `apt-get install nodejs npm`)")?;
            // Of its own, so that npm does not look for a package in the folders above.
            let manifest = folder.join("package.json");
            fs::write(&manifest, r#"{ "private": true }"#).map_err(Error::file("write", &manifest))?;
            let install = ["install", "--no-audit", "--no-fund", "--save-exact", "--prefix"];
            process::run(Command::new(npm).args(install).arg(folder).args(packages.names)).map(drop)
        })
    }

    /// The folder of a set of packages, which `install` fills if they are not there.
    fn install(&self, packages: &Packages, step: &mut dyn FnMut(&str), install: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let folder = self.root.join(packages.folder);
        if is_whole(&folder, packages) {
            return Ok(folder);
        }
        if !self.may_install() {
            let what = packages.names.join(", ");
            return Err(Error::Missing { language: packages.language, what, remedy: format!("it is to be in {}", folder.display()) });
        }
        fs::create_dir_all(&self.root).map_err(Error::file("make the folder", &self.root))?;
        let lock = self.root.join(format!("{}.lock", packages.folder));
        let held = File::create(&lock).map_err(Error::file("write", &lock))?;
        held.lock().map_err(Error::file("lock", &lock))?;
        // Whoever held the lock may have done it.
        if is_whole(&folder, packages) {
            return Ok(folder);
        }
        step(&format!("installing {} into {} (once)", packages.names.join(", "), folder.display()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
        }
        fs::create_dir_all(&folder).map_err(Error::file("make the folder", &folder))?;
        install(&folder)?;
        crate::files::replace(&folder.join(INSTALLED), packages.names.join("\n").as_bytes())?;
        Ok(folder)
    }
}

fn is_whole(folder: &Path, packages: &Packages) -> bool {
    fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == packages.names.join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PACKAGES: Packages = Packages { language: "Python", folder: "python-thing-1", names: &["thing==1"] };

    #[test]
    fn an_installation_that_was_interrupted_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Tools::at(folder.path());
        let mut steps = Vec::new();
        let interrupted = tools.install(&PACKAGES, &mut |step| steps.push(step.to_owned()), |folder| {
            fs::write(folder.join("half"), "").unwrap();
            Err(Error::Contract { what: "interrupted".to_owned() })
        });
        assert!(interrupted.is_err());
        assert!(matches!(tools.clone().as_they_are().install(&PACKAGES, &mut |_| {}, |_| Ok(())), Err(Error::Missing { .. })));
        let installed = tools.install(&PACKAGES, &mut |step| steps.push(step.to_owned()), |folder| {
            assert!(!folder.join("half").exists());
            Ok(())
        });
        assert_eq!(installed.unwrap(), folder.path().join("python-thing-1"));
        tools.install(&PACKAGES, &mut |_| {}, |_| panic!("it is there")).unwrap();
        assert_eq!(steps.len(), 2);
        // Another version is not taken for it.
        assert!(!is_whole(&folder.path().join("python-thing-1"), &Packages { names: &["thing==2"], ..PACKAGES }));
    }
}
