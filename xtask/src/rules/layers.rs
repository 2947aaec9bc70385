//! Rules about who may know whom: crates by a table, modules of the runtime by having no cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenTree};

use super::Breach;
use super::source::{Source, each_run, group, is_punct, word};
use crate::workspace::Package;

/// What the packages of a folder may use of the workspace; the first prefix that fits decides.
const MAY_USE: [(&str, &[&str]); 11] = [
    // It makes drivers, and never runs one.
    ("build", &[]),
    ("runtime", &[]),
    ("registry", &["runtime"]),
    ("certification", &["runtime"]),
    ("cli", &["runtime", "registry", "certification", "build"]),
    ("guest-sdk", &[]),
    ("example-drivers", &["guest-sdk"]),
    ("tests/fixtures", &["guest-sdk", "example-drivers", "tests/fixtures"]),
    ("tests", &["runtime", "registry", "certification", "cli", "build"]),
    // Servers to measure against, and what to send them, are those of the tests.
    ("benches", &["runtime", "registry", "tests", "build"]),
    // It builds all the others, so it must compile without them; how a driver is built is said once.
    ("xtask", &["build"]),
];

/// The packages that use another against the table.
pub(super) fn check_packages(root: &Path, packages: &[Package]) -> Vec<Breach> {
    let folder = |package: &Package| package.manifest_path.parent().and_then(|folder| folder.strip_prefix(root).ok()).map(Path::to_owned);
    let folders: BTreeMap<_, _> = packages.iter().filter_map(|package| Some((package.name.as_str(), folder(package)?))).collect();
    let mut breaches = Vec::new();
    for package in packages {
        let Some(own) = folders.get(package.name.as_str()) else { continue };
        let manifest = own.join("Cargo.toml");
        let Some((_, may)) = MAY_USE.iter().find(|(prefix, _)| own.starts_with(prefix)) else {
            breaches.push(Breach::new(&manifest, 1, "no rule says what this package may use: add it to xtask/src/rules/layers.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(other) = folders.get(dependency.name.as_str()).filter(|other| *other != own) else { continue };
            if !may.iter().any(|prefix| layer(other) == *prefix) {
                breaches.push(Breach::new(&manifest, 1, format!("may not use {}: dependencies point the other way", dependency.name)));
            }
        }
    }
    breaches
}

/// The prefix in the table that a folder belongs to.
fn layer(folder: &Path) -> &'static str {
    MAY_USE.iter().map(|(prefix, _)| *prefix).find(|prefix| folder.starts_with(prefix)).unwrap_or_default()
}

/// Where one module names another.
type Uses = BTreeMap<String, BTreeMap<String, (PathBuf, usize)>>;

/// The cycles between the modules of a crate's top level, each at one of its arrows.
pub(super) fn check_modules(folder: &Path, sources: &[Source]) -> Vec<Breach> {
    let sources: Vec<_> = sources.iter().filter(|source| source.file().starts_with(folder)).collect();
    let modules: BTreeSet<_> = sources.iter().filter_map(|source| module(folder, source.file())).collect();
    let entry = sources.iter().find(|source| source.file() == folder.join("lib.rs"));
    let exported = entry.map(|entry| exports(entry, &modules)).unwrap_or_default();
    let mut uses = Uses::new();
    for source in &sources {
        let Some(own) = module(folder, source.file()) else { continue };
        for (name, line) in names_from_the_root(source) {
            let used = if modules.contains(&name) { Some(&name) } else { exported.get(&name) };
            if let Some(used) = used.filter(|used| **used != own) {
                uses.entry(own.clone()).or_default().entry(used.clone()).or_insert_with(|| (source.file().to_owned(), line));
            }
        }
    }
    cycles(&uses)
}

/// `pool` for `runtime/src/pool/run.rs` and `runtime/src/pool.rs`; none for the entry file.
fn module(folder: &Path, file: &Path) -> Option<String> {
    let first = file.strip_prefix(folder).ok()?.components().next()?;
    let name = Path::new(first.as_os_str()).file_stem()?.to_str()?.to_owned();
    (name != "lib" && name != "main").then_some(name)
}

/// The names that the entry file exports from its modules: `pub use error::{Error, ErrorKind}`.
fn exports(entry: &Source, modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for item in &entry.syntax.items {
        let syn::Item::Use(item) = item else { continue };
        let syn::UseTree::Path(path) = &item.tree else { continue };
        let (module, tree) = match &*path.tree {
            syn::UseTree::Path(inner) if path.ident == "crate" || path.ident == "self" => (inner.ident.to_string(), &*inner.tree),
            tree => (path.ident.to_string(), tree),
        };
        if modules.contains(&module) {
            last_names(tree, &mut |name| {
                exports.insert(name, module.clone());
            });
        }
    }
    exports
}

fn last_names(tree: &syn::UseTree, visit: &mut impl FnMut(String)) {
    match tree {
        syn::UseTree::Path(path) => last_names(&path.tree, visit),
        syn::UseTree::Name(name) => visit(name.ident.to_string()),
        syn::UseTree::Rename(rename) => visit(rename.rename.to_string()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| last_names(tree, visit)),
        syn::UseTree::Glob(_) => {}
    }
}

/// What follows `crate::`, in code that is not for tests, with its line.
fn names_from_the_root(source: &Source) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    each_run(source.tokens.clone(), &mut |run| {
        for at in 0..run.len() {
            let line = run[at].span().start().line;
            let from_root = word(run.get(at)).is_some_and(|word| word == "crate") && is_punct(run.get(at + 1), ':') && is_punct(run.get(at + 2), ':');
            // `pub(in crate::pool)` uses nothing.
            let is_visibility = at > 0 && word(run.get(at - 1)).is_some_and(|word| word == "in");
            if from_root && !is_visibility && !source.tests_line(line) {
                names.extend(firsts(run.get(at + 3)).into_iter().map(|name| (name, line)));
            }
        }
    });
    names
}

