//! Rules about any file's text: its length, its first line, and paths of one machine.

use std::path::Path;

use super::Breach;

/// Longer files have more than one job.
const LONGEST_FILE: usize = 500;

/// In two halves, so that this file does not break the rule: where somebody's checkout or home is.
const MACHINE_PATHS: [&str; 2] = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// The breaches in a file.
pub(super) fn check(file: &Path, contents: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (index, line) in contents.lines().enumerate() {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| names_path(line, path)) {
            breaches.push(Breach::new(file, index + 1, format!("names a path of one machine, {path}")));
        }
    }
    if file.extension().is_some_and(|extension| extension == "rs") {
        let first = contents.lines().next().unwrap_or_default();
        if !first.starts_with("//!") || first.trim_start_matches("//!").trim().is_empty() {
            breaches.push(Breach::new(file, 1, "the first line is not a `//!` that says the module's one job"));
        }
        let lines = contents.lines().count();
        if lines > LONGEST_FILE {
            breaches.push(Breach::new(file, lines, format!("{lines} lines; at most {LONGEST_FILE}: split it by job")));
        }
    }
    breaches
}

/// Whether `line` names the absolute path: `target/work/x` and `https://host/work/` are others.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|character| character.is_alphanumeric() || "._-/}>)]*".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str, contents: &str) -> Vec<(usize, String)> {
        check(Path::new(file), contents).into_iter().map(|breach| (breach.line, breach.rule)).collect()
    }

    #[test]
    fn a_module_says_its_job_on_its_first_line() {
        assert_eq!(rules("a.rs", "//! Does one thing.\nfn a() {}\n"), []);
        for contents in ["", "fn a() {}\n", "//!\n", "// Plain.\n", "#![no_std]\n//! Late.\n"] {
            assert_eq!(rules("a.rs", contents).len(), 1, "{contents:?}");
        }
        assert_eq!(rules("a.md", "Not Rust"), []);
    }

    #[test]
    fn a_file_has_at_most_500_lines() {
        let longest = format!("//! Long.\n{}", "\n".repeat(499));
        assert_eq!(rules("a.rs", &longest), []);
        assert_eq!(rules("a.rs", &format!("{longest}\n"))[0].0, 501);
    }

    #[test]
    fn paths_of_a_machine_are_named_nowhere() {
        for path in MACHINE_PATHS {
            for line in [format!("see {path}x"), format!("\"{path}\""), path.to_owned(), format!("A={path}")] {
                assert_eq!(rules("a.md", &format!("fine\n{line}\n")).len(), 1, "{line}");
            }
            for line in [format!("target{path}x"), format!("https://example.com{path}"), format!("..{path}")] {
                assert_eq!(rules("a.md", &line), [], "{line}");
            }
        }
    }
}
