//! A driver for every row of the version table (design, "Versions"), and what the host makes of it.
//!
//! | case | the host |
//! |---|---|
//! | same major and minor | silent |
//! | the driver's minor is newer | works, with a notice |
//! | it imports an interface that this host does not have | load error that names it and the version that brought it |
//! | majors differ | error that names both versions and the interface |
//! | it exports several majors | the newest that the host speaks |
#![allow(clippy::unwrap_used, clippy::expect_used)]

use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Condition, Content, Driver, ErrorKind, Grant, Interface, LoadError, Mount, MountOptions, StorePath,
    StreamingStore,
};
use cofferdam_tests::drivers;
use cofferdam_tests::tiny::Tiny;

/// The memory driver as if it had been built for `version` of the contract.
fn memory(version: &str) -> Result<Driver, LoadError> {
    let component = drivers::bytes("memory");
    let component = if version == "1.0.0" { component } else { drivers::patched(&component, b"@1.0.0", format!("@{version}").as_bytes()) };
    Driver::load(&drivers::engine(), &component, None)
}

async fn mounted(driver: &Driver) -> Mount {
    Mount::open(driver, &Grant::default(), MountOptions::default()).await.unwrap()
}

/// Stores an object and a value, and reads them back.
async fn works(driver: &Driver) {
    let mount = mounted(driver).await;
    let path = StorePath::new("/a/b").unwrap();
    StreamingStore::put(&mount, &path, Content::from_bytes("bytes"), Condition::Unconditional).await.unwrap();
    let opened = mount.open(&path, ByteRange::Whole).await.unwrap();
    assert_eq!(opened.content.bytes(100).await.unwrap(), "bytes");
    keeps_a_value(&mount).await;
}

async fn keeps_a_value(mount: &Mount) {
    let key = AtomicKey::new("a/b").unwrap();
    assert_eq!(mount.get(&key).await.unwrap_err().kind(), ErrorKind::NotFound);
    AtomicStore::put(mount, &key, "value".into(), Condition::Unconditional).await.unwrap();
    assert_eq!(mount.get(&key).await.unwrap().data, "value");
}

fn refused(component: &[u8]) -> LoadError {
    Driver::load(&drivers::engine(), component, None).expect_err("it loads")
}

#[tokio::test]
async fn the_same_version_is_silent() {
    let driver = memory("1.0.0").unwrap();
    assert_eq!(driver.inspection().notices, [""; 0]);
    assert_eq!(driver.inspection().interfaces["streaming-store"], [(1, 0)]);
    works(&driver).await;
}

#[tokio::test]
async fn another_patch_is_silent() {
    let driver = memory("1.0.7").unwrap();
    assert_eq!(driver.inspection().notices, [""; 0]);
    assert_eq!(driver.inspection().interfaces["streaming-store"], [(1, 0)]);
    works(&driver).await;
}

#[tokio::test]
async fn a_newer_minor_works_with_a_notice() {
    let driver = memory("1.1.0").unwrap();
    let inspection = driver.inspection();
    assert_eq!(inspection.interfaces["streaming-store"], [(1, 1)]);
    let notice = "`streaming-store` was built for contract 1.1, newer than this host's 1.0: what only it has is not used";
    assert!(inspection.notices.iter().any(|said| said == notice), "{:?}", inspection.notices);
    assert_eq!(inspection.notices.len(), inspection.interfaces.len(), "one notice an interface");
    works(&driver).await;
}

#[test]
fn another_major_is_refused_with_both_versions() {
    for (version, found) in [("2.0.0", "2.0"), ("0.9.0", "0.9")] {
        let error = memory(version).unwrap_err();
        assert!(matches!(error, LoadError::OtherMajor { .. }), "{version}: {error}");
        let text = error.to_string();
        assert!(text.contains(&format!("built for contract {found} (`cofferdam:storage/")), "{text}");
        assert!(text.contains("where this host speaks 1.0: build the driver against `cofferdam:storage@1.0.0`"), "{text}");
    }
}

