//! Which of a driver's interface versions this host can speak, and what it says about it (design, "Versions").

use std::collections::BTreeMap;
use std::fmt;

/// The contract's package.
pub(crate) const PACKAGE: &str = "cofferdam:storage";

/// The contract that this host speaks.
pub const CONTRACT: (u64, u64) = (1, 0);

/// `{interface: [[major, minor], …]}`: what a driver exports, newest first.
pub type Interfaces = BTreeMap<String, Vec<(u64, u64)>>;

/// Every interface of the contract that a driver may export, and the minor version that brought it.
const EXPORTS: [(&str, u64); 10] = [
    ("lifecycle", 0),
    ("atomic-store", 0),
    ("streaming-store", 0),
    ("uploads", 0),
    ("upload-listing", 0),
    ("copying", 0),
    ("renaming", 0),
    ("content-store", 0),
    ("generator", 0),
    ("presigning", 0),
];

/// Every interface that a driver may import, the minor version that brought it, and whether this host has it.
const IMPORTS: [(&str, u64, bool); 8] = [
    ("store-types", 0, true),
    ("data", 0, true),
    ("system", 0, true),
    ("files", 0, true),
    ("http", 0, true),
    ("signing", 0, true),
    ("connections", 0, true),
    ("upstream", 0, false),
];

/// A versioned name of an import or export: `cofferdam:storage/files@1.0.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceName {
    /// `cofferdam:storage`.
    pub package: String,
    /// `files`.
    pub interface: String,
    /// Major, minor, patch; `None` for a name without version.
    pub version: Option<(u64, u64, u64)>,
}

impl InterfaceName {
    /// Takes a name apart; `None` for what is no interface (a plain function).
    pub fn parse(name: &str) -> Option<Self> {
        let (package, rest) = name.split_once('/')?;
        let (interface, version) = match rest.split_once('@') {
            Some((interface, version)) => (interface, Some(parse_version(version)?)),
            None => (rest, None),
        };
        Some(Self { package: package.to_owned(), interface: interface.to_owned(), version })
    }

    /// Whether it is of the contract's package.
    pub fn is_contract(&self) -> bool {
        self.package == PACKAGE
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.interface)?;
        match self.version {
            Some((major, minor, patch)) => write!(f, "@{major}.{minor}.{patch}"),
            None => Ok(()),
        }
    }
}

fn parse_version(version: &str) -> Option<(u64, u64, u64)> {
    let core = version.split(['-', '+']).next()?;
    let mut numbers = core.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// What the host makes of a driver's exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can be used; with what there is to say about it.
    Speaks(Vec<String>),
    /// None of its exports is of the contract.
    NoContract,
    /// Only majors that this host does not speak.
    OtherMajor { interface: String, found: Vec<(u64, u64)> },
}

/// Judges the exports of a driver.
pub(crate) fn judge(exports: &Interfaces) -> Verdict {
    let Some((interface, versions)) = exports.iter().next() else {
        return Verdict::NoContract;
    };
    let spoken = |versions: &Vec<(u64, u64)>| versions.iter().find(|(major, _)| *major == CONTRACT.0).copied();
    if exports.values().all(|versions| spoken(versions).is_none()) {
        return Verdict::OtherMajor { interface: interface.clone(), found: versions.clone() };
    }
    let mut notices = Vec::new();
    for (interface, versions) in exports {
        let Some((major, minor)) = spoken(versions) else {
            notices.push(format!("`{interface}` is exported for contract {} only and is not used", list(versions)));
            continue;
        };
        match EXPORTS.iter().find(|(name, _)| name == interface) {
            None => notices.push(format!("`{interface}` ({major}.{minor}) is newer than this host and is not used")),
            Some(_) if minor > CONTRACT.1 => notices.push(format!(
                "`{interface}` was built for contract {major}.{minor}, newer than this host's {}.{}: what only it has is not used",
                CONTRACT.0, CONTRACT.1
            )),
            Some(_) if minor < CONTRACT.1 => notices.push(format!(
                "`{interface}` was built for contract {major}.{minor}, older than this host's {}.{}: what it lacks is absent",
                CONTRACT.0, CONTRACT.1
            )),
            Some(_) => {}
        }
        if versions.len() > 1 {
            notices.push(format!("`{interface}` is exported for contracts {}; {major}.{minor} is used", list(versions)));
        }
    }
    Verdict::Speaks(notices)
}

/// Why an import of the contract cannot be satisfied; `None` if it can.
pub(crate) fn missing_import(name: &InterfaceName) -> Option<String> {
    let (major, minor, _) = name.version.unwrap_or((0, 0, 0));
    if major != CONTRACT.0 {
        return Some(format!("contract {major}.{minor}, where this host speaks {}.{}", CONTRACT.0, CONTRACT.1));
    }
    match IMPORTS.iter().find(|(known, ..)| *known == name.interface) {
        Some((_, _, true)) => None,
        Some((_, since, false)) => Some(format!("an interface of contract {major}.{since} that this version of the host does not offer yet")),
        None => Some(format!("an interface that came with contract {major}.{minor} or earlier; this host speaks {}.{}", CONTRACT.0, CONTRACT.1)),
    }
}

pub(crate) fn list(versions: &[(u64, u64)]) -> String {
    versions.iter().map(|(major, minor)| format!("{major}.{minor}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn exports(entries: &[(&str, &[(u64, u64)])]) -> Interfaces {
        entries.iter().map(|(name, versions)| ((*name).to_owned(), versions.to_vec())).collect()
    }

    #[test]
    fn the_same_version_is_silent() {
        assert_eq!(judge(&exports(&[("lifecycle", &[(1, 0)])])), Verdict::Speaks(vec![]));
    }

    #[test]
    fn a_newer_minor_works_with_a_notice() {
        let Verdict::Speaks(notices) = judge(&exports(&[("lifecycle", &[(1, 1)])])) else { panic!("not spoken") };
        assert!(notices[0].contains("newer than this host's 1.0"));
    }

    #[test]
    fn of_several_majors_the_spoken_one_is_used() {
        let Verdict::Speaks(notices) = judge(&exports(&[("lifecycle", &[(2, 0), (1, 0)])])) else { panic!("not spoken") };
        assert_eq!(notices, ["`lifecycle` is exported for contracts 2.0, 1.0; 1.0 is used"]);
    }

    #[test]
    fn another_major_is_not_spoken() {
        let verdict = judge(&exports(&[("lifecycle", &[(2, 3)])]));
        assert_eq!(verdict, Verdict::OtherMajor { interface: "lifecycle".into(), found: vec![(2, 3)] });
        assert_eq!(judge(&Interfaces::new()), Verdict::NoContract);
    }

    #[test]
    fn names_are_taken_apart() {
        let name = InterfaceName::parse("cofferdam:storage/files@1.2.3-rc.1").unwrap();
        assert_eq!((name.interface.as_str(), name.version), ("files", Some((1, 2, 3))));
        assert_eq!(name.to_string(), "cofferdam:storage/files@1.2.3");
        assert!(InterfaceName::parse("run").is_none());
    }
}
