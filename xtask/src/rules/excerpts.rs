//! Code on a page is what stands in a file: a fence below `<!-- from FILE: WORDS -->` is an excerpt, checked and written by this module.
//!
//! An excerpt begins at the one line of the file that starts with WORDS, and goes on while lines are indented deeper; a bracket that closes
//! it belongs to it. It is shown without the indentation of its first line. Several, between ` | `, have a blank line between them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Breach;

/// What a template says where a project's name goes, and the name that pages use.
const NAME: (&str, &str) = ("{{name}}", "drawer");

/// Blocks that are typed, or printed, rather than taken from a source.
const FREE: [&str; 5] = ["", "sh", "console", "text", "toml"];

const FENCE: &str = "```";

/// A fence, and the comment above it that says where its code is from.
struct Fence<'a> {
    /// The index of the line that opens it.
    open: usize,
    /// The index of the line that closes it.
    close: usize,
    language: &'a str,
    from: Option<&'a str>,
}

/// The fences of `page` that are not what stands in the files they name. A page with one excerpt has no code of another origin.
pub(super) fn check(root: &Path, page: &Path, contents: &str) -> Vec<Breach> {
    let lines: Vec<_> = contents.lines().collect();
    let mut breaches: Vec<_> =
        strays(&lines).into_iter().map(|line| breach(page, line, "names a file, and no code follows in the next line")).collect();
    let fences = fences(&lines);
    if fences.iter().all(|fence| fence.from.is_none()) {
        return breaches;
    }
    for fence in fences {
        match fence.from.map(|from| excerpt(root, from)) {
            None if FREE.contains(&fence.language) => {}
            None => breaches.push(breach(page, fence.open, "this code is from no file: write `<!-- from FILE: WORDS -->` above it")),
            Some(Err(problem)) => breaches.push(breach(page, fence.open, format!("{problem:#}"))),
            Some(Ok(code)) => {
                let shown = lines.get(fence.open + 1..fence.close).unwrap_or_default();
                let wanted: Vec<_> = code.lines().collect();
                if shown != wanted {
                    let same = shown.iter().zip(&wanted).take_while(|(shown, wanted)| shown == wanted).count();
                    breaches.push(breach(page, fence.open + 1 + same, "is not what stands in the file: `cargo xtask rules --fix` writes it anew"));
                }
            }
        }
    }
    breaches
}

fn breach(page: &Path, index: usize, rule: impl Into<String>) -> Breach {
    Breach::new(page, index + 1, rule)
}

/// The page with every excerpt as it stands in its file.
///
/// # Errors
/// A file is not there, or has no such excerpt.
pub(super) fn rewritten(root: &Path, contents: &str) -> Result<String> {
    let lines: Vec<_> = contents.lines().collect();
    let mut text = String::new();
    let mut done = 0;
    for fence in fences(&lines) {
        let Some(from) = fence.from else { continue };
        let before = lines.get(done..=fence.open).unwrap_or_default();
        before.iter().for_each(|line| text += &format!("{line}\n"));
        text += &excerpt(root, from).with_context(|| format!("line {}", fence.open + 1))?;
        done = fence.close;
    }
    lines.get(done..).unwrap_or_default().iter().for_each(|line| text += &format!("{line}\n"));
    Ok(text)
}

fn fences<'a>(lines: &[&'a str]) -> Vec<Fence<'a>> {
    let mut fences = Vec::new();
    let mut opened: Option<(usize, &str)> = None;
    for (index, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix(FENCE) else { continue };
        opened = match opened {
            None => Some((index, rest.trim())),
            Some((open, language)) => {
                let from = open.checked_sub(1).and_then(|above| lines.get(above)).and_then(|line| named(line));
                fences.push(Fence { open, close: index, language, from });
                None
            }
        };
    }
    fences
}

/// What a comment says after `from`.
fn named(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- from ")?.strip_suffix("-->").map(str::trim)
}

/// Comments that name a file although no fence follows.
fn strays(lines: &[&str]) -> Vec<usize> {
    let names = lines.iter().enumerate().filter(|(_, line)| named(line).is_some());
    names.filter(|(index, _)| !lines.get(index + 1).is_some_and(|next| next.starts_with(FENCE))).map(|(index, _)| index).collect()
}

/// The code that `FILE: WORDS | WORDS` names.
fn excerpt(root: &Path, from: &str) -> Result<String> {
    let (file, words) = from.split_once(": ").context("write `<!-- from FILE: WORDS -->`")?;
    let source = fs::read_to_string(root.join(file)).with_context(|| format!("{file} cannot be read"))?;
    let blocks: Vec<_> = words.split(" | ").map(|words| block(&source, words.trim()).with_context(|| file.to_owned())).collect::<Result<_>>()?;
    Ok(blocks.join("\n").replace(NAME.0, NAME.1))
}

