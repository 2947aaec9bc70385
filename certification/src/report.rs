//! What came of a certification: numbers, and each case with its reason.

use std::time::Duration;

use serde::Serialize;

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The driver holds the rule.
    Passed,
    /// It does not: what happened, and the rule.
    Failed(String),
    /// There was nothing to ask: why.
    Skipped(String),
}

/// One case of a [`Report`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// Its id: `put.overwrite`.
    pub id: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it left out, or found worth saying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

impl CaseReport {
    /// Why it failed or was skipped.
    pub fn reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Passed => None,
            Outcome::Failed(reason) | Outcome::Skipped(reason) => Some(reason),
        }
    }
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds are as much as anybody reads.
    serializer.serialize_f64((took.as_secs_f64() * 1000.0).round() / 1000.0)
}

/// What came of a certification.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The driver's name.
    pub driver: String,
    /// The driver's own version.
    pub version: String,
    /// The digest of its file.
    pub digest: String,
    /// The attributes that it claims, as it answered them.
    pub claims: Vec<(String, String)>,
    /// The interfaces that it exports.
    pub interfaces: Vec<&'static str>,
    /// How many cases passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many had nothing to ask.
    pub skipped: usize,
    /// Each of them, in the order in which they ran.
    pub cases: Vec<CaseReport>,
}

impl Report {
    /// Whether nothing failed.
    pub fn is_certified(&self) -> bool {
        self.failed == 0
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(_)))
    }

    /// The cases that had nothing to ask.
    pub fn skips(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped(_)))
    }

    pub(crate) fn add(&mut self, case: CaseReport) {
        match case.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
        self.cases.push(case);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_written_with_its_result_and_reason() {
        let case = CaseReport { id: "health", outcome: Outcome::Failed("no".to_owned()), notes: Vec::new(), took: Duration::from_millis(1500) };
        assert_eq!(serde_json::to_string(&case).unwrap(), r#"{"id":"health","result":"failed","reason":"no","seconds":1.5}"#);
        let case = CaseReport { outcome: Outcome::Passed, ..case };
        assert_eq!(serde_json::to_string(&case).unwrap(), r#"{"id":"health","result":"passed","seconds":1.5}"#);
    }
}
