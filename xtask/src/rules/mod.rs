//! The house rules that a program can check.
//!
//! | module | its rules |
//! |---|---|
//! | `text` | file lengths, first lines, machine paths |
//! | `code` | function lengths, macros, attributes, `unsafe`, sleeps, `unwrap` |
//! | `documents` | errors that are stated, examples in entry files |
//! | `excerpts` | code on pages, which is what stands in a file |
//! | `layers` | which crate may use which, and cycles between modules |

mod code;
mod documents;
mod excerpts;
mod layers;
mod source;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;
use source::Source;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl Breach {
    fn new(file: &Path, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

/// Checks every rule and prints each breach as `file:line: rule`; answers how many there are.
///
/// # Errors
/// A file that cannot be read, or is no Rust although it is named so.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let files = files(workspace)?;
    let mut breaches = Vec::new();
    let mut sources = Vec::new();
    for file in &files {
        let path = workspace.root().join(file);
        let Ok(contents) = std::fs::read_to_string(&path) else { continue };
        breaches.extend(text::check(file, &contents));
        if is_page(file) {
            breaches.extend(excerpts::check(workspace.root(), file, &contents));
        }
        if file.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::parse(file.clone(), &contents).with_context(|| format!("parsing {}", file.display()))?);
        }
    }
    mark_tests(&mut sources);
    for source in &sources {
        breaches.extend(code::check(source));
        breaches.extend(documents::check(source));
    }
    let packages = workspace.packages()?;
    breaches.extend(documents::check_entries(workspace.root(), &packages, &sources));
    breaches.extend(layers::check_packages(workspace.root(), &packages));
    breaches.extend(layers::check_modules(Path::new("runtime/src"), &sources));
    breaches.sort();
    for breach in &breaches {
        println!("{breach}");
    }
    eprintln!("house rules: {} files, {} breaches", files.len(), breaches.len());
    Ok(breaches.len())
}

/// Writes the excerpts of all pages anew.
///
/// # Errors
/// A page names a file or words that are not there, or cannot be written.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    for file in files(workspace)?.iter().filter(|file| is_page(file)) {
        let path = workspace.root().join(file);
        let Ok(contents) = std::fs::read_to_string(&path) else { continue };
        let fixed = excerpts::rewritten(workspace.root(), &contents).with_context(|| file.display().to_string())?;
        if fixed != contents {
            std::fs::write(&path, fixed).with_context(|| format!("writing {}", path.display()))?;
            eprintln!("{} is written anew", file.display());
        }
    }
    Ok(())
}

fn is_page(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

/// The files of the workspace, without those that git ignores.
fn files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let listed =
        process::output(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(workspace.root()))?;
    Ok(listed.split_terminator('\0').map(PathBuf::from).collect())
}

/// Files that are modules of tests: `#[cfg(test)] mod parse_tests;` in another file makes them so.
fn mark_tests(sources: &mut [Source]) {
    let tests: BTreeSet<_> = sources.iter().flat_map(Source::files_of_test_modules).collect();
    for source in sources.iter_mut().filter(|source| tests.contains(source.file())) {
        source.is_test = true;
    }
}

/// The breaches of one file's text, for the tests of the rules.
#[cfg(test)]
fn breaches_of(file: &str, contents: &str, check: fn(&Source) -> Vec<Breach>) -> Vec<String> {
    let source = Source::parse(file.into(), contents);
    check(&source.unwrap_or_else(|error| panic!("{error}"))).iter().map(|breach| format!("{}: {}", breach.line, breach.rule)).collect()
}
