//! The demo's tables: what was done how fast, and what the sandbox allowed.

use serde::Deserialize;

/// One line of the first table.
pub(super) struct Row {
    what: &'static str,
    files: u64,
    bytes: Option<u64>,
    seconds: f64,
}

impl Row {
    /// Work that moved bytes.
    pub(super) fn moved(what: &'static str, files: u64, bytes: u64, seconds: f64) -> Self {
        Self { what, files, bytes: Some(bytes), seconds }
    }

    /// Work that only looked.
    pub(super) fn listed(what: &'static str, files: u64, seconds: f64) -> Self {
        Self { what, files, bytes: None, seconds }
    }

    fn cells(&self) -> [String; 6] {
        let megabytes = self.bytes.map(|bytes| bytes as f64 / 1e6);
        // Of a clock that did not move nothing can be said.
        let seconds = self.seconds.max(1e-6);
        [
            self.what.to_owned(),
            self.files.to_string(),
            megabytes.map_or_else(String::new, |megabytes| format!("{megabytes:.1}")),
            format!("{:.2}", self.seconds),
            megabytes.map_or_else(String::new, |megabytes| format!("{:.1}", megabytes / seconds)),
            format!("{:.0}", self.files as f64 / seconds),
        ]
    }
}

/// Prints what was done.
pub(super) fn print_work(rows: &[Row]) {
    let head = ["", "files", "MB", "seconds", "MB/s", "files/s"].map(str::to_owned);
    let lines: Vec<_> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    println!();
    lines.iter().for_each(|line| println!("{}", align(line)));
}

/// The first cell to the left, numbers to the right.
fn align(cells: &[String; 6]) -> String {
    let [what, numbers @ ..] = cells;
    let numbers: String = numbers.iter().map(|number| format!("{number:>10}")).collect();
    format!("{what:<12}{numbers}")
}

/// What is used here of `inspect --json`.
#[derive(Debug, Deserialize)]
pub(super) struct Inspection {
    digest: String,
    imports: Vec<Import>,
}

#[derive(Debug, Deserialize)]
struct Import {
    interface: String,
    functions: Vec<String>,
    kind: String,
}

/// The kind of an import that a `[[directory]]` grants.
const DIRECTORY: &str = "directory";

/// The kind of an import that reaches nothing outside the call.
const ALWAYS: &str = "always";

/// Prints what the driver can call, which is all that it can do, and what the grant gave to that.
pub(super) fn print_sandbox(inspection: &Inspection) {
    println!("What the sandbox allowed filesystem.wasm ({})", inspection.digest);
    let width = inspection.imports.iter().map(|import| short(&import.interface).len()).max().unwrap_or(0);
    for import in inspection.imports.iter().filter(|import| !import.functions.is_empty()) {
        let functions: Vec<_> = import.functions.iter().map(|name| name.rsplit(']').next().unwrap_or(name)).collect();
        println!("  {:<width$}  {:<26}  {}", short(&import.interface), basis(&import.kind), functions.join(", "));
    }
    // Whatever is of another kind may lead further, and is listed above with its kind.
    if inspection.imports.iter().all(|import| import.kind == DIRECTORY || import.kind == ALWAYS) {
        println!("It imports nothing else, so it can reach no network, environment, process or other file of this machine.");
    }
}

/// Why the driver may call the functions of an import.
fn basis(kind: &str) -> &str {
    match kind {
        DIRECTORY => "granted: ./store as /data",
        ALWAYS => "every driver has it",
        other => other,
    }
}

/// `files` for `cofferdam:storage/files@1.0.0`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit('/').next().unwrap_or(interface);
    name.split('@').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_fast() {
        assert_eq!(Row::moved("stored", 10, 5_000_000, 2.0).cells().map(|cell| cell.trim().to_owned()), ["stored", "10", "5.0", "2.00", "2.5", "5"]);
        assert_eq!(Row::listed("listed", 10, 0.5).cells(), ["listed", "10", "", "0.50", "", "20"].map(str::to_owned));
    }

    #[test]
    fn columns_are_aligned() {
        let lines = [Row::moved("stored", 1, 1, 1.0), Row::listed("listed", 123_456, 9.0)].map(|row| align(&row.cells()).chars().count());
        assert_eq!(lines[0], lines[1]);
    }

    #[test]
    fn interfaces_are_named_shortly() {
        assert_eq!(short("cofferdam:storage/files@1.0.0"), "files");
        assert_eq!(short("odd"), "odd");
    }
}
