//! Bars on a terminal, and nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const BYTES: &str = "{spinner} {msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const UNKNOWN: &str = "{spinner} {msg} {bytes} {bytes_per_sec} {elapsed}";
const COUNT: &str = "{spinner} [{wide_bar}] {pos}/{len} {msg}";
const STEPS: &str = "{spinner} {elapsed} {wide_msg}";

/// A bar over bytes, whose total may be unknown.
pub(crate) fn bytes(total: Option<u64>, quiet: bool) -> ProgressBar {
    bar(total, if total.is_some() { BYTES } else { UNKNOWN }, quiet)
}

/// A bar over `total` things.
pub(crate) fn count(total: u64, quiet: bool) -> ProgressBar {
    bar(Some(total), COUNT, quiet)
}

/// No bar, but what is being done at the moment.
pub(crate) fn steps(quiet: bool) -> ProgressBar {
    bar(None, STEPS, quiet)
}

fn bar(total: Option<u64>, template: &str, quiet: bool) -> ProgressBar {
    // indicatif hides what is drawn to standard error where that is no terminal.
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(total, target);
    // A template that does not parse would leave the default one, which is readable too.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}
