//! A table of figures, native and through the sandbox.

use std::time::Duration;

use cofferdam_benches::{markdown, shown};

/// Rows of text, aligned when printed.
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    pub(crate) fn new(head: [&str; 4]) -> Self {
        Self { rows: vec![head.map(str::to_owned)] }
    }

    /// One figure, both sides timed.
    pub(crate) fn times(&mut self, work: &str, native: Option<Duration>, sandbox: Duration) {
        let ratio = native.map(|native| sandbox.as_secs_f64() / native.as_secs_f64());
        self.push(work, native.map_or_else(|| "-".to_owned(), shown), shown(sandbox), ratio);
    }

    /// One figure, both sides moving `bytes`.
    pub(crate) fn rates(&mut self, work: &str, bytes: u64, native: Duration, sandbox: Duration) {
        let rate = |time: Duration| format!("{:.2} GB/s", bytes as f64 / time.as_secs_f64() / 1e9);
        self.push(work, rate(native), rate(sandbox), Some(sandbox.as_secs_f64() / native.as_secs_f64()));
    }

    fn push(&mut self, work: &str, native: String, sandbox: String, ratio: Option<f64>) {
        eprintln!("  {work}: {native} native, {sandbox} through the sandbox");
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        self.rows.push([work.to_owned(), native, sandbox, ratio]);
    }

    /// The table as Markdown.
    pub(crate) fn render(&self) -> String {
        markdown(&self.rows)
    }
}