#[tokio::test]
async fn a_newer_optional_interface_is_not_used_and_hinders_nothing() {
    let component = Tiny::of(&["1.1.0"]).with_interface("archiving").exporting("cofferdam:storage/archiving@1.1.0").build();
    let driver = Driver::load(&drivers::engine(), &component, None).unwrap();
    let inspection = driver.inspection();
    assert_eq!(inspection.interfaces["archiving"], [(1, 1)]);
    assert!(inspection.notices.iter().any(|said| said == "`archiving` (1.1) is newer than this host and is not used"), "{:?}", inspection.notices);
    keeps_a_value(&mounted(&driver).await).await;
}

#[tokio::test]
async fn an_older_driver_simply_lacks_what_came_later() {
    let driver = Driver::load(&drivers::engine(), &Tiny::default().build(), None).unwrap();
    assert_eq!(driver.inspection().notices, [""; 0]);
    let mount = mounted(&driver).await;
    assert!(mount.has(Interface::AtomicStore) && !mount.has(Interface::StreamingStore) && !mount.has(Interface::Uploads));
    let error = mount.stat(&StorePath::new("/a").unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, "the driver does not export `streaming-store`"));
    keeps_a_value(&mount).await;
}

#[test]
fn an_import_of_a_newer_contract_is_named_with_the_version_that_brought_it() {
    let error = refused(&Tiny::of(&["1.2.0"]).with_interface("archives").importing("cofferdam:storage/archives@1.2.0").build());
    let LoadError::UnknownImports { imports } = &error else { panic!("another error: {error}") };
    assert_eq!(imports.len(), 1);
    assert!(imports[0].starts_with("`cofferdam:storage/archives@1.2.0` (ping): "), "{}", imports[0]);
    assert!(imports[0].contains("1.2") && imports[0].contains("this host speaks 1.0"), "{}", imports[0]);
}

#[test]
fn an_import_of_another_major_is_named_with_both_versions() {
    // The contract's package of another major, beside the one that the driver exports.
    let component = drivers::patched(
        &Tiny::default().with_package("cofferdam:storagf", "archives").importing("cofferdam:storagf/archives@1.0.0").build(),
        b"cofferdam:storagf/archives@1.0.0",
        b"cofferdam:storage/archives@2.0.0",
    );
    let error = refused(&component);
    let LoadError::UnknownImports { imports } = &error else { panic!("another error: {error}") };
    assert_eq!(*imports, ["`cofferdam:storage/archives@2.0.0` (ping): contract 2.0, where this host speaks 1.0"]);
}

#[tokio::test]
async fn of_several_majors_the_one_that_the_host_speaks_is_used() {
    for versions in [["1.0.0", "2.0.0"], ["2.0.0", "1.0.0"]] {
        let driver = Driver::load(&drivers::engine(), &Tiny::of(&versions).build(), None).unwrap();
        let inspection = driver.inspection();
        assert_eq!(inspection.interfaces["atomic-store"], [(2, 0), (1, 0)]);
        let notice = "`atomic-store` is exported for contracts 2.0, 1.0; 1.0 is used";
        assert!(inspection.notices.iter().any(|said| said == notice), "{:?}", inspection.notices);
        keeps_a_value(&mounted(&driver).await).await;
    }
}

#[tokio::test]
async fn of_several_minors_of_one_major_the_newest_is_used() {
    let driver = Driver::load(&drivers::engine(), &Tiny::of(&["1.0.0", "1.3.0"]).build(), None).unwrap();
    assert_eq!(driver.inspection().interfaces["atomic-store"], [(1, 3), (1, 0)]);
    let notices = &driver.inspection().notices;
    assert!(notices.iter().any(|said| said == "`atomic-store` is exported for contracts 1.3, 1.0; 1.3 is used"), "{notices:?}");
    keeps_a_value(&mounted(&driver).await).await;
}

#[test]
fn a_driver_without_a_lifecycle_or_without_a_store_is_told_what_is_missing() {
    let component = Tiny::default().build();
    // Out of the contract's package they are no exports of a driver.
    let error = refused(&drivers::patched(&component, b"cofferdam:storage/lifecycle", b"cofferdam:storagf/lifecycle"));
    assert!(error.to_string().contains("`lifecycle`"), "{error}");
    let error = refused(&drivers::patched(&component, b"cofferdam:storage/atomic-store", b"cofferdam:storagf/atomic-store"));
    assert!(error.to_string().contains("`streaming-store` or `atomic-store`"), "{error}");
}
