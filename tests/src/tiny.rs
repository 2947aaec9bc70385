//! A driver of a hundred lines of WebAssembly text: an atomic store of one value, for shapes that no compiler makes.
//!
//! It is encoded against any version of the contract, or several at once, and against packages that a test makes up.

use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::drivers;

/// The contract's version.
pub const CONTRACT: &str = "1.0.0";

/// A tiny driver in the making. It exports `lifecycle` and `atomic-store` of each of its versions.
#[derive(Clone, Debug)]
pub struct Tiny {
    versions: Vec<String>,
    packages: Vec<String>,
    world: String,
    imports: String,
    exports: String,
    table: u32,
    count: String,
}

impl Default for Tiny {
    fn default() -> Self {
        Self::of(&[CONTRACT])
    }
}

impl Tiny {
    /// A driver for these versions of the contract.
    pub fn of(versions: &[&str]) -> Self {
        Self {
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
            packages: versions.iter().map(|version| contract(version, "")).collect(),
            world: String::new(),
            imports: String::new(),
            exports: String::new(),
            table: 1,
            count: "(i32.const 16)".to_owned(),
        }
    }

    /// Adds `interface NAME { ping: func() -> u64; }` to the first version's package.
    #[must_use]
    pub fn with_interface(mut self, name: &str) -> Self {
        let interface = format!("interface {name} {{ ping: func() -> u64; }}\n");
        if let Some(version) = self.versions.first() {
            self.packages[0] = contract(version, &interface);
        }
        self
    }

    /// Adds a package of its own: `PACKAGE@1.0.0` with `interface NAME { ping: func() -> u64; }`.
    #[must_use]
    pub fn with_package(mut self, package: &str, name: &str) -> Self {
        self.packages.push(format!("package {package}@1.0.0;\ninterface {name} {{ ping: func() -> u64; }}\n"));
        self
    }

    /// Imports `ping` of `interface`, a full name.
    #[must_use]
    pub fn importing(mut self, interface: &str) -> Self {
        let _ = writeln!(self.world, "import {interface};");
        let _ = writeln!(self.imports, "(import \"{interface}\" \"ping\" (func (result i64)))");
        self
    }

    /// Exports `ping` of `interface`, a full name.
    #[must_use]
    pub fn exporting(mut self, interface: &str) -> Self {
        let _ = writeln!(self.world, "export {interface};");
        let _ = writeln!(self.exports, "(func (export \"{interface}#ping\") (result i64) (i64.const 7))");
        self
    }

    /// Gives it a table of so many elements to begin with.
    #[must_use]
    pub fn with_table(mut self, elements: u32) -> Self {
        self.table = elements;
        self
    }

    /// Makes `count` run `body`, which leaves an `i32`: the address of its answer.
    #[must_use]
    pub fn counting(mut self, body: &str) -> Self {
        body.clone_into(&mut self.count);
        self
    }

    /// The component.
    ///
    /// # Panics
    /// If what was added is no WIT or no WebAssembly text.
    pub fn build(&self) -> Vec<u8> {
        let mut core = self.core();
        let mut resolve = Resolve::default();
        for (index, package) in self.packages.iter().enumerate() {
            push(&mut resolve, &format!("package-{index}.wit"), package);
        }
        let mut world = format!("package test:tiny;\nworld tiny {{\n{}", self.world);
        for version in &self.versions {
            let _ = writeln!(world, "export cofferdam:storage/lifecycle@{version};\nexport cofferdam:storage/atomic-store@{version};");
        }
        let package = push(&mut resolve, "tiny.wit", &format!("{world}}}\n"));
        let world = resolve.select_world(&[package], Some("tiny")).unwrap_or_else(|error| panic!("{error:#}"));
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap_or_else(|error| panic!("{error:#}"));
        let encoded = ComponentEncoder::default().validate(true).module(&core).and_then(|encoder| encoder.encode());
        encoded.unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn core(&self) -> Vec<u8> {
        let mut exports = self.exports.clone();
        for version in &self.versions {
            for (interface, functions) in
                [("lifecycle", &["describe", "configure", "health"][..]), ("atomic-store", &["get", "put", "remove", "list", "count"])]
            {
                for function in functions {
                    let _ = writeln!(exports, "(export \"cofferdam:storage/{interface}@{version}#{function}\" (func ${function}))");
                }
            }
        }
        let text = CORE
            .replace("{imports}", &self.imports)
            .replace("{exports}", &exports)
            .replace("{table}", &self.table.to_string())
            .replace("{count}", &self.count);
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn push(resolve: &mut Resolve, name: &str, text: &str) -> wit_parser::PackageId {
    resolve.push_str(name, text).unwrap_or_else(|error| panic!("{name}: {error:#}"))
}

/// The contract as if it were of `version`, with `more` in it.
fn contract(version: &str, more: &str) -> String {
    let folder = drivers::workspace().join("wit");
    let mut text = format!("package cofferdam:storage@{version};\n{more}");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for file in files.flatten() {
        let part = std::fs::read_to_string(file.path()).unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
        // What stands before the package's line documents the package.
        text.push_str(part.split_once("package cofferdam:storage@1.0.0;").map_or("", |(_, after)| after));
    }
    text
}

/// Addresses: 16 and on are zeros, the answer of what has nothing to say; 128 the strings `tiny`, `1.0.0`, `{}`, `e`; 256 the
/// description; 512 the answer of `get`; 640 that of `put`; 4096 and on what the host hands in.
const CORE: &str = r#"
(module
  {imports}
  (memory (export "memory") 4)
  (table $table {table} funcref)
  (global $free (mut i32) (i32.const 4096))
  (global $value (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const -1))
  (data (i32.const 128) "tiny1.0.0{}e")
  (data (i32.const 256) "\80\00\00\00\04\00\00\00\84\00\00\00\05\00\00\00\89\00\00\00\02\00\00\00")
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func $describe (result i32) (i32.const 256))
  (func $configure (param i32 i32) (result i32) (i32.const 16))
  (func $health (result i32) (i32.const 16))
  (func $get (param i32 i32) (result i32)
    ;; An error of kind 0, `not-found`, until there is a value.
    (i32.store (i32.const 512) (i32.lt_s (global.get $length) (i32.const 0)))
    (if (i32.lt_s (global.get $length) (i32.const 0)) (then (return (i32.const 512))))
    (i32.store (i32.const 516) (global.get $value))
    (i32.store (i32.const 520) (global.get $length))
    (i32.store (i32.const 524) (i32.const 139))
    (i32.store (i32.const 528) (i32.const 1))
    (i32.const 512))
  (func $put (param $key i32) (param $key-length i32) (param $data i32) (param $data-length i32) (param i32 i32 i32) (result i32)
    (global.set $value (local.get $data))
    (global.set $length (local.get $data-length))
    (i32.store (i32.const 640) (i32.const 0))
    (i32.store (i32.const 644) (i32.const 139))
    (i32.store (i32.const 648) (i32.const 1))
    (i32.const 640))
  (func $remove (param i32 i32 i32 i32 i32) (result i32) (i32.const 16))
  (func $list (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 16))
  (func $count (param i32 i32) (result i32) {count})
  {exports})
"#;
