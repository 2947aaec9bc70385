//! What a driver in a language costs, and the tables that say so.

use std::time::Duration;

use cofferdam_benches::aims::{self, Aim, Unit};
use cofferdam_benches::large::GIB;
use cofferdam_benches::{markdown, median, shown};

/// What was measured of one driver: the times of all rounds.
pub(crate) struct Costs {
    name: &'static str,
    size: usize,
    pub(crate) compile: Vec<Duration>,
    pub(crate) cached: Vec<Duration>,
    /// `stat` on a fresh instance: instantiated, described, configured.
    pub(crate) cold: Vec<Duration>,
    /// `stat` on an instance that has answered before.
    pub(crate) warm: Vec<Duration>,
    /// Linear memory of an instance that has answered.
    pub(crate) memory: u64,
    /// A value of [`VALUE`] bytes, which the driver is given and gives as bytes of its own memory.
    pub(crate) value_put: Vec<Duration>,
    pub(crate) value_get: Vec<Duration>,
    /// A GiB, whose bytes no driver sees.
    pub(crate) written: Vec<Duration>,
    pub(crate) read: Vec<Duration>,
}

/// The largest value that a store must take.
pub(crate) const VALUE: usize = 1 << 20;

/// How 1 GiB may compare with the driver in Rust.
const LEAST: f64 = 0.9;

/// The languages that the aim is for.
const AIMED: [&str; 4] = ["Go", "Python", "JavaScript", "TypeScript"];

impl Costs {
    pub(crate) fn new(name: &'static str, size: usize) -> Self {
        let none = Vec::new;
        Self {
            name,
            size,
            compile: none(),
            cached: none(),
            cold: none(),
            warm: none(),
            memory: 0,
            value_put: none(),
            value_get: none(),
            written: none(),
            read: none(),
        }
    }

    fn row(&self) -> [String; 11] {
        let time = |times: &Vec<Duration>| shown(median(times.clone()));
        let rate = |bytes: u64, times: &Vec<Duration>| format!("{:.2}", per_second(bytes, times) / 1e9);
        [
            self.name.to_owned(),
            size(self.size as u64),
            time(&self.compile),
            time(&self.cached),
            time(&self.cold),
            time(&self.warm),
            size(self.memory),
            rate(GIB, &self.read),
            rate(GIB, &self.written),
            rate(VALUE as u64, &self.value_get),
            rate(VALUE as u64, &self.value_put),
        ]
    }
}

/// What each costs.
pub(crate) fn table(all: &[Costs]) -> String {
    let head = [
        "driver in",
        "component",
        "compile, once",
        "load, cached",
        "`stat`, fresh instance",
        "`stat`, warm",
        "memory an instance",
        "1 GiB read, GB/s",
        "1 GiB written, GB/s",
        "value got, GB/s",
        "value put, GB/s",
    ];
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(all.iter().map(Costs::row)).collect();
    markdown(&rows)
}

/// What is handed over, beside the driver in Rust.
pub(crate) fn beside_rust(all: &[Costs]) -> String {
    let mut table = aims::Table::of("this driver");
    let Some((rust, others)) = all.split_first().filter(|(first, _)| first.name == "Rust") else {
        return "no driver in Rust to compare with\n".to_owned();
    };
    for other in others {
        let aim = if AIMED.contains(&other.name) { Aim::AtLeast(LEAST) } else { Aim::Nothing };
        for (work, theirs, rusts) in [("read", &other.read, &rust.read), ("written", &other.written, &rust.written)] {
            let (ours, beside) = (per_second(GIB, theirs), per_second(GIB, rusts));
            table.beside(&format!("1 GiB {work}, {}", other.name), Unit::Bytes, ours, ("Rust", beside), aim);
        }
    }
    table.render()
}

fn per_second(bytes: u64, times: &[Duration]) -> f64 {
    bytes as f64 / median(times.to_vec()).as_secs_f64()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
