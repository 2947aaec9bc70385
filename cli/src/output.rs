//! Text and JSON for standard output.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use anyhow::{Context, Result};
use bytesize::ByteSize;
use clap_complete::Shell;
use cofferdam::{EntryKind, ObjectInfo};
use jiff::Timestamp;
use serde::Serialize;

/// Says that whoever read standard output has gone away, as `head` does: no fault of anybody.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
struct Closed;

/// Whether `error` only says that nobody reads standard output any more.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.is::<Closed>()
}

/// Standard output, buffered.
pub(crate) struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    /// Locks standard output.
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(64 << 10, io::stdout().lock()))
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// If standard output cannot be written; [`is_closed`] knows the harmless case.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        checked(self.0.write_all(bytes))
    }

    /// Writes `text` and a line break.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<()> {
        checked(writeln!(self.0, "{text}"))
    }

    /// Writes `value` as JSON, and a line break.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
        self.line(text)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(crate) fn finish(mut self) -> Result<()> {
        checked(self.0.flush())
    }
}

fn checked(result: io::Result<()>) -> Result<()> {
    result.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    })
}

/// Prints `value` as JSON.
///
/// # Errors
/// As [`Output::bytes`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let mut output = Output::new();
    output.json(value)?;
    output.finish()
}

/// Prints the completions of `shell`.
///
/// # Errors
/// As [`Output::bytes`].
pub(crate) fn completions(shell: Shell, command: &mut clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "cofferdam", &mut script);
    let mut output = Output::new();
    output.bytes(&script)?;
    output.finish()
}

/// Bytes for people: `1.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Nanoseconds since the Unix epoch as RFC 3339, to the second.
pub(crate) fn time(nanoseconds: u64) -> String {
    timestamp(nanoseconds).map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"))
}

fn timestamp(nanoseconds: u64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).ok()
}

/// An entry as `ls --json` and `stat --json` print it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    path: &'a str,
    kind: &'static str,
    size: u64,
    /// RFC 3339, to the nanosecond.
    modified: Option<String>,
    etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<std::collections::BTreeMap<&'a str, &'a str>>,
}

impl<'a> Entry<'a> {
    /// What `info` says.
    pub(crate) fn new(info: &'a ObjectInfo) -> Self {
        let attributes: std::collections::BTreeMap<_, _> = info.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self {
            path: info.path.as_str(),
            kind: kind(info.kind),
            size: info.size,
            modified: info.modified.and_then(timestamp).map(|time| time.to_string()),
            etag: info.etag.as_ref().map(|etag| etag.0.as_str()),
            attributes: (!attributes.is_empty()).then_some(attributes),
        }
    }
}

/// The kind in a word.
pub(crate) fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Object => "object",
        EntryKind::Prefix => "prefix",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_readable() {
        assert_eq!((size(0), size(1536), size(5 << 30)), ("0 B".to_owned(), "1.5 KiB".to_owned(), "5.0 GiB".to_owned()));
        assert_eq!(time(1_500_000_000_000_000_000), "2017-07-14T02:40:00Z");
    }
}
