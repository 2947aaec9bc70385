//! Many files at once: how many, how fast, and what they came to.

use std::time::Instant;

use anyhow::Result;
use indicatif::{HumanDuration, ProgressBar};
use serde::Serialize;

use crate::output;

/// Files on their way at once. 8: enough to hide the latency of a disk's fsync, and few enough open files.
pub(super) const AT_ONCE: usize = 8;

/// What was transferred so far.
pub(super) struct Transfer {
    bar: ProgressBar,
    began: Instant,
    files: u64,
    bytes: u64,
}

/// The totals as `--json` prints them.
#[derive(Serialize)]
struct Totals {
    files: u64,
    bytes: u64,
    seconds: f64,
}

impl Transfer {
    /// A transfer that shows itself on `bar`.
    pub(super) fn new(bar: ProgressBar) -> Self {
        Self { bar, began: Instant::now(), files: 0, bytes: 0 }
    }

    /// One file of `bytes` is through; its bytes are on the bar already.
    pub(super) fn done(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    /// Ends it: the totals go to standard output as JSON, or to standard error in words, unless `quiet`.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(super) fn finish(self, verb: &str, json: bool, quiet: bool) -> Result<()> {
        self.bar.finish_and_clear();
        let seconds = self.began.elapsed().as_secs_f64();
        if json {
            return output::print_json(&Totals { files: self.files, bytes: self.bytes, seconds });
        }
        if !quiet {
            let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
            let time = if seconds < 60.0 { format!("{seconds:.2} s") } else { HumanDuration(self.began.elapsed()).to_string() };
            // As a rate of bytes this loses nothing that anybody could read.
            let rate = output::size((self.bytes as f64 / seconds.max(1e-9)) as u64);
            eprintln!("{verb} {files}, {} in {time} ({rate}/s)", output::size(self.bytes));
        }
        Ok(())
    }
}
