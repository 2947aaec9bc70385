//! Rules about documentation: errors are stated, entry files show an example.

use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Breach;
use super::source::Source;
use crate::workspace::Package;

/// The libraries that others use.
const LIBRARIES: [&str; 4] = ["runtime/src", "registry/src", "certification/src", "guest-sdk/rust/src"];

/// The functions of a library that can fail and do not say how.
pub(super) fn check(source: &Source) -> Vec<Breach> {
    if !LIBRARIES.iter().any(|folder| source.file().starts_with(folder)) {
        return Vec::new();
    }
    let mut functions = Fallible { source, breaches: Vec::new() };
    functions.visit_file(&source.syntax);
    functions.breaches
}

struct Fallible<'a> {
    source: &'a Source,
    breaches: Vec<Breach>,
}

impl Fallible<'_> {
    fn check(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature) {
        let line = signature.span().start().line;
        if is_fallible(signature) && !documentation(attributes).contains("# Errors") && !self.source.tests_line(line) {
            let rule = format!("`{}` can fail and has no `# Errors`", signature.ident);
            self.breaches.push(Breach::new(self.source.file(), line, rule));
        }
    }
}

impl<'ast> Visit<'ast> for Fallible<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_public(&item.vis) {
            self.check(&item.attrs, &item.sig);
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_public(&item.vis) {
            self.check(&item.attrs, &item.sig);
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if is_public(&item.vis) {
            for member in &item.items {
                if let syn::TraitItem::Fn(function) = member {
                    self.check(&function.attrs, &function.sig);
                }
            }
        }
        visit::visit_item_trait(self, item);
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn is_fallible(signature: &syn::Signature) -> bool {
    let syn::ReturnType::Type(_, answer) = &signature.output else { return false };
    matches!(&**answer, syn::Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Result"))
}

fn documentation(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The entry files of libraries without an example that runs.
pub(super) fn check_entries(root: &Path, packages: &[Package], sources: &[Source]) -> Vec<Breach> {
    let libraries =
        packages.iter().flat_map(|package| &package.targets).filter(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "rlib"));
    let entries = libraries.filter_map(|target| target.src_path.strip_prefix(root).ok());
    let sources = entries.filter_map(|entry| sources.iter().find(|source| source.file() == entry));
    // A driver is an example itself, and the tests are nobody's library.
    let used = sources.filter(|source| !["tests", "example-drivers"].iter().any(|folder| source.file().starts_with(folder)));
    let without = used.filter(|source| !has_example(&documentation(&source.syntax.attrs)));
    without.map(|source| Breach::new(source.file(), 1, "the crate's documentation has no example that runs as a test")).collect()
}

/// Whether a block of code is compiled by `cargo test`: Rust, and not ignored.
fn has_example(documentation: &str) -> bool {
    let fences = documentation.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    // Every other fence ends a block.
    fences.step_by(2).any(|language| language.split(',').all(|word| ["", "rust", "no_run", "edition2024"].contains(&word.trim())))
}

#[cfg(test)]
mod tests {
    use super::super::breaches_of;
    use super::*;

    #[test]
    fn who_can_fail_says_how() {
        for function in ["pub fn f() -> Result<(), E> {}", "pub async fn f() -> io::Result<u8> {}", "impl A { pub fn f(&self) -> Result<()> {} }"] {
            let breaches = breaches_of("runtime/src/a.rs", &format!("/// Does it.\n{function}"), check);
            assert_eq!(breaches.len(), 1, "{function}");
        }
        assert_eq!(breaches_of("runtime/src/a.rs", "pub trait A { fn f() -> Result<()>; }", check).len(), 1);
        for fine in [
            "/// Does it.\n///\n/// # Errors\n/// It cannot.\npub fn f() -> Result<()> {}",
            "pub fn f() -> Option<()> {}",
            "pub(crate) fn f() -> Result<()> {}",
            "impl A for B { fn f() -> Result<()> {} }",
            "#[cfg(test)]\nmod tests { pub fn f() -> Result<()> {} }",
        ] {
            assert_eq!(breaches_of("runtime/src/a.rs", fine, check), [""; 0], "{fine}");
        }
        assert_eq!(breaches_of("benches/src/a.rs", "pub fn f() -> Result<()> {}", check), [""; 0]);
    }

    #[test]
    fn an_example_is_compiled() {
        assert!(has_example(" A crate.\n\n ```\n let a = 1;\n ```"));
        assert!(has_example("```text\na\n```\n```rust,no_run\nb\n```"));
        assert!(!has_example("```text\na\n```"));
        assert!(!has_example("```ignore\na\n```\nmore"));
        assert!(!has_example("none"));
    }
}
