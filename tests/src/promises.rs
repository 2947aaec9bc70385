//! What an example driver must be certified for: its committed `claims.toml`, held against a report.
//!
//! A driver that stores to a server names in it, for each server that it is tested with, the cases that *the server* breaks, always or
//! only when it is unlucky, and those that are left to another server:
//!
//! ```toml
//! [server-faults.moto]
//! "upload.abort" = "UploadPart of an upload that is not known is 500, where S3 says 404 NoSuchUpload"
//! "upload.condition" = { sometimes = "it looks for the object first and writes it later" }
//! "run.leak" = { says = "find (driver s3): unsupported", exchange = "ListMultipartUploads is 501" }
//!
//! [left-out.moto]
//! "run.leak" = "60,000 requests take it two minutes"
//! ```
//!
//! A skip may stand for a group, as in `"upload.*"`: every case of that group is skipped then.
//!
//! A case that is listed for every server there is shows nothing of the driver. The list must own up to it, and a test that reads the list says it:
//!
//! ```toml
//! [unproven]
//! "put.if-match" = "no server at hand looks at the precondition of a media upload"
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use cofferdam_certification::{Options, Report};
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
    server_faults: BTreeMap<String, Faults>,
    #[serde(default)]
    left_out: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    unproven: BTreeMap<String, String>,
}

/// What a server breaks, by case.
type Faults = BTreeMap<String, Fault>;

/// How a server breaks a rule that the driver keeps, with the exchange that shows it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Fault {
    /// The case fails.
    Always(String),
    /// The case fails or passes: what the server does wrong depends on when things happen.
    Sometimes { sometimes: String },
    /// The case fails with a reason that has these words in it: what it asks before that holds.
    At { says: String, exchange: String },
}

impl Fault {
    fn shown(&self) -> &str {
        match self {
            Self::Always(shown) | Self::Sometimes { sometimes: shown } | Self::At { exchange: shown, .. } => shown,
        }
    }
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

    /// The short run against `server`, with the setting `place`, a second process, and without what is left to other servers.
    pub fn options(&self, server: &str, place: &str, worker: Vec<OsString>) -> Options {
        let left_out = self.left_out.get(server).cloned().unwrap_or_default();
        Options { place: Some(place.to_owned()), worker: Some(worker), left_out, ..Options::default() }
    }

    /// What is wrong with a report of the driver alone.
    pub fn broken_by(&self, report: &Report) -> Vec<String> {
        self.broken_on("", report)
    }

    /// What is wrong with a report of the driver on `server`, whose own faults are listed.
    pub fn broken_on(&self, server: &str, report: &Report) -> Vec<String> {
        let mut broken = self.failures(self.server_faults.get(server).unwrap_or(&Faults::new()), report);
        broken.extend(self.unexplained(self.left_out.get(server).unwrap_or(&BTreeMap::new()), report));
        broken.extend(self.misjudged());
        for (id, reason) in &self.unproven {
            println!("unproven: {id}: {reason}");
        }
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
        broken
    }

    /// What is wrong with the failures, of which the server's own are `faults`, and with the number of what passed.
    fn failures(&self, faults: &Faults, report: &Report) -> Vec<String> {
        let failed: BTreeSet<&str> = report.failures().map(|case| case.id).collect();
        let unlisted = report.failures().filter(|case| !faults.contains_key(case.id));
        let mut broken: Vec<String> = unlisted.map(|case| format!("{} failed: {}", case.id, case.reason().unwrap_or_default())).collect();
        let (always, unlucky): (Vec<_>, Vec<_>) = faults.iter().partition(|(_, fault)| !matches!(fault, Fault::Sometimes { .. }));
        let held = always.into_iter().filter(|(id, _)| !failed.contains(id.as_str()));
        broken.extend(held.map(|(id, fault)| format!("{id} is listed as the server's fault and holds: {}", fault.shown())));
        let unknown = unlucky.into_iter().filter(|(id, _)| report.cases.iter().all(|case| case.id != id.as_str()));
        broken.extend(unknown.map(|(id, fault)| format!("{id} is no case: {}", fault.shown())));
        for case in report.failures() {
            if let Some(Fault::At { says, .. }) = faults.get(case.id)
                && !case.reason().is_some_and(|reason| reason.contains(says))
            {
                broken.push(format!("{} failed otherwise than the list says, `{says}`: {}", case.id, case.reason().unwrap_or_default()));
            }
        }
        let left_out = report.skips().filter(|case| is_left_out(case.reason())).count();
        if report.passed + report.failed + left_out < self.at_least {
            broken.push(format!(
                "{} cases passed, and {} failed or were left out, where {} are promised",
                report.passed,
                report.failed + left_out,
                self.at_least
            ));
        }
        broken
    }

    /// What is wrong with the skips, of which `left_out` are for other servers.
    fn unexplained(&self, left_out: &BTreeMap<String, String>, report: &Report) -> Vec<String> {
        let skipped: BTreeSet<&str> = report.skips().map(|case| case.id).collect();
        let of_group = |listed: &String, id: &str| listed.strip_suffix('*').is_some_and(|group| id.starts_with(group));
        let cases = |listed| report.cases.iter().map(|case| case.id).filter(move |id| of_group(listed, id)).collect::<Vec<_>>();
        let each = |listed| if cases(listed).is_empty() { vec![listed.as_str()] } else { cases(listed) };
        let explained: BTreeSet<&str> = self.skips.keys().flat_map(each).chain(left_out.keys().map(String::as_str)).collect();
        let unlisted = report.skips().filter(|case| !explained.contains(case.id));
        let silent = unlisted.map(|case| format!("{} was skipped, and the list does not say why: {}", case.id, case.reason().unwrap_or_default()));
        silent.chain(explained.difference(&skipped).map(|id| format!("{id} is explained and was not skipped"))).collect()
    }

