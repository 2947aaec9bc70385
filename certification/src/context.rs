//! What a case works with: mounts over a fresh place, data, sizes that fit, a second process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cofferdam::{Claims, Driver, Grant, Mount, MountOptions, StorePath};

use crate::data::Data;
use crate::options::Options;
use crate::verdict::{Verdict, skip};
use crate::worker::Worker;

/// What one case works with.
pub(crate) struct Context {
    driver: Driver,
    grant: Grant,
    places: Vec<PathBuf>,
    claims: Claims,
    filled: Arc<[Filled]>,
    options: Options,
    seed: AtomicU64,
    notes: Mutex<Vec<String>>,
}

/// A file that the backend holds already.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    pub(crate) path: StorePath,
    pub(crate) file: PathBuf,
    pub(crate) size: u64,
}

impl Context {
    pub(crate) fn new(
        driver: Driver,
        grant: Grant,
        places: Vec<PathBuf>,
        claims: Claims,
        filled: Arc<[Filled]>,
        options: Options,
        seed: u64,
    ) -> Self {
        Self { driver, grant, places, claims, filled, options, seed: AtomicU64::new(seed), notes: Mutex::default() }
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The grant, its writable directories being fresh ones.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The fresh directories.
    pub(crate) fn places(&self) -> &[PathBuf] {
        &self.places
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// The files that the backend holds already.
    pub(crate) fn filled(&self) -> &[Filled] {
        &self.filled
    }

    /// A mount of the driver over the case's fresh place; a further one shares that place.
    pub(crate) async fn mount(&self) -> Verdict<Mount> {
        Ok(Mount::open(&self.driver, &self.grant, MountOptions::default()).await?)
    }

    /// Fresh bytes.
    pub(crate) fn data(&self, size: u64) -> Data {
        Data::new(self.seed.fetch_add(0x1_0001, Ordering::Relaxed), size)
    }

    /// As much of `wanted` as the store takes in one case: an eighth of its capacity.
    pub(crate) fn fitting(&self, wanted: u64) -> u64 {
        self.claims.capacity.map_or(wanted, |capacity| wanted.min(capacity / 8))
    }

    /// As [`Context::fitting`], for one object made by `put`.
    pub(crate) fn fitting_put(&self, wanted: u64) -> u64 {
        self.claims.put_max.map_or(self.fitting(wanted), |max| self.fitting(wanted).min(max))
    }

    /// The size of an ordinary part: not the smallest that is allowed, unless that is large.
    pub(crate) fn part_size(&self) -> u64 {
        let size = self.claims.part_min.unwrap_or(1).max(64 << 10);
        self.claims.part_max.map_or(size, |max| size.min(max))
    }

    /// `long` in the long run, `short` otherwise.
    pub(crate) fn count(&self, short: usize, long: usize) -> usize {
        if self.options.long { long } else { short }
    }

    /// A second host process with the same driver and grant, if the driver may be used by one and there is a command for it. Says
    /// so in a note where there is none, so that nobody takes half a case for a whole one.
    pub(crate) async fn second_process(&self) -> Verdict<Option<Worker>> {
        if !self.claims.shared {
            return Ok(None);
        }
        if self.options.worker.is_none() {
            self.note("left out: the same from two host processes, since no worker command was given");
            return Ok(None);
        }
        self.worker().await.map(Some)
    }

    /// A second host process, without which the case cannot be asked.
    pub(crate) async fn worker(&self) -> Verdict<Worker> {
        match &self.options.worker {
            Some(command) => Worker::start(command, &self.grant).await,
            None => skip("no worker command was given, and the case kills a host process"),
        }
    }

    /// Says something in the report beside the outcome.
    pub(crate) fn note(&self, note: impl Into<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note.into());
    }

    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
