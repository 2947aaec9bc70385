//! The templates of all languages, each built in a project of its own below `target/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam::Grant;
use cofferdam_build::{Engine, Error, Language, Project, Tools, build, scaffold, tools};

/// A driver that was built.
pub(crate) struct Made {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    pub(crate) component: Vec<u8>,
    /// What its template is certified with.
    pub(crate) grant: Grant,
}

/// In the order of the tables. Rust is first: the others are measured against it.
const SIDES: [(&str, Language, Engine); 7] = [
    ("Rust", Language::Rust, Engine::QuickJs),
    ("C", Language::C, Engine::QuickJs),
    ("Go", Language::Go, Engine::QuickJs),
    ("Python", Language::Python, Engine::QuickJs),
    ("JavaScript", Language::JavaScript, Engine::QuickJs),
    ("TypeScript", Language::TypeScript, Engine::QuickJs),
    ("JavaScript (StarlingMonkey)", Language::JavaScript, Engine::StarlingMonkey),
];

/// Builds all of them; one whose tool is missing is left out, and said to be.
pub(crate) fn all(target: &Path) -> Result<Vec<Made>> {
    // Measuring installs nothing: `cargo xtask skeletons --install` does, into the same folder.
    let told = std::env::var_os(tools::FOLDER).map_or_else(|| target.join("tools"), PathBuf::from);
    let tools = Tools::at(std::path::absolute(told)?).as_they_are();
    let folder = target.join("bench-languages");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context(format!("removing {}", folder.display())),
        _ => {}
    }
    let mut made = Vec::new();
    for (index, (name, language, engine)) in SIDES.into_iter().enumerate() {
        let mut project = begin(&folder.join(format!("{index}-{language}")), language)?;
        project.engine = engine;
        eprintln!("building {name}");
        match build(&project, &tools, &mut |_| ()) {
            Ok(built) => {
                let grant = Grant::from_file(project.grant.as_deref().context("a template has a grant")?)?;
                made.push(Made { name, component: std::fs::read(built.component)?, grant });
            }
            Err(error @ Error::Missing { .. }) => println!("{name} is left out: {error}"),
            Err(error) => return Err(error).with_context(|| format!("building the template in {name}")),
        }
    }
    Ok(made)
}

fn begin(folder: &Path, language: Language) -> Result<Project> {
    scaffold::create(language, "drawer", folder)?;
    Ok(Project::find(folder)?)
}
