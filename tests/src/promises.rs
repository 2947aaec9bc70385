//! What an example driver must be certified for: its committed `claims.toml`, held against a report.
//!
//! A driver that stores to a server names in it, for each server that it is tested with, the cases that *the server* breaks:
//!
//! ```toml
//! [server-faults.moto]
//! "upload.abort" = "UploadPart of an upload that is not known is 500, where S3 says 404 NoSuchUpload"
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use cofferdam_certification::Report;
use serde::Deserialize;

use crate::drivers;

/// A driver's list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Promised {
    at_least: usize,
    interfaces: Vec<String>,
    claims: BTreeMap<String, String>,
    skips: BTreeMap<String, String>,
    #[serde(default)]
    server_faults: BTreeMap<String, BTreeMap<String, String>>,
}

impl Promised {
    /// The list of the example driver `name`.
    ///
    /// # Panics
    /// It is not there, or no such list.
    pub fn of(name: &str) -> Self {
        let text = std::fs::read_to_string(drivers::workspace().join(format!("example-drivers/{name}/claims.toml"))).unwrap();
        toml::from_str(&text).unwrap()
    }

    /// What is wrong with a report of the driver alone.
    pub fn broken_by(&self, report: &Report) -> Vec<String> {
        self.broken(report, &BTreeMap::new())
    }

    /// What is wrong with a report of the driver on `server`, whose own faults are listed.
    pub fn broken_on(&self, server: &str, report: &Report) -> Vec<String> {
        self.broken(report, self.server_faults.get(server).unwrap_or(&BTreeMap::new()))
    }

    fn broken(&self, report: &Report, faults: &BTreeMap<String, String>) -> Vec<String> {
        let failed: BTreeSet<&str> = report.failures().map(|case| case.id).collect();
        let unlisted = report.failures().filter(|case| !faults.contains_key(case.id));
        let mut broken: Vec<String> = unlisted.map(|case| format!("{} failed: {}", case.id, case.reason().unwrap_or_default())).collect();
        broken.extend(faults.keys().filter(|id| !failed.contains(id.as_str())).map(|id| format!("{id} is listed as the server's fault and holds")));
        let skipped: BTreeSet<&str> = report.skips().map(|case| case.id).collect();
        for case in report.skips().filter(|case| !self.skips.contains_key(case.id)) {
            broken.push(format!("{} was skipped, and the list does not say why: {}", case.id, case.reason().unwrap_or_default()));
        }
        broken.extend(self.skips.keys().filter(|id| !skipped.contains(id.as_str())).map(|id| format!("{id} is explained and was not skipped")));
        // Half a case is none.
        let notes = report.cases.iter().flat_map(|case| case.notes.iter().map(move |note| (case.id, note)));
        broken.extend(notes.filter(|(_, note)| note.contains("worker")).map(|(id, note)| format!("{id}: {note}")));
        let claimed: BTreeMap<String, String> = report.claims.iter().cloned().collect();
        if claimed != self.claims {
            broken.push(format!("it claims {claimed:?} where {:?} is promised", self.claims));
        }
        let exported: BTreeSet<&str> = report.interfaces.iter().copied().collect();
        if exported != self.interfaces.iter().map(String::as_str).collect() {
            broken.push(format!("it exports {exported:?} where {:?} is promised", self.interfaces));
        }
        if report.passed + faults.len() < self.at_least {
            broken.push(format!("{} cases passed where {} are promised", report.passed, self.at_least));
        }
        broken
    }
}
