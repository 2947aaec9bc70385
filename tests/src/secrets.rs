//! Whether a secret is in the memory of a guest, in any form, at any time of a test.
//!
//! A thread reads the guests' memories over and over. What counts is every window of eight bytes of the secret: as it is, in hexadecimal,
//! and in base64 at each of its three places. A second text, which the guests are given on purpose, shows that it would have been seen.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::guests::Process;

/// How many bytes of a secret are enough to count.
const WINDOW: usize = 8;

/// How many characters of base64 eight bytes fill, wherever they begin.
const WINDOW_BASE64: usize = 10;

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// The secrets' forms that are in some guest's memory, in words: never the secret itself.
    pub leaks: BTreeSet<String>,
    /// Whether the text that guests are given was seen.
    pub control: bool,
    /// How often the memories were read.
    pub rounds: u64,
    /// How many memories there were, all rounds together.
    pub memories: u64,
    /// How many bytes they had, all rounds together.
    pub bytes: u64,
}

/// The search, while a test runs.
#[derive(Debug)]
pub struct Search {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Search {
    /// Searches the guests of this process and of those that it started for `secrets`, each with a name for the report, and for `control`, which they are given.
    ///
    /// # Panics
    /// A secret or the control is shorter than a window.
    pub fn start(secrets: &[(&str, &[u8])], control: &str) -> Self {
        assert!(control.len() >= WINDOW && secrets.iter().all(|(_, secret)| secret.len() >= WINDOW), "too short to be searched");
        let mut forms: Vec<(String, Vec<u8>)> = vec![(String::new(), control.as_bytes().to_vec())];
        forms
            .extend(secrets.iter().flat_map(|(name, secret)| forms_of(secret).into_iter().map(move |(form, text)| (format!("{name} {form}"), text))));
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        Self { over, thread: thread::spawn(move || search(&forms, &stop)) }
    }

    /// Ends the search, with a last round.
    ///
    /// # Panics
    /// The memories could not be read.
    pub fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn search(forms: &[(String, Vec<u8>)], over: &AtomicBool) -> Seen {
    let automaton = AhoCorasick::new(forms.iter().map(|(_, text)| text)).unwrap();
    let overlap = forms.iter().map(|(_, text)| text.len()).max().unwrap() - 1;
    let mut seen = Seen::default();
    loop {
        let last = over.load(Ordering::Relaxed);
        for process in Process::family() {
            for memory in process.memories() {
                seen.memories += 1;
                seen.bytes += process.read(&memory, overlap, |bytes| {
                    for hit in automaton.find_overlapping_iter(bytes) {
                        match hit.pattern().as_usize() {
                            0 => seen.control = true,
                            leak => drop(seen.leaks.insert(forms[leak].0.clone())),
                        }
                    }
                });
            }
        }
        seen.rounds += 1;
        if last {
            return seen;
        }
    }
}

/// Every window of a secret in every form, with words for it.
fn forms_of(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    for (at, window) in secret.windows(WINDOW).enumerate() {
        forms.push((format!("from byte {at}, as it is"), window.to_vec()));
        forms.push((format!("from byte {at}, in hexadecimal"), base16ct::lower::encode_string(window).into_bytes()));
        forms.push((format!("from byte {at}, in capital hexadecimal"), base16ct::upper::encode_string(window).into_bytes()));
    }
    for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64 for URLs", &URL_SAFE_NO_PAD)] {
        for place in 0..3 {
            // Before the secret there may be none, one or two bytes of something else in its first group of three.
            let text = engine.encode([&vec![0; place], secret].concat());
            // The characters that the secret alone decides: six bits each.
            let (first, last) = ((place * 8).div_ceil(6), (place + secret.len()) * 8 / 6);
            let windows = text.as_bytes()[first..last].windows(WINDOW_BASE64).enumerate();
            forms.extend(windows.map(|(at, window)| (format!("from character {at} of its {name} at place {place}"), window.to_vec())));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(secret: &[u8], text: &str) -> bool {
        forms_of(secret).iter().any(|(_, form)| text.as_bytes().windows(form.len()).any(|window| window == form))
    }

    #[test]
    fn every_form_is_searched_for() {
        let secret = b"right?horse>battery~staple";
        for form in ["..right?ho..", "..y~staple", "..68 6f72", "686f7273653e6261", "686F7273653E6261"] {
            assert_eq!(holds(secret, form), form != "..68 6f72", "{form}");
        }
        for before in ["", "x", "xy", "user:", "a longer name:"] {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let text = engine.encode([before.as_bytes(), secret, b" and more"].concat());
                assert!(holds(secret, &text), "{before}");
                // Twelve bytes of it are enough, wherever they are: ten characters are all theirs.
                let part = engine.encode([before.as_bytes(), &secret[7..19]].concat());
                assert!(holds(secret, &part), "{before}");
            }
        }
        assert!(!holds(secret, &STANDARD_NO_PAD.encode("something else altogether, and long")));
        assert!(!holds(secret, "right?h horse>b battery"), "seven bytes are none");
    }
}
