//! The example drivers are certified for what their committed lists promise: no claim may be missing, no case skipped without a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use cofferdam::{Access, DirectoryGrant, Grant};
use cofferdam_certification::{Options, certify};
use cofferdam_tests::drivers;
use cofferdam_tests::promises::Promised;

/// The short run, with a second process.
fn options(name: &str) -> Options {
    Options { worker: Some(vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path(name).into()]), ..Options::default() }
}

fn only(ids: &[&str]) -> Options {
    Options { cases: ids.iter().map(|id| (*id).to_owned()).collect(), ..Options::default() }
}

fn directory(name: &str, host: &Path) -> DirectoryGrant {
    DirectoryGrant { name: name.to_owned(), host: host.to_owned(), access: Access::ReadWrite, wasi: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_holds_what_its_list_promises() {
    let report = certify(&drivers::load("memory"), &Grant::default(), &options("memory")).await.unwrap();
    assert_eq!(Promised::of("memory").broken_by(&report), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn filesystem_holds_what_its_list_promises() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("operator's own"), "kept").unwrap();
    let grant = Grant { directories: vec![directory("/data", data.path())], ..Grant::default() };
    let report = certify(&drivers::load("filesystem"), &grant, &options("filesystem")).await.unwrap();
    assert_eq!(Promised::of("filesystem").broken_by(&report), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["operator's own"], "the certifier leaves what was there, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_claimed_is_skipped_by_name() {
    let report = certify(&drivers::load("memory"), &Grant::default(), &only(&["upload.listing", "copy.condition"])).await.unwrap();
    assert_eq!((report.passed, report.failed, report.skipped), (0, 0, 2));
    assert!(report.skips().all(|case| case.reason().unwrap().starts_with("not claimed: ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_selects_nothing_is_refused() {
    let error = certify(&drivers::load("memory"), &Grant::default(), &only(&["put.everything"])).await.unwrap_err();
    assert_eq!(error.to_string(), "no case matches `put.everything`; ids look like `put.overwrite`, `list.*`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_not_there_is_named() {
    let grant = Grant { directories: vec![directory("/data", Path::new("/nowhere/at/all"))], ..Grant::default() };
    let error = certify(&drivers::load("filesystem"), &grant, &Options::default()).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}
