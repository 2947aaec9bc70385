//! What the benchmarks share: the machine, and tables of figures.
//!
//! ```
//! let rows = [["work", "time"], ["stat", "7 µs"]].map(|row| row.map(str::to_owned));
//! assert_eq!(cofferdam_benches::markdown(&rows), "| work | time |\n| ---- | ---- |\n| stat | 7 µs |\n");
//! ```

pub mod aims;
pub mod large;

use std::time::Duration;

/// The machine, in a line.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}; medians of rounds in which all sides take turns", kernel.trim())
}

/// Rows of a table as Markdown, the first as its head.
pub fn markdown<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text += &line(std::array::from_fn(|column| format!("{:<width$}", row[column], width = widths[column])));
        if index == 0 {
            text += &line(std::array::from_fn(|column| "-".repeat(widths[column])));
        }
    }
    text
}

/// A time, with three digits or so.
pub fn shown(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        0..10_000 => format!("{:.2} µs", nanos as f64 / 1e3),
        10_000..1_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", nanos as f64 / 1e6),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// The median of `times`.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
