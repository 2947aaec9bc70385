//! Every call of the driver, readable: one block a call.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, filter, fmt as log};

use crate::output;

/// The target of the runtime's events about calls.
const CALLS: &str = "cofferdam::call";

/// Names the variable that sets what is logged besides, in the words of `tracing`: `debug`, `cofferdam=info`.
const LOG: &str = "COFFERDAM_LOG";

/// Who reads the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader {
    /// Somebody who waits for a command to end.
    Person,
    /// A file, or somebody who looks weeks later: with times and sources.
    Journal,
}

/// Logs warnings to standard error, and traces calls to `trace`: `-` is standard error too.
///
/// # Errors
/// If the file cannot be made, or the variable makes no sense.
pub(crate) fn install(trace: Option<&Path>, reader: Reader) -> Result<()> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).with_env_var(LOG).from_env();
    let filter = filter.with_context(|| format!("the environment variable {LOG}"))?;
    let messages = log::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let messages = match reader {
        Reader::Person => messages.without_time().with_target(false).with_filter(filter).boxed(),
        Reader::Journal => messages.with_filter(filter).boxed(),
    };
    let calls =
        trace.map(|file| Ok::<_, anyhow::Error>(Calls::to(file)?.with_filter(filter::filter_fn(|data| data.target() == CALLS)))).transpose()?;
    tracing_subscriber::registry().with(messages).with(calls).init();
    Ok(())
}

/// Writes a block for every call.
struct Calls {
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Calls {
    fn to(file: &Path) -> Result<Self> {
        let sink: Box<dyn Write + Send> = if file == Path::new("-") {
            Box::new(io::stderr())
        } else {
            Box::new(File::create(file).with_context(|| format!("cannot write the trace to {}", file.display()))?)
        };
        Ok(Self { sink: Mutex::new(sink) })
    }
}

impl<S: Subscriber> Layer<S> for Calls {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut call = Call::default();
        event.record(&mut call);
        let block = call.block(&Timestamp::now());
        if let Ok(mut sink) = self.sink.lock() {
            // A trace that cannot be written must not stop what it traces.
            let _ = sink.write_all(block.as_bytes());
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Call {
    driver: String,
    mount: String,
    operation: String,
    arguments: String,
    host_calls: String,
    bytes: u64,
    micros: u64,
    outcome: String,
}

impl Visit for Call {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "bytes" => self.bytes = value,
            "micros" => self.micros = value,
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, value.unsigned_abs());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record_u64(field, u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let target = match field.name() {
            "driver" => &mut self.driver,
            "mount" => &mut self.mount,
            "operation" => &mut self.operation,
            "arguments" => &mut self.arguments,
            "host_calls" => &mut self.host_calls,
            "outcome" => &mut self.outcome,
            _ => return,
        };
        let _ = write!(target, "{value:?}");
    }
}

impl Call {
    /// The call as a block: a headline, then a line for each thing that the driver asked of the host.
    fn block(&self, now: &Timestamp) -> String {
        let mut block = format!("{now:.6} {} {}\n", self.operation, self.arguments);
        for call in self.host_calls.lines().filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(block, "    {}", call.trim_end());
        }
        let who = if self.mount.is_empty() || self.mount == self.driver { self.driver.clone() } else { format!("{} at {}", self.driver, self.mount) };
        let _ = writeln!(block, "  = {} ({who}, {}, {})", self.outcome, output::size(self.bytes), duration(self.micros));
        block
    }
}

fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_block_says_what_was_asked_and_what_came_of_it() {
        let call = Call {
            driver: "filesystem 0.1.0".to_owned(),
            mount: "blobs".to_owned(),
            operation: "put".to_owned(),
            arguments: "/a 1024 bytes".to_owned(),
            host_calls: "files.replace /data/a\n\nfiles.stat /data/a\n".to_owned(),
            bytes: 1024,
            micros: 1_230,
            outcome: "ok".to_owned(),
        };
        assert_eq!(
            call.block(&Timestamp::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z put /a 1024 bytes\n    files.replace /data/a\n    files.stat /data/a\n  \
             = ok (filesystem 0.1.0 at blobs, 1.0 KiB, 1.23 ms)\n"
        );
    }

    #[test]
    fn durations_keep_three_digits() {
        assert_eq!((duration(7), duration(45_600), duration(2_500_000)), ("7 µs".to_owned(), "45.60 ms".to_owned(), "2.50 s".to_owned()));
    }

    #[test]
    fn events_of_the_runtime_become_blocks() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let layer = Calls::to(file.path()).unwrap().with_filter(filter::filter_fn(|data| data.target() == CALLS));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::trace!(target: "cofferdam::call", driver = "d", operation = "stat", arguments = "/a", bytes = 0u64, micros = 5u64, outcome = %"ok");
            tracing::error!("something else");
        });
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.ends_with(" stat /a\n  = ok (d, 0 B, 5 µs)\n"), "{text}");
        assert_eq!(text.lines().count(), 2);
    }
}
