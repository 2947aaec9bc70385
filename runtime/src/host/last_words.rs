//! What an instance said last during a call, at level `error` or to standard error: a trap alone names no line of its author's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::text::printable;

/// The most lines that are kept.
const LINES: usize = 40;

/// The most bytes that [`LastWords::take`] answers.
const BYTES: usize = 4 << 10;

/// Says that something came before what is kept.
const MORE: &str = "…\n";

/// What stands where a secret stood.
const HIDDEN: &str = "[secret]";

/// The end of what an instance said since the call began. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<Words>>);

#[derive(Default)]
struct Words {
    lines: VecDeque<String>,
    /// The bytes of `lines`, each with a line break.
    bytes: usize,
    cut: bool,
    /// A line of standard error whose end has not been written.
    unfinished: Vec<u8>,
    /// What no line may show.
    secrets: Vec<String>,
}

impl LastWords {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never shows these again. A secret of several lines (a key, say) is hidden line by line.
    pub(crate) fn hide<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut secrets: Vec<_> =
            secrets.into_iter().flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        // A secret that is part of another must not spoil the other's search.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.words().secrets = secrets;
    }

    /// Forgets what was said: a call begins.
    pub(crate) fn begin(&self) {
        let mut words = self.words();
        words.lines.clear();
        words.unfinished.clear();
        (words.bytes, words.cut) = (0, false);
    }

    /// Hears a message.
    pub(crate) fn say(&self, message: &str) {
        let mut words = self.words();
        message.lines().for_each(|line| words.push(line));
    }

    /// Hears a piece of standard error.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut words = self.words();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = BYTES.saturating_sub(words.unfinished.len());
            words.unfinished.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                words.finish();
            }
        }
    }

    /// What was said: at most [`LINES`] lines in [`BYTES`], fit to be shown. `None` if it was nothing.
    pub(crate) fn take(&self) -> Option<String> {
        let mut words = self.words();
        words.finish();
        let lines: Vec<_> = words.lines.drain(..).collect();
        let more = if std::mem::take(&mut words.cut) { MORE } else { "" };
        words.bytes = 0;
        (!lines.is_empty()).then(|| format!("{more}{}", lines.join("\n")))
    }
}

impl Words {
    /// Ends the line of standard error.
    fn finish(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        self.push(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
    }

    fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let mut line = self.without_secrets(line);
        line = printable(&line, BYTES);
        // Escapes are longer than what they stand for.
        line.truncate(line.floor_char_boundary(BYTES - MORE.len() - 1));
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES - MORE.len() {
            let Some(dropped) = self.lines.pop_front() else { return };
            self.bytes -= dropped.len() + 1;
            self.cut = true;
        }
    }

    fn without_secrets(&self, line: &str) -> String {
        let mut line = self.secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), HIDDEN));
        // What was cut off may be the rest of a secret.
        if line.len() + char::MAX.len_utf8() >= BYTES {
            let begun = |secret: &String| secret.char_indices().map(|(at, _)| at).rev().find(|at| *at > 0 && line.ends_with(&secret[..*at]));
            if let Some(length) = self.secrets.iter().filter_map(begun).max() {
                line.truncate(line.len() - length);
            }
        }
        line
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_said_is_kept_within_bounds() {
        let words = LastWords::default();
        assert_eq!(words.take(), None);
        for line in 0..100 {
            words.write(format!("line {line}\n").as_bytes());
        }
        let said = words.take().unwrap();
        assert_eq!(said.lines().count(), LINES + 1);
        assert!(said.starts_with("…\nline 60\n") && said.ends_with("\nline 99"), "{said}");
        assert_eq!(words.take(), None, "it is told once");

        for _ in 0..LINES {
            words.say(&"y".repeat(300));
        }
        let said = words.take().unwrap();
        assert!(said.len() <= BYTES && said.len() > BYTES - 310, "{} bytes", said.len());
        words.say(&"\u{e4}\u{1b}".repeat(BYTES));
        let said = words.take().unwrap();
        assert!(said.len() <= BYTES && said.len() > BYTES / 2, "{} bytes", said.len());
        words.write(&b"\x1b".repeat(2 * BYTES));
        assert!(words.take().unwrap().len() <= BYTES);
    }

    #[test]
    fn what_is_not_text_is_made_safe_and_an_unfinished_line_counts() {
        let words = LastWords::default();
        words.write(b"\xffgone\x1b[2J\r\n\nasser");
        words.write(b"t failed");
        assert_eq!(words.take().unwrap(), "\u{fffd}gone\\u{1b}[2J\nassert failed");
        words.write(b"of the call before");
        words.begin();
        words.say("now");
        assert_eq!(words.take().unwrap(), "now");
    }

    #[test]
    fn secrets_are_hidden_even_where_they_are_cut() {
        let words = LastWords::default();
        words.hide(["hunter2", "BEGIN\nhunter2-of-the-key\n"]);
        words.say("login hunter2 failed: hunter2-of-the-key");
        assert_eq!(words.take().unwrap(), "login [secret] failed: [secret]");
        words.write(format!("{}hunter2", "x".repeat(BYTES - 5)).as_bytes());
        assert!(!words.take().unwrap().contains('h'));
    }
}
