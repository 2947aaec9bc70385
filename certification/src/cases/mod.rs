//! The cases, one module a group, in the order of `docs/contract.md`.

mod atomic;
mod cancel;
mod claims;
mod conditions;
mod generator;
mod grants;
mod leak;
mod lifecycle;
mod lists;
mod moves;
mod opens;
mod parallel;
mod parts;
mod paths;
mod presign;
mod puts;
mod removes;
mod restart;
mod snapshots;
mod store;
mod uploads;

use crate::case::Case;

/// The groups, in the order in which they run.
const GROUPS: &[&[Case]] = &[
    paths::CASES,
    puts::CASES,
    conditions::CASES,
    opens::CASES,
    snapshots::CASES,
    parts::CASES,
    parts::LONG,
    uploads::CASES,
    lists::CASES,
    moves::CASES,
    removes::CASES,
    presign::CASES,
    store::CASES,
    generator::CASES,
    atomic::CASES,
    parallel::CASES,
    cancel::CASES,
    restart::CASES,
    leak::CASES,
    lifecycle::CASES,
    claims::CASES,
    grants::CASES,
];

/// Every case, in the order in which they run.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().copied().flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ids of `docs/contract.md` that are promises of a driver and are not for later.
    fn documented() -> BTreeSet<String> {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/contract.md")).unwrap();
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("*later"));
        let ids = rows.filter_map(|row| row[2..].split(' ').next()).filter(|id| *id == "health" || id.contains('.'));
        let of_drivers = |id: &&str| (!id.starts_with("host.") || *id == "host.remove-tree") && *id != "contract.frozen";
        ids.filter(of_drivers).map(str::to_owned).collect()
    }

    #[test]
    fn every_documented_case_is_there_once_and_no_other() {
        let ids: Vec<String> = cases().map(|case| case.id.to_owned()).collect();
        let unique: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(unique.len(), ids.len(), "an id is there twice");
        assert!(unique.len() > 80, "only {} cases", unique.len());
        assert_eq!(unique, documented());
    }

    #[test]
    fn every_rule_is_a_sentence() {
        for case in cases() {
            assert!(case.rule.len() > 20 && !case.rule.ends_with('.'), "{}: {}", case.id, case.rule);
        }
    }
}
