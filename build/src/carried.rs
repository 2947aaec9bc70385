//! What the binary carries: the contract, and of every language its SDK and its template.

use crate::Language;

/// Every file with its path in the repository, in byte order.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// A file that is carried: its path below what was asked for, and its contents.
pub(crate) type Carried = (&'static str, &'static [u8]);

/// The files of the contract.
pub(crate) fn wit() -> impl Iterator<Item = Carried> {
    below("wit/")
}

/// The files of a language's SDK, without its template.
pub(crate) fn sdk(language: Language) -> impl Iterator<Item = Carried> {
    below(language.sdk()).filter(move |(name, _)| !name.starts_with("template"))
}

/// The files that a new project of a language begins with.
pub(crate) fn template(language: Language) -> impl Iterator<Item = Carried> {
    below(language.template())
}

fn below(folder: &'static str) -> impl Iterator<Item = Carried> {
    FILES.iter().filter_map(move |(name, bytes)| Some((name.strip_prefix(folder)?, *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_and_the_sdk_of_rust_are_carried() {
        assert!(wit().any(|(name, _)| name == "worlds.wit"));
        let manifest = sdk(Language::Rust).find(|(name, _)| *name == "Cargo.toml").map(|(_, bytes)| String::from_utf8_lossy(bytes));
        let manifest = manifest.unwrap_or_default();
        assert!(manifest.contains("wit-bindgen = \"0."), "{manifest}");
        assert!(!manifest.contains("workspace = true"), "{manifest}");
        // It stands on its own: the contract is with it.
        assert!(sdk(Language::Rust).any(|(name, _)| name == "wit/worlds.wit"));
    }

    #[test]
    fn templates_are_no_part_of_an_sdk_and_leave_nothing_built_behind() {
        for language in Language::ALL {
            assert!(sdk(language).all(|(name, _)| !name.starts_with("template/")), "{language}");
            for (name, _) in template(language) {
                assert!(!name.ends_with(".wasm") && !name.starts_with(".cofferdam/"), "{language}: {name}");
            }
        }
    }
}
