//! Loading a driver: what is wrong with a file is said so that somebody can act on it; what was compiled is kept, and never trusted blindly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cofferdam::{Digest, Driver, Engine, EngineOptions, Grant, GrantKind, ImportKind, LoadError, Mount, MountOptions};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::{grant, scratch};
use cofferdam_tests::log::Log;
use cofferdam_tests::tiny::Tiny;
use wasmtime::Config;

fn refused(bytes: &[u8]) -> LoadError {
    Driver::load(&drivers::engine(), bytes, None).expect_err("it loads")
}

#[test]
fn what_is_not_webassembly_is_told_by_how_it_begins() {
    let error = refused(b"");
    assert!(matches!(error, LoadError::NotWasm { .. }));
    assert_eq!(error.to_string(), "not WebAssembly: it begins with nothing: the file is empty, not with `\\0asm`");

    let error = refused(b"#!/bin/sh\nexit\n");
    assert!(matches!(error, LoadError::NotWasm { .. }));
    assert_eq!(error.to_string(), "not WebAssembly: it begins with `#!/bin/s`, not with `\\0asm`");
}

#[test]
fn a_file_that_was_cut_off_is_invalid() {
    let whole = drivers::bytes("hostile");
    for length in [4, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let error = refused(&whole[..length]);
        // After the header alone it is a component, of nothing.
        let right = if length == 8 { matches!(error, LoadError::NotADriver { .. }) } else { matches!(error, LoadError::Invalid { .. }) };
        assert!(right, "{length} bytes: {error}");
    }
}

#[test]
fn a_core_module_is_told_from_a_component() {
    let error = refused(&wat::parse_str("(module)").unwrap());
    assert!(matches!(error, LoadError::CoreModule), "{error}");
    assert!(error.to_string().contains("wasm-tools component new"), "{error}");
}

#[test]
fn a_component_of_another_purpose_is_no_driver() {
    let error = refused(&wat::parse_str("(component)").unwrap());
    assert_eq!(error.to_string(), "a component, but not a driver: it exports nothing of `cofferdam:storage` (it exports nothing)");

    let other = r#"(component
        (core module $m (func (export "f") (result i32) i32.const 1))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "f")))
        (export "answer" (func $f)))"#;
    let error = refused(&wat::parse_str(other).unwrap());
    assert!(matches!(error, LoadError::NotADriver { .. }));
    assert!(error.to_string().contains("(it exports `answer`)"), "{error}");
}

#[test]
fn machine_code_is_never_taken_from_outside() {
    // What `wasmtime compile` makes: for this very engine it would run as it is.
    let component = wasmtime::Engine::new(&Config::new()).unwrap().precompile_component(&drivers::bytes("hostile")).unwrap();
    let error = refused(&component);
    assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
    assert!(error.to_string().contains("precompiled machine code, which is never taken from outside"), "{error}");
}

#[test]
fn a_pin_admits_its_file_alone() {
    let bytes = drivers::bytes("hostile");
    let pin = Digest::of(&bytes);
    assert_eq!(Driver::load(&drivers::engine(), &bytes, Some(&pin)).unwrap().inspection().digest, pin);

    let other = Digest::of(b"another file");
    let error = Driver::load(&drivers::engine(), &bytes, Some(&other)).unwrap_err();
    assert!(matches!(&error, LoadError::WrongDigest { expected, found } if *expected == other && *found == pin));
    assert!(error.to_string().contains(&pin.to_string()) && error.to_string().contains(&other.to_string()), "{error}");
    // The pin is looked at first: nothing of a file that was not approved is parsed.
    assert!(matches!(Driver::load(&drivers::engine(), b"", Some(&other)), Err(LoadError::WrongDigest { .. })));
}

#[test]
fn errors_about_a_file_name_it() {
    let folder = scratch();
    let missing = folder.path().join("missing.wasm");
    let error = Driver::load_file(&drivers::engine(), &missing, None).unwrap_err();
    assert!(matches!(error, LoadError::Unreadable { .. }));
    assert!(error.to_string().contains("missing.wasm"), "{error}");

    let text = folder.path().join("text.wasm");
    fs::write(&text, "text").unwrap();
    let error = Driver::load_file(&drivers::engine(), &text, None).unwrap_err();
    assert!(error.to_string().contains("text.wasm: not WebAssembly"), "{error}");
    assert!(matches!(error.cause(), LoadError::NotWasm { .. }));
}

#[test]
fn a_table_larger_than_any_driver_needs_is_refused_before_it_is_made() {
    let error = refused(&Tiny::default().with_table(4_000_000_000).build());
    assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
    assert!(error.to_string().contains("table"), "{error}");
}

#[tokio::test]
async fn an_import_that_the_grant_does_not_give_is_named_with_the_lines_that_would() {
    let driver = drivers::load("hostile");
    let files = driver.inspection().imports.iter().find(|import| import.interface.interface == "files").unwrap();
    assert_eq!(files.kind, ImportKind::Directory);
    assert_eq!(driver.inspection().needs(), [GrantKind::Directory]);

    let error = Mount::open(&driver, &Grant::default(), MountOptions::default()).await.unwrap_err();
    let LoadError::NotGranted { imports, remedy } = &error else { panic!("another error: {error}") };
    assert_eq!(imports.len(), 1);
    assert!(imports[0].starts_with("`cofferdam:storage/files@1.0.0` ("), "{}", imports[0]);
    for function in &files.functions {
        assert!(imports[0].contains(function), "{function} in {}", imports[0]);
    }
    assert!(error.to_string().contains(remedy), "{error}");

    // The lines are a grant that would do.
    let folder = scratch();
    fs::create_dir(folder.path().join("cofferdam-data")).unwrap();
    let granted = Grant::parse(remedy, &folder.path().join("grant.toml")).unwrap();
    Mount::open(&driver, &granted, MountOptions::default()).await.unwrap();
}

