//! A Rust file as the rules see it: its syntax, its tokens, and which of its lines are tests.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Result;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A parsed file.
pub(super) struct Source {
    file: PathBuf,
    pub(super) syntax: syn::File,
    pub(super) tokens: TokenStream,
    /// Whether all of it is tests.
    pub(super) is_test: bool,
    test_lines: Vec<RangeInclusive<usize>>,
    test_modules: Vec<String>,
}

impl Source {
    /// Parses what `file`, a path from the workspace's root, contains.
    ///
    /// # Errors
    /// It is no Rust.
    pub(super) fn parse(file: PathBuf, contents: &str) -> Result<Self> {
        let syntax = syn::parse_file(contents)?;
        let tokens = contents.parse::<TokenStream>().map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut tests = Tests::default();
        tests.visit_file(&syntax);
        let is_test =
            file.components().rev().skip(1).any(|folder| folder.as_os_str() == "tests") && !is_fixture(&file) || has_test_attribute(&syntax.attrs);
        Ok(Self { file, syntax, tokens, is_test, test_lines: tests.lines, test_modules: tests.modules })
    }

    /// Its path from the workspace's root.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether a line is compiled for tests only.
    pub(super) fn tests_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Where the modules are that this file declares for tests only.
    pub(super) fn files_of_test_modules(&self) -> Vec<PathBuf> {
        let parent = self.file.parent().unwrap_or(Path::new(""));
        let stem = self.file.file_stem().unwrap_or_default();
        let folder = if ["mod", "lib", "main"].iter().any(|name| *name == stem) { parent.to_owned() } else { parent.join(stem) };
        let files = |name: &String| [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"), parent.join(format!("{name}.rs"))];
        self.test_modules.iter().flat_map(files).collect()
    }
}

/// Drivers below `tests/fixtures/` are no tests.
fn is_fixture(file: &Path) -> bool {
    file.starts_with("tests/fixtures")
}

#[derive(Default)]
struct Tests {
    lines: Vec<RangeInclusive<usize>>,
    modules: Vec<String>,
}

impl Tests {
    fn add(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) -> bool {
        let tests = has_test_attribute(attributes);
        if tests {
            self.lines.push(item.span().start().line..=item.span().end().line);
        }
        tests
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if self.add(&item.attrs, item) && item.content.is_none() {
            let path = item.attrs.iter().find_map(path_attribute);
            self.modules.push(path.unwrap_or_else(|| item.ident.to_string()));
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.attrs, item);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.add(&item.attrs, item);
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.attrs, item);
        visit::visit_impl_item_fn(self, item);
    }
}

/// The file of `#[path = "parse_tests.rs"]`, without its extension.
fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    pair.path.is_ident("path").then(|| text.value().trim_end_matches(".rs").to_owned())
}

/// `#[test]`, `#[tokio::test]` or `#[cfg(test)]`.
fn has_test_attribute(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let is_test = path.segments.last().is_some_and(|segment| segment.ident == "test");
        let tests_only = || attribute.meta.require_list().is_ok_and(|list| only_in_tests(list.tokens.clone()));
        is_test || path.is_ident("cfg") && tests_only()
    })
}

/// `test`, or `all(test, …)`.
fn only_in_tests(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(word)), None) => word == "test",
        (Some(TokenTree::Ident(word)), Some(TokenTree::Group(all))) if word == "all" => {
            all.stream().into_iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "test"))
        }
        _ => false,
    }
}

/// Calls `visit` with each run of tokens, those in brackets and in macros too.
pub(super) fn each_run(tokens: TokenStream, visit: &mut impl FnMut(&[TokenTree])) {
    let run: Vec<_> = tokens.into_iter().collect();
    visit(&run);
    for token in run {
        if let TokenTree::Group(group) = token {
            each_run(group.stream(), visit);
        }
    }
}

/// Whether a token is this punctuation.
pub(super) fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// The word that a token is.
pub(super) fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// The brackets of one kind that a token is.
pub(super) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn source(file: &str, contents: &str) -> Source {
        Source::parse(file.into(), contents).unwrap()
    }

    #[test]
    fn lines_of_tests_are_known() {
        let source = source("a/src/b.rs", "fn one() {}\n#[cfg(test)]\nmod tests {\n}\nfn two() {}\n#[tokio::test]\nasync fn three() {}\n");
        let lines: Vec<_> = (1..=7).filter(|line| source.tests_line(*line)).collect();
        assert_eq!(lines, [2, 3, 4, 6, 7]);
        let sometimes = self::source("a/src/b.rs", "#[cfg(any(test, unix))]\nfn one() {}\n#[cfg(all(test, unix))]\nfn two() {}\n");
        assert!(!sometimes.tests_line(2) && sometimes.tests_line(4));
    }

    #[test]
    fn files_of_test_modules_are_found() {
        let contents = "#[cfg(test)]\nmod x_tests;\n#[cfg(test)]\n#[path = \"y.rs\"]\nmod tests;\nmod z;\n";
        let files = source("a/src/grant/mod.rs", contents).files_of_test_modules();
        assert!(files.contains(&PathBuf::from("a/src/grant/x_tests.rs")) && files.contains(&PathBuf::from("a/src/grant/y.rs")), "{files:?}");
        assert!(!files.iter().any(|file| file.ends_with("z.rs")));
        assert!(source("a/src/c.rs", contents).files_of_test_modules().contains(&PathBuf::from("a/src/c/x_tests.rs")));
    }

    #[test]
    fn files_below_tests_are_tests_and_fixtures_are_not() {
        assert!(source("tests/tests/a.rs", "").is_test);
        assert!(source("cli/tests/a.rs", "").is_test);
        assert!(!source("tests/fixtures/hostile/src/lib.rs", "").is_test);
        assert!(!source("cli/src/a.rs", "").is_test);
    }
}
