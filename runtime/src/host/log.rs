//! A driver's log: its messages as tracing events, cut to a bounded length, at a bounded rate.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::last_words::LastWords;
use crate::bindings::cofferdam::storage::system::Level;
use crate::error::Error;
use crate::text::printable;

/// The longest message that is kept, in bytes (contract: `system.log`).
const MESSAGE_MAX: usize = 4 << 10;

/// Lets so many messages a second through. Clones share the rate.
#[derive(Clone, Debug)]
pub(crate) struct LogGate {
    mount: Arc<str>,
    per_second: u32,
    window: Arc<Mutex<Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    passed: u32,
    dropped: u64,
}

impl LogGate {
    /// A gate for the driver of `mount`.
    pub(crate) fn new(mount: Arc<str>, per_second: u32) -> Self {
        let window = Window { began: Instant::now(), passed: 0, dropped: 0 };
        Self { mount, per_second, window: Arc::new(Mutex::new(window)) }
    }

    /// Logs `message`, or counts it as dropped.
    pub(crate) fn write(&self, level: Level, message: &str) {
        let Some(dropped) = self.admit(Instant::now()) else { return };
        let mount = &*self.mount;
        if dropped > 0 {
            tracing::warn!(target: "cofferdam::driver", mount, "{dropped} messages of the driver were dropped: more than {} a second (`log-lines-per-second` under [limits])", self.per_second);
        }
        let message = printable(message, MESSAGE_MAX);
        match level {
            Level::Trace => tracing::trace!(target: "cofferdam::driver", mount, "{message}"),
            Level::Debug => tracing::debug!(target: "cofferdam::driver", mount, "{message}"),
            Level::Info => tracing::info!(target: "cofferdam::driver", mount, "{message}"),
            Level::Warn => tracing::warn!(target: "cofferdam::driver", mount, "{message}"),
            Level::Error => tracing::error!(target: "cofferdam::driver", mount, "{message}"),
        }
    }

    /// Logs that a call of `driver` trapped, with what it said last. A flood of messages does not drop it: it is one a call.
    pub(crate) fn trapped(&self, driver: &str, error: &Error) {
        let mount = &*self.mount;
        tracing::error!(target: "cofferdam::driver", mount, driver, "{error}");
    }

    /// `Some(messages dropped before)` if one may pass now.
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.began) >= Duration::from_secs(1) {
            let dropped = window.dropped;
            *window = Window { began: now, passed: 1, dropped: 0 };
            return Some(dropped);
        }
        if window.passed < self.per_second {
            window.passed += 1;
            return Some(0);
        }
        window.dropped += 1;
        None
    }
}

/// What a driver writes to its standard output or error, as lines of the log.
#[derive(Clone)]
pub(crate) struct LogStream {
    gate: LogGate,
    level: Level,
    line: Arc<Mutex<Vec<u8>>>,
    /// Where standard error is remembered for a trap.
    last_words: Option<LastWords>,
}

impl LogStream {
    pub(crate) fn new(gate: LogGate, level: Level) -> Self {
        Self { gate, level, line: Arc::default(), last_words: None }
    }

    /// Remembers what is written.
    pub(crate) fn remembered(mut self, last_words: LastWords) -> Self {
        self.last_words = Some(last_words);
        self
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(last_words) = &self.last_words {
            last_words.write(bytes);
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = MESSAGE_MAX.saturating_sub(line.len());
            line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.gate.write(self.level, String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told() {
        let gate = LogGate::new("m".into(), 2);
        let now = Instant::now();
        let admitted: Vec<_> = (0..5).map(|_| gate.admit(now)).collect();
        assert_eq!(admitted, [Some(0), Some(0), None, None, None]);
        assert_eq!(gate.admit(now + Duration::from_secs(1)), Some(3));
    }
}
