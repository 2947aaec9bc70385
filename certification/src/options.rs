//! How to certify: which cases, how long to wait, what there is beside the driver.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::report::CaseReport;

/// What a caller hears while the cases run.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A case begins.
    Started {
        /// Its id.
        id: &'static str,
        /// How many came before it.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A case has ended.
    Finished(&'a CaseReport),
}

/// Hears of progress.
type Listener = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// How to certify. The default is the short run over every case, alone.
#[derive(Clone)]
pub struct Options {
    /// Patterns of case ids, in which `*` stands for anything. Empty: all.
    pub cases: Vec<String>,
    /// Cases that are not asked here, by id, each with its reason, which the report shows: one that a backend takes too long for, say.
    pub left_out: BTreeMap<String, String>,
    /// How long one case may take before it counts as hung. 120 s, thirty times that in the long run: the slowest honest case takes some ten seconds.
    pub case_limit: Duration,
    /// How long readers and writers stand still where a case is about standing still. 100 ms; 15 s in the long run, over
    /// every idle bound of the host.
    pub stall: Duration,
    /// Run what takes minutes too, with the full numbers.
    pub long: bool,
    /// The files that the driver's backend holds already, at their paths below this directory: how a driver that cannot be
    /// written to is certified.
    pub filled: Option<PathBuf>,
    /// The setting by whose value the backend keeps stores apart, a prefix say: every case gets a value of its own, which begins with the
    /// grant's and has `certify-` in it. Needed for a driver that stores to a server, where what the cases leave stays below these values.
    pub place: Option<String>,
    /// The command of a second host process that serves [`crate::worker::serve`] with the same driver. Without it, cases that need
    /// one are skipped, or say that they left that half out.
    pub worker: Option<Vec<OsString>>,
    /// Called before and after every case.
    pub progress: Option<Listener>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cases: Vec::new(),
            left_out: BTreeMap::new(),
            case_limit: Duration::from_secs(120),
            stall: Duration::from_millis(100),
            long: false,
            filled: None,
            place: None,
            worker: None,
            progress: None,
        }
    }
}

impl Options {
    /// The options of the long run.
    #[must_use]
    pub fn long() -> Self {
        Self { long: true, case_limit: Duration::from_secs(3600), stall: Duration::from_secs(15), ..Self::default() }
    }

    /// Whether the case `id` is asked for.
    pub(crate) fn selects(&self, id: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|pattern| matches(pattern, id))
    }

    pub(crate) fn tell(&self, progress: Progress<'_>) {
        if let Some(listener) = &self.progress {
            listener(progress);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cases", &self.cases)
            .field("left_out", &self.left_out)
            .field("case_limit", &self.case_limit)
            .field("stall", &self.stall)
            .field("long", &self.long)
            .field("filled", &self.filled)
            .field("place", &self.place)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Whether `id` has the form of `pattern`, where `*` stands for anything.
pub(crate) fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((start, rest)) => id.strip_prefix(start).is_some_and(|id| (0..=id.len()).any(|at| matches(rest, &id[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for pattern in ["*", "list.*", "list.pages", "*.pages", "l*.p*s", "list.pages*"] {
            assert!(matches(pattern, "list.pages"), "{pattern}");
        }
        for pattern in ["", "list", "list.", "*.page", "put.*", "list.pages.*"] {
            assert!(!matches(pattern, "list.pages"), "{pattern}");
        }
    }
}
