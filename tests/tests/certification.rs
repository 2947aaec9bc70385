//! The example drivers are certified for what their committed lists promise: no claim may be missing, no case skipped without a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cofferdam::{Access, DirectoryGrant, Grant};
use cofferdam_certification::{Options, Report, certify};
use cofferdam_tests::drivers;
use serde::Deserialize;

/// The short run, with a second process.
fn options(name: &str) -> Options {
    Options { worker: Some(vec![env!("CARGO_BIN_EXE_certify-worker").into(), drivers::path(name).into()]), ..Options::default() }
}

fn only(ids: &[&str]) -> Options {
    Options { cases: ids.iter().map(|id| (*id).to_owned()).collect(), ..Options::default() }
}

/// What a driver must be certified for: its committed `claims.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Promised {
    at_least: usize,
    interfaces: Vec<String>,
    claims: BTreeMap<String, String>,
    skips: BTreeMap<String, String>,
}

fn promised(name: &str) -> Promised {
    let text = std::fs::read_to_string(drivers::workspace().join(format!("example-drivers/{name}/claims.toml"))).unwrap();
    toml::from_str(&text).unwrap()
}

/// What is wrong with `report`, by what was `promised`.
fn broken_promises(report: &Report, promised: &Promised) -> Vec<String> {
    let mut broken: Vec<String> = report.failures().map(|case| format!("{} failed: {}", case.id, case.reason().unwrap_or_default())).collect();
    let skipped: BTreeSet<&str> = report.skips().map(|case| case.id).collect();
    for case in report.skips().filter(|case| !promised.skips.contains_key(case.id)) {
        broken.push(format!("{} was skipped, and the list does not say why: {}", case.id, case.reason().unwrap_or_default()));
    }
    broken.extend(promised.skips.keys().filter(|id| !skipped.contains(id.as_str())).map(|id| format!("{id} is explained and was not skipped")));
    // Half a case is none.
    let halves = report.cases.iter().flat_map(|case| case.notes.iter().map(move |note| (case.id, note))).filter(|(_, note)| note.contains("worker"));
    broken.extend(halves.map(|(id, note)| format!("{id}: {note}")));
    let claimed: BTreeMap<String, String> = report.claims.iter().cloned().collect();
    if claimed != promised.claims {
        broken.push(format!("it claims {claimed:?} where {:?} is promised", promised.claims));
    }
    let exported: BTreeSet<&str> = report.interfaces.iter().copied().collect();
    if exported != promised.interfaces.iter().map(String::as_str).collect() {
        broken.push(format!("it exports {exported:?} where {:?} is promised", promised.interfaces));
    }
    if report.passed < promised.at_least {
        broken.push(format!("{} cases passed where {} are promised", report.passed, promised.at_least));
    }
    broken
}

fn directory(name: &str, host: &Path) -> DirectoryGrant {
    DirectoryGrant { name: name.to_owned(), host: host.to_owned(), access: Access::ReadWrite, wasi: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_holds_what_its_list_promises() {
    let report = certify(&drivers::load("memory"), &Grant::default(), &options("memory")).await.unwrap();
    assert_eq!(broken_promises(&report, &promised("memory")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn filesystem_holds_what_its_list_promises() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("operator's own"), "kept").unwrap();
    let grant = Grant { directories: vec![directory("/data", data.path())], ..Grant::default() };
    let report = certify(&drivers::load("filesystem"), &grant, &options("filesystem")).await.unwrap();
    assert_eq!(broken_promises(&report, &promised("filesystem")), Vec::<String>::new());
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
