//! `cofferdam.toml` of a driver's project: read, checked, and found from wherever one is below it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::language::{Engine, Language};

/// The file that makes a folder a project.
pub const FILE: &str = "cofferdam.toml";

/// A driver's project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Project {
    /// The folder that holds `cofferdam.toml`.
    pub root: PathBuf,
    /// The driver's name.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// The world of the contract that it implements.
    pub world: String,
    /// The file that the world stands in, if it is the project's own.
    pub wit: Option<PathBuf>,
    /// The entry of its sources.
    pub source: PathBuf,
    /// What runs its JavaScript.
    pub engine: Engine,
    /// The file that is built.
    pub component: PathBuf,
    /// The grant that it is certified with.
    pub grant: Option<PathBuf>,
    /// The files that its store is filled with, if it is only read.
    pub filled: Option<PathBuf>,
    /// The setting that says where in its backend it stores.
    pub place: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    driver: DriverTable,
    #[serde(default)]
    certify: CertifyTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DriverTable {
    name: String,
    language: Language,
    world: toml::Spanned<String>,
    wit: Option<PathBuf>,
    source: toml::Spanned<PathBuf>,
    engine: Option<toml::Spanned<Engine>>,
    component: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CertifyTable {
    grant: Option<PathBuf>,
    filled: Option<PathBuf>,
    place: Option<String>,
}

impl Project {
    /// The project that `folder` is in: its own, or that of the nearest folder above.
    ///
    /// # Errors
    /// There is none, or its file is wrong.
    pub fn find(folder: &Path) -> Result<Self> {
        let absolute = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        let found = absolute.ancestors().map(|folder| folder.join(FILE)).find(|file| is_project(file));
        Self::read(&found.ok_or(Error::NoProject(absolute))?)
    }

    /// The project of a `cofferdam.toml`.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong: the error names the line.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(Error::file("read", file))?;
        Self::parse(&text, file)
    }

    /// As [`Project::read`], of a file's text.
    ///
    /// # Errors
    /// Something in it is wrong: the error names the line.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let wrong = |at: Option<std::ops::Range<usize>>, what: String| Error::Project {
            file: file.to_owned(),
            line: at.map(|at| line(text, at.start)),
            what,
        };
        let document: Document = toml::from_str(text).map_err(|error| wrong(error.span(), error.message().to_owned()))?;
        let driver = document.driver;
        check_name(&driver.name)?;
        let root = file.parent().unwrap_or(Path::new("")).to_owned();
        let takes_engine = matches!(driver.language, Language::JavaScript | Language::TypeScript);
        if let Some(engine) = driver.engine.as_ref().filter(|_| !takes_engine) {
            return Err(wrong(Some(engine.span()), format!("`engine` is for javascript and typescript, not for {}", driver.language)));
        }
        if !root.join(driver.source.get_ref()).exists() {
            return Err(wrong(Some(driver.source.span()), format!("the source {} is not there", driver.source.get_ref().display())));
        }
        // A world of its own stands in this file, if no other is named.
        let wit = driver.wit.or_else(|| root.join("world.wit").is_file().then(|| "world.wit".into()));
        if wit.is_none() && !crate::contract::worlds()?.contains(driver.world.get_ref()) {
            let known = crate::contract::worlds()?.join(", ");
            return Err(wrong(Some(driver.world.span()), format!("the contract has no world {}, only {known}", driver.world.get_ref())));
        }
        let component = driver.component.unwrap_or_else(|| format!("{}.wasm", driver.name).into());
        Ok(Self {
            name: driver.name,
            language: driver.language,
            world: driver.world.into_inner(),
            wit: wit.map(|wit| root.join(wit)),
            source: root.join(driver.source.into_inner()),
            engine: driver.engine.map(toml::Spanned::into_inner).unwrap_or_default(),
            component: root.join(component),
            grant: document.certify.grant.map(|grant| root.join(grant)),
            filled: document.certify.filled.map(|filled| root.join(filled)),
            place: document.certify.place,
            root,
        })
    }

    /// What `cofferdam build` makes and needs, and no author edits or commits.
    pub fn work(&self) -> PathBuf {
        self.root.join(".cofferdam")
    }
}

/// Whether a file is of a project: a file of that name may also be a grant that names its driver, `driver = "…"`.
pub fn is_project(file: &Path) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    match text.parse::<toml::Table>() {
        Ok(table) => table.get("driver").is_some_and(toml::Value::is_table),
        // One that does not parse is said to be wrong rather than passed over.
        Err(_) => text.lines().any(|line| line.trim() == "[driver]"),
    }
}

/// The line of a place in `text`.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Checks a driver's name.
///
/// # Errors
/// No driver can have it.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let words = name.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    let fine = words && name.len() <= 63 && name.starts_with(|first: char| first.is_ascii_lowercase());
    if fine { Ok(()) } else { Err(Error::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TEXT: &str = "[driver]\nname = \"drawer\"\nlanguage = \"python\"\nworld = \"driver\"\nsource = \"driver.py\"\n";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("driver.py"), "").unwrap();
        folder
    }

    fn refused(text: &str) -> String {
        let folder = folder();
        let error = Project::parse(text, &folder.path().join(FILE)).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_project_is_found_from_below_and_has_defaults() {
        let folder = folder();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join(FILE), TEXT).unwrap();
        // A grant that names its driver is no project.
        fs::write(folder.path().join("a").join(FILE), "driver = \"x.wasm\"").unwrap();
        let project = Project::find(&folder.path().join("a/b")).unwrap();
        assert_eq!((project.name.as_str(), project.language), ("drawer", Language::Python));
        assert_eq!(project.component, folder.path().join("drawer.wasm"));
        assert_eq!(project.grant, None);
        assert!(matches!(Project::find(Path::new("/")), Err(Error::NoProject(_))));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(refused(&TEXT.replace("world", "wrld")).starts_with("cofferdam.toml:4: unknown field `wrld`"));
        assert!(refused(&TEXT.replace("\"python\"", "\"perl\"")).starts_with("cofferdam.toml:3: unknown variant `perl`"));
        assert!(refused(&TEXT.replace("\"driver\"", "\"nothing\"")).starts_with("cofferdam.toml:4: the contract has no world nothing, only "));
        assert_eq!(refused(&TEXT.replace("driver.py", "other.py")), "cofferdam.toml:5: the source other.py is not there");
        assert!(refused(&format!("{TEXT}engine = \"quickjs\"\n")).starts_with("cofferdam.toml:6: `engine` is for javascript and typescript"));
    }

    #[test]
    fn names_are_those_of_the_contract() {
        for name in ["a", "my-disk", "disk2"] {
            check_name(name).unwrap();
        }
        for name in ["", "A", "2a", "-a", "a-", "a--b", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
