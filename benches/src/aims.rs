//! A table of figures, each beside another's and the ratio that is aimed at.

use crate::markdown;

/// What a figure counts.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// So many a second.
    Each,
    /// Bytes a second.
    Bytes,
    /// Bytes of memory.
    Memory,
}

/// What a ratio should be.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// None: the other figure is there to be seen.
    Nothing,
}

/// Rows of text, aligned when printed.
#[derive(Debug)]
pub struct Table {
    rows: Vec<[String; 6]>,
}

impl Default for Table {
    fn default() -> Self {
        Self::of("cofferdam")
    }
}

impl Table {
    /// A table of what `ours` does.
    pub fn of(ours: &str) -> Self {
        Self { rows: vec![["work", ours, "beside", "ratio", "aim", "met"].map(str::to_owned)] }
    }

    /// One figure beside that of `name`.
    pub fn beside(&mut self, work: &str, unit: Unit, ours: f64, (name, theirs): (&str, f64), aim: Aim) {
        self.push(work, unit.shown(ours), format!("{name} {}", unit.shown(theirs)), ours / theirs, aim);
    }

    /// One figure beside a fixed one.
    pub fn below(&mut self, work: &str, unit: Unit, ours: f64, limit: f64) {
        self.push(work, unit.shown(ours), format!("limit {}", unit.shown(limit)), ours / limit, Aim::AtMost(1.0));
    }

    fn push(&mut self, work: &str, ours: String, beside: String, ratio: f64, aim: Aim) {
        let (aimed, met) = match aim {
            Aim::AtLeast(least) => (format!("≥ {}", (least * 100.0).round() / 100.0), if ratio >= least { "yes" } else { "no" }),
            Aim::AtMost(most) => (format!("≤ {most}"), if ratio <= most { "yes" } else { "no" }),
            Aim::Nothing => ("-".to_owned(), "-"),
        };
        let ratio = if ratio >= 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.2}") };
        eprintln!("  {work}: {ours}, {beside}: {ratio} ({aimed})");
        self.rows.push([work.to_owned(), ours, beside, ratio, aimed, met.to_owned()]);
    }

    /// The table as Markdown.
    pub fn render(&self) -> String {
        markdown(&self.rows)
    }
}

impl Unit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Each => format!("{value:.0}/s"),
            Self::Bytes => format!("{:.2} GB/s", value / 1e9),
            Self::Memory => format!("{:.0} MB", value / 1e6),
        }
    }
}

/// The median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