/// The block whose first line starts with `words`.
fn block(source: &str, words: &str) -> Result<String> {
    let lines: Vec<_> = source.lines().collect();
    let found: Vec<_> = lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with(words)).map(|(index, _)| index).collect();
    let [first] = found[..] else {
        anyhow::bail!("{} lines start with `{words}`, and one should", found.len());
    };
    let depth = |line: &str| line.len() - line.trim_start().len();
    let own = depth(lines[first]);
    let deeper = lines[first + 1..].iter().take_while(|line| line.trim().is_empty() || depth(line) > own).count();
    let mut end = first + 1 + deeper;
    if lines.get(end).is_some_and(|line| depth(line) == own && line.trim_start().starts_with(['}', ')', ']'])) {
        end += 1;
    }
    let shown: Vec<_> = lines[first..end].iter().map(|line| line.get(own..).unwrap_or_default()).collect();
    Ok(format!("{}\n", shown.join("\n").trim_end()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PYTHON: &str =
        "class A:\n    def stat(self):\n        if 1:\n            return\n\n        pass\n\n    def put(self):\n        pass\n\nend = 1\n";
    const C: &str = "static int f(void) {\n  return 1;\n}\n\nstatic int g(void) { return 2; }\nconst char *name = \"{{name}}\";\n";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.py"), PYTHON).unwrap();
        fs::write(root.path().join("a.c"), C).unwrap();
        root
    }

    fn rules(root: &Path, page: &str) -> Vec<(usize, String)> {
        check(root, Path::new("page.md"), page).into_iter().map(|breach| (breach.line, breach.rule)).collect()
    }

    #[test]
    fn a_block_ends_with_its_indentation_or_its_bracket() {
        assert_eq!(block(PYTHON, "def stat").unwrap(), "def stat(self):\n    if 1:\n        return\n\n    pass\n");
        assert_eq!(block(PYTHON, "def put").unwrap(), "def put(self):\n    pass\n");
        assert_eq!(block(C, "static int f").unwrap(), "static int f(void) {\n  return 1;\n}\n");
        assert_eq!(block(C, "static int g").unwrap(), "static int g(void) { return 2; }\n");
        assert_eq!(block(C, "static int").unwrap_err().to_string(), "2 lines start with `static int`, and one should");
        assert_eq!(block(C, "h").unwrap_err().to_string(), "0 lines start with `h`, and one should");
    }

    #[test]
    fn an_excerpt_that_is_not_in_its_file_is_found_at_its_first_other_line_and_written_anew() {
        let root = root();
        let page = "Text\n\n<!-- from a.py: def put -->\n```python\ndef put(self):\n    return\n```\n\n<!-- from a.c: static int g | const -->\n```c\n```\nend\n";
        let breaches = rules(root.path(), page);
        assert_eq!(breaches.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [6, 11]);
        let fixed = rewritten(root.path(), page).unwrap();
        assert_eq!(rules(root.path(), &fixed), []);
        assert!(fixed.contains("```c\nstatic int g(void) { return 2; }\n\nconst char *name = \"drawer\";\n```\nend\n"), "{fixed}");
        assert_eq!(rewritten(root.path(), &fixed).unwrap(), fixed);
        // A line that the file has no more.
        let longer = fixed.replace("    pass\n```", "    pass\n    pass\n```");
        assert_eq!(rules(root.path(), &longer).len(), 1);
        fs::write(root.path().join("a.py"), PYTHON.replace("def put", "def other")).unwrap();
        assert_eq!(rules(root.path(), &fixed), [(4, "a.py: 0 lines start with `def put`, and one should".to_owned())]);
        assert!(rewritten(root.path(), &fixed).is_err());
    }

    #[test]
    fn a_page_of_excerpts_has_no_other_code() {
        let root = root();
        let excerpt = "<!-- from a.c: const -->\n```c\nconst char *name = \"drawer\";\n```\n";
        assert_eq!(rules(root.path(), &format!("{excerpt}```sh\nls\n```\n")), []);
        assert_eq!(rules(root.path(), &format!("{excerpt}```python\nx\n```\n"))[0].0, 5);
        assert_eq!(rules(root.path(), "```python\nx\n```\n"), []);
        assert_eq!(rules(root.path(), "<!-- from a.c: const -->\n\n```c\n```\n")[0].0, 1);
        assert!(rules(root.path(), "<!-- from none.c: const -->\n```c\n```\n")[0].1.contains("none.c cannot be read"));
    }
}