/// `a` for `a`; `a` and `c` for `{a::b, c}`.
fn firsts(token: Option<&TokenTree>) -> Vec<String> {
    let Some(braces) = group(token, Delimiter::Brace) else { return word(token).into_iter().collect() };
    let mut names = Vec::new();
    let mut begins = true;
    for token in braces.stream() {
        if begins {
            names.extend(word(Some(&token)));
        }
        begins = is_punct(Some(&token), ',');
    }
    names
}

/// One breach for each set of modules that all reach each other.
fn cycles(uses: &Uses) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut seen = BTreeSet::new();
    for module in uses.keys() {
        let circle: BTreeSet<_> = reachable(uses, module).into_iter().filter(|other| reachable(uses, other).contains(module)).collect();
        if circle.is_empty() || !seen.insert(circle.clone()) {
            continue;
        }
        let arrows = circle.iter().flat_map(|from| uses.get(from).into_iter().flatten().map(move |(to, place)| (from, to, place)));
        let inside: Vec<_> = arrows.filter(|(_, to, _)| circle.contains(*to)).collect();
        let listed: Vec<_> = inside.iter().map(|(from, to, (file, line))| format!("{from} → {to} at {}:{line}", file.display())).collect();
        if let Some((_, _, (file, line))) = inside.first() {
            breaches.push(Breach::new(file, *line, format!("modules that use each other in a circle: {}", listed.join(", "))));
        }
    }
    breaches
}

/// Every module that `from` uses, or that those use.
fn reachable(uses: &Uses, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(module) = open.pop() {
        for used in uses.get(&module).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn packages(list: &[(&str, &str, &[&str])]) -> Vec<Package> {
        let package = |(name, folder, uses): &(&str, &str, &[&str])| {
            let dependencies: Vec<_> = uses.iter().map(|name| serde_json::json!({ "name": name })).collect();
            let manifest = format!("/x/{folder}/Cargo.toml");
            serde_json::from_value(serde_json::json!({ "name": name, "manifest_path": manifest, "targets": [], "dependencies": dependencies }))
                .unwrap()
        };
        list.iter().map(package).collect()
    }

    fn modules(files: &[(&str, &str)]) -> Vec<Breach> {
        let sources: Vec<_> = files.iter().map(|(file, text)| Source::parse(Path::new("r/src").join(file), text).unwrap()).collect();
        check_modules(Path::new("r/src"), &sources)
    }

    #[test]
    fn packages_use_each_other_in_one_direction() {
        let fine: [(&str, &str, &[&str]); 4] = [
            ("host", "runtime", &["serde"]),
            ("tool", "cli", &["host", "cases"]),
            ("cases", "certification", &["host"]),
            ("disk", "example-drivers/disk", &["sdk"]),
        ];
        assert_eq!(check_packages(Path::new("/x"), &packages(&fine)), []);
        let back: [(&str, &str, &[&str]); 2] = [("host", "runtime", &["tool"]), ("tool", "cli", &["host"])];
        assert_eq!(check_packages(Path::new("/x"), &packages(&back)).len(), 1);
        let strange: [(&str, &str, &[&str]); 1] = [("new", "elsewhere", &[])];
        assert!(check_packages(Path::new("/x"), &packages(&strange))[0].rule.contains("no rule says"));
    }

    #[test]
    fn modules_in_a_circle_are_found_through_exports_and_groups() {
        let circle = [
            ("lib.rs", "mod a; mod b; mod c; pub use b::Thing;"),
            ("a.rs", "use crate::{c, Thing};"),
            ("b/mod.rs", ""),
            ("b/inner.rs", "fn f() { crate::a::f() }"),
            ("c.rs", ""),
        ];
        let found = modules(&circle);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].rule.contains("a → b at r/src/a.rs:1") && found[0].rule.contains("b → a at r/src/b/inner.rs:1"), "{found:?}");
    }

    #[test]
    fn one_direction_tests_and_visibility_are_no_circle() {
        let line = [
            ("lib.rs", ""),
            ("a.rs", "use crate::b::B;\npub(in crate::a) struct A;"),
            ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }\npub(in crate::a) fn f() {}"),
        ];
        assert_eq!(modules(&line), []);
    }
}
