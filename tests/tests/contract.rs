//! Keeps `wit/` parsing, documented, frozen, and in step with `docs/contract.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_component::WitPrinter;
use wit_parser::{Docs, PackageId, Resolve, Stability, TypeDefKind};

/// SHA-256 of the contract's shapes, printed without documentation.
///
/// A change here is a change of every driver that was ever built: within 1.x add an interface instead. Before
/// CHANGELOG.md says that 1.0.0 is released, this digest may follow the shapes.
const SHAPES: &str = "20d3f5d701135d82ec57e8d9a99b967c60d41ac7a8dd5d01aab075dc7bf15730";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(workspace().join("wit")).expect("wit/ parses");
    (resolve, package)
}

/// Everything in the contract that has a name, with its documentation and, where the language has one, its stability.
fn items(resolve: &Resolve) -> Vec<(String, &Docs, Option<&Stability>)> {
    let mut items = Vec::new();
    for (_, world) in resolve.worlds.iter() {
        items.push((format!("world {}", world.name), &world.docs, Some(&world.stability)));
    }
    for (_, interface) in resolve.interfaces.iter() {
        let name = interface.name.as_deref().unwrap();
        items.push((name.to_owned(), &interface.docs, Some(&interface.stability)));
        for function in interface.functions.values() {
            items.push((format!("{name}.{}", function.name), &function.docs, Some(&function.stability)));
        }
    }
    for (_, ty) in resolve.types.iter() {
        let Some(name) = &ty.name else { continue };
        // A `use` makes a second type of the same name, which has no documentation of its own.
        if matches!(ty.kind, TypeDefKind::Type(wit_parser::Type::Id(of)) if resolve.types[of].name.as_ref() == Some(name)) {
            continue;
        }
        items.push((name.clone(), &ty.docs, Some(&ty.stability)));
        let parts: Vec<(&str, &Docs)> = match &ty.kind {
            TypeDefKind::Record(record) => record.fields.iter().map(|field| (field.name.as_str(), &field.docs)).collect(),
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect(),
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect(),
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| (flag.name.as_str(), &flag.docs)).collect(),
            _ => Vec::new(),
        };
        items.extend(parts.into_iter().map(|(part, docs)| (format!("{name}.{part}"), docs, None)));
    }
    items
}

#[test]
fn every_item_is_documented_and_says_since_when() {
    let (resolve, package) = contract();
    assert_eq!(resolve.packages[package].name.to_string(), "cofferdam:storage@1.0.0");
    let items = items(&resolve);
    assert!(items.len() > 150, "only {} items were found", items.len());
    let undocumented: Vec<_> = items.iter().filter(|(_, docs, _)| docs.is_empty()).map(|(name, ..)| name).collect();
    assert_eq!(undocumented, Vec::<&String>::new(), "without documentation");
    let unstable: Vec<_> = items.iter().filter(|(_, _, since)| matches!(since, Some(Stability::Unknown))).map(|(name, ..)| name).collect();
    assert_eq!(unstable, Vec::<&String>::new(), "without `@since`");
}

#[test]
fn every_fallible_function_states_its_errors() {
    let (resolve, _) = contract();
    for (_, interface) in resolve.interfaces.iter() {
        for function in interface.functions.values() {
            let fallible = matches!(function.result, Some(wit_parser::Type::Id(id)) if matches!(resolve.types[id].kind, TypeDefKind::Result(_)));
            let docs = function.docs.contents.as_deref().unwrap_or_default();
            // `upstream` and `files.sync` and the like point to where the errors are stated.
            let states = docs.contains("Errors") || docs.starts_with("As `streaming-store.");
            assert!(!fallible || states, "{}.{} does not say how it fails", interface.name.as_deref().unwrap(), function.name);
        }
    }
}

/// The words in `open` … `close` that look like case ids.
fn ids(text: &str, open: &str, close: &str) -> BTreeSet<String> {
    let is_id = |word: &&str| {
        *word == "health"
            || (word.contains('.')
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-')))
    };
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(word, _)| word).filter(is_id).map(str::to_owned).collect()
}

#[test]
fn each_case_is_named_in_the_contract_and_listed_in_its_documentation() {
    let mut named = BTreeSet::new();
    for entry in fs::read_dir(workspace().join("wit")).unwrap() {
        named.extend(ids(&fs::read_to_string(entry.unwrap().path()).unwrap(), "[", "]"));
    }
    let listed = ids(&fs::read_to_string(workspace().join("docs/contract.md")).unwrap(), "\n| ", " | ");
    assert!(named.len() > 100, "only {} ids were found", named.len());
    assert_eq!(named.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "missing in docs/contract.md");
    assert_eq!(listed.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "named nowhere in wit/");
}

/// The text of every Rust file in `folder`.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn each_promise_of_the_host_is_held_by_tests_that_exist() {
    let sources = sources(&workspace().join("runtime/src")) + &sources(&workspace().join("tests/tests"));
    let text = fs::read_to_string(workspace().join("docs/contract.md")).unwrap();
    let (_, table) = text.split_once("| held by |").expect("the table of the host's promises");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && !line.contains("*later*")).collect();
    assert!(rows.len() > 20, "only {} rows were found", rows.len());
    for row in rows {
        let tests: Vec<_> = row.trim_end_matches(" |").rsplit(" | ").next().unwrap().split(", ").map(|name| name.trim_matches('`')).collect();
        for test in tests {
            assert!(sources.contains(&format!("fn {test}()")), "there is no test `{test}`: {row}");
        }
    }
}

/// `contract.frozen`
#[test]
fn the_shapes_are_frozen() {
    let (mut resolve, package) = contract();
    for (_, interface) in resolve.interfaces.iter_mut() {
        interface.docs = Docs::default();
        interface.functions.values_mut().for_each(|function| function.docs = Docs::default());
    }
    for (_, ty) in resolve.types.iter_mut() {
        ty.docs = Docs::default();
        match &mut ty.kind {
            TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|field| field.docs = Docs::default()),
            TypeDefKind::Variant(variant) => variant.cases.iter_mut().for_each(|case| case.docs = Docs::default()),
            TypeDefKind::Enum(cases) => cases.cases.iter_mut().for_each(|case| case.docs = Docs::default()),
            TypeDefKind::Flags(flags) => flags.flags.iter_mut().for_each(|flag| flag.docs = Docs::default()),
            _ => {}
        }
    }
    resolve.worlds.iter_mut().for_each(|(_, world)| world.docs = Docs::default());
    resolve.packages.iter_mut().for_each(|(_, package)| package.docs = Docs::default());
    let mut printer = WitPrinter::default();
    printer.print(&resolve, package, &[]).unwrap();
    let shapes = printer.output.to_string();
    let digest = base16ct::lower::encode_string(&Sha256::digest(shapes.as_bytes()));
    assert_eq!(digest, SHAPES, "the shapes of the contract changed; they are now\n{shapes}");
}
