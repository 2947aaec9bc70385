//! A new project in an empty folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::carried;
use crate::error::{Error, Result};
use crate::files;
use crate::language::Language;
use crate::project;

/// What stands for the project's name in the files of a template, and in their names.
const NAME: &str = "{{name}}";

/// Writes the template of a language into `folder`, which is made if it is not there; answers the files.
///
/// # Errors
/// The name is no driver's, the folder is not empty, or cannot be written to.
pub fn create(language: Language, name: &str, folder: &Path) -> Result<Vec<String>> {
    project::check_name(name)?;
    let template: Vec<_> = carried::template(language).collect();
    if template.is_empty() {
        return Err(Error::NoTemplate(language));
    }
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(Error::NotEmpty(folder.to_owned())),
        Ok(false) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file("look into", folder)(error)),
    }
    let mut written = Vec::new();
    for (file, bytes) in template {
        let file = file.replace(NAME, name);
        let contents = std::str::from_utf8(bytes).map_or_else(|_| bytes.to_vec(), |text| text.replace(NAME, name).into_bytes());
        files::replace(&folder.join(&file), &contents)?;
        written.push(file);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Project;

    #[test]
    fn every_template_is_a_project_that_has_what_it_names() {
        for language in Language::ALL.into_iter().filter(|language| carried::template(*language).next().is_some()) {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("my-drawer");
            let written = create(language, "my-drawer", &root).unwrap();
            for file in ["README.md", ".gitignore", "cofferdam.toml", "grant.toml"] {
                assert!(written.iter().any(|name| name == file), "{language} has no {file}");
            }
            for file in &written {
                let text = fs::read_to_string(root.join(file)).unwrap();
                assert!(!text.contains(NAME), "{language}: {file}");
            }
            let project = Project::find(&root).unwrap();
            assert_eq!((project.name.as_str(), project.language), ("my-drawer", language));
            assert!(project.grant.unwrap().exists());
            assert!(fs::read_to_string(root.join(".gitignore")).unwrap().lines().any(|line| line.trim_start_matches('/') == ".cofferdam/"));
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine"), "").unwrap();
        assert!(matches!(create(Language::Rust, "drawer", folder.path()), Err(Error::NotEmpty(_))));
        assert!(matches!(create(Language::Rust, "My Drawer", folder.path()), Err(Error::Name(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