#[test]
fn imports_that_this_host_does_not_have_are_each_named() {
    let own = Tiny::default().with_package("acme:secret", "vault").importing("acme:secret/vault@1.0.0");
    let error = refused(&own.build());
    let LoadError::UnknownImports { imports } = &error else { panic!("another error: {error}") };
    assert_eq!(*imports, ["`acme:secret/vault@1.0.0` (ping): neither of `cofferdam:storage` nor of WASI 0.2"]);

    let error = refused(&drivers::bytes("skeleton-rust"));
    let LoadError::UnknownImports { imports } = &error else { panic!("another error: {error}") };
    assert_eq!(imports.len(), 1, "{imports:?}");
    assert!(imports[0].contains("`cofferdam:storage/upstream@1.0.0`") && imports[0].contains("named"), "{imports:?}");
}

#[tokio::test]
async fn a_granted_directory_that_is_not_there_is_named() {
    let folder = scratch();
    let gone = folder.path().join("gone");
    let error = Mount::open(&drivers::load("hostile"), &grant(&gone), MountOptions::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::Directory(_)), "{error}");
    assert!(error.to_string().contains("gone") && error.to_string().contains("/data"), "{error}");
}

/// A cache, and what is in it.
struct Cache {
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Cache {
    fn new() -> Self {
        Self { folder: scratch(), bytes: drivers::bytes("hostile") }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("made/by/the/host")
    }

    /// Loads the driver as a new process would; answers what was warned of.
    fn load(&self) -> Vec<String> {
        let log = Log::begin();
        let engine = Engine::new(EngineOptions::cached_in(self.directory())).unwrap();
        let driver = Driver::load(&engine, &self.bytes, None).unwrap();
        assert!(driver.inspection().exports_interface("streaming-store"));
        log.of("cofferdam::engine::aot")
    }

    fn entry(&self) -> PathBuf {
        let entries: Vec<_> = fs::read_dir(self.directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(entries.len(), 1, "one entry and no temporary file: {entries:?}");
        entries[0].clone()
    }
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[test]
fn what_was_compiled_is_kept_for_its_owner_alone_and_used_again() {
    let cache = Cache::new();
    assert!(cache.load().is_empty());
    let entry = cache.entry();
    assert!(entry.file_name().unwrap().to_str().unwrap().starts_with(&Digest::of(&cache.bytes).hex()));
    assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(cache.directory()).unwrap().permissions().mode() & 0o777, 0o700);

    let first = inode(&entry);
    assert!(cache.load().is_empty());
    assert_eq!(inode(&cache.entry()), first, "a second load writes nothing");
}

#[test]
fn an_entry_that_is_damaged_is_compiled_again() {
    let cache = Cache::new();
    cache.load();
    let entry = cache.entry();
    let good = fs::read(&entry).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let damages: [(&str, Vec<u8>); 4] =
        [("a flipped bit", flipped), ("cut off", good[..good.len() / 3].to_vec()), ("empty", Vec::new()), ("text", b"text".to_vec())];
    for (what, damaged) in damages {
        fs::write(&entry, &damaged).unwrap();
        let warned = cache.load();
        assert!(warned.iter().any(|line| line.contains("is compiled again")), "{what}: {warned:?}");
        assert_eq!(fs::read(cache.entry()).unwrap(), good, "{what}: the entry is whole again");
        assert!(cache.load().is_empty(), "{what}: and used");
    }
}

#[test]
fn an_entry_of_another_engine_is_compiled_again() {
    let cache = Cache::new();
    cache.load();
    let entry = cache.entry();
    let good = fs::read(&entry).unwrap();
    // What another version would leave under this name: whole, with a checksum, and not for this engine.
    let mut other = wasmtime::Engine::new(Config::new().epoch_interruption(false)).unwrap().precompile_component(&cache.bytes).unwrap();
    let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &other);
    other.extend(checksum.to_be_bytes());
    fs::write(&entry, &other).unwrap();
    let warned = cache.load();
    assert!(warned.iter().any(|line| line.contains("does not load and is compiled again")), "{warned:?}");
    assert_eq!(fs::read(cache.entry()).unwrap(), good);
}

#[test]
fn an_entry_or_a_cache_that_others_can_write_is_not_used() {
    let cache = Cache::new();
    cache.load();
    fs::set_permissions(cache.entry(), fs::Permissions::from_mode(0o666)).unwrap();
    let warned = cache.load();
    assert!(warned.iter().any(|line| line.contains("can be written by others")), "{warned:?}");
    assert_eq!(fs::metadata(cache.entry()).unwrap().permissions().mode() & 0o777, 0o600, "replaced by one of its own");

    fs::set_permissions(cache.directory(), fs::Permissions::from_mode(0o777)).unwrap();
    let before = inode(&cache.entry());
    let warned = cache.load();
    assert!(warned.iter().any(|line| line.contains("cannot be kept here")), "{warned:?}");
    assert_eq!(inode(&cache.entry()), before);
}

#[test]
fn a_cache_that_cannot_be_made_is_no_error() {
    let cache = Cache::new();
    fs::write(cache.folder.path().join("made"), "a file is in the way").unwrap();
    let warned = cache.load();
    assert!(warned.iter().any(|line| line.contains("cannot be kept here")), "{warned:?}");
}