    /// What is wrong with the list itself: a case that no server is ever seen to hold and that is not said to be unproven, or the other way round.
    fn misjudged(&self) -> Vec<String> {
        let nowhere = self.held_nowhere();
        let silent = nowhere.iter().filter(|(id, _)| !self.unproven.contains_key(**id));
        let silent =
            silent.map(|(id, on)| format!("{id} is listed for every server, so that nothing shows that the driver holds it:\n{}", on.join("\n")));
        let proven = self.unproven.keys().filter(|id| !nowhere.contains_key(id.as_str()));
        silent.chain(proven.map(|id| format!("{id} is listed as unproven, and not for every server"))).collect()
    }

    /// The cases that no server is ever seen to hold, each with what is said of it for each.
    fn held_nowhere(&self) -> BTreeMap<&str, Vec<String>> {
        let mut listed = BTreeMap::<&str, Vec<String>>::new();
        for (server, id, fault) in self.server_faults.iter().flat_map(|(server, faults)| faults.iter().map(move |(id, fault)| (server, id, fault))) {
            if let Fault::Always(shown) = fault {
                listed.entry(id).or_default().push(format!("{server}: {shown}"));
            }
        }
        for (server, id, reason) in self.left_out.iter().flat_map(|(server, left)| left.iter().map(move |(id, reason)| (server, id, reason))) {
            listed.entry(id).or_default().push(format!("{server}: {reason}"));
        }
        let servers: BTreeSet<&String> = self.server_faults.keys().chain(self.left_out.keys()).collect();
        listed.retain(|_, on| on.len() == servers.len());
        listed
    }
}

/// The report `most` with what `rest` found out about cases that were left out there, to be asked elsewhere.
///
/// # Panics
/// `rest` has a case that `most` did not leave out.
pub fn joined(mut most: Report, rest: Report) -> Report {
    most.passed += rest.passed;
    most.failed += rest.failed;
    most.skipped = most.skipped + rest.skipped - rest.cases.len();
    for case in rest.cases {
        let place = most.cases.iter().position(|had| had.id == case.id && is_left_out(had.reason()));
        let place = place.unwrap_or_else(|| panic!("{} was not left out", case.id));
        most.cases[place] = case;
    }
    most
}

/// Whether a case was skipped for this reason because another server is asked.
fn is_left_out(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| reason.starts_with("left out: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a list with these tables: the ids, each with whether it is said to be unproven.
    fn misjudged(tables: &str) -> Vec<(String, bool)> {
        let list = format!("at-least = 1\ninterfaces = []\n[claims]\n[skips]\n{tables}");
        let promised: Promised = toml::from_str(&list).unwrap();
        let said = promised.misjudged().into_iter();
        said.map(|said| (said.split(' ').next().unwrap().to_owned(), said.contains("listed as unproven"))).collect()
    }

    fn silent(id: &str) -> Vec<(String, bool)> {
        vec![(id.to_owned(), false)]
    }

    #[test]
    fn what_no_server_holds_is_found() {
        let one = "[server-faults.one]\n\"c.d\" = \"500\"\n\"e.f\" = { sometimes = \"500\" }\n";
        assert_eq!(misjudged(one), silent("c.d"), "there is no other that could");
        assert_eq!(misjudged(&format!("{one}[server-faults.two]\n")), []);
        assert_eq!(misjudged(&format!("{one}[server-faults.two]\n\"c.d\" = \"403\"\n\"e.f\" = \"403\"")), silent("c.d"));
        assert_eq!(misjudged(&format!("{one}[left-out.two]\n\"c.d\" = \"it takes an hour\"")), silent("c.d"));
        assert_eq!(misjudged(&format!("{one}[left-out.two]\n\"g.h\" = \"it takes an hour\"")), []);
        assert_eq!(misjudged("[left-out.one]\n\"a.b\" = \"it takes an hour\""), silent("a.b"));
    }

    #[test]
    fn what_is_unproven_is_said_and_nothing_else() {
        let one = "[unproven]\n\"c.d\" = \"no server knows it\"\n[server-faults.one]\n\"c.d\" = \"500\"\n";
        assert_eq!(misjudged(one), []);
        let proven = vec![("c.d".to_owned(), true)];
        assert_eq!(misjudged(&format!("{one}[server-faults.two]\n\"e.f\" = \"403\"")), proven, "the second server holds it");
        assert_eq!(misjudged("[unproven]\n\"c.d\" = \"no server knows it\"\n"), proven, "no server breaks it");
    }

    #[test]
    fn the_lists_are_read() {
        for driver in ["filesystem", "memory", "redis", "s3", "azure-blob", "gcs", "webdav"] {
            assert_eq!(Promised::of(driver).misjudged(), Vec::<String>::new(), "{driver}");
        }
    }
}
