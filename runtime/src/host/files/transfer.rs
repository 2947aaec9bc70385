//! Content into a file: from file to file within the kernel, from memory as it is, from a stream in batches.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use rustix::fs::copy_file_range;
use rustix::io::{Errno, pwritev};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use super::blocking::{self, Cancelled};
use super::durability::sync_data;
use crate::call::CallContext;
use crate::content::{Content, READ_MAX};
use crate::error::{Error, ErrorKind, Result};

/// How much is moved between two looks at whether the call is still there: 8 MiB, some milliseconds even on a slow disk.
const STEP: u64 = 8 << 20;

/// How much of a stream is written at once: 1 MiB, so that the hop to the blocking pool vanishes beside the copying and
/// what is read next is still in the cache when it is written.
const BATCH: usize = 1 << 20;

/// How much of a stream is written before the disk is asked for it ahead of its end: 2 MiB, a few times what a flush costs.
const AHEAD: u64 = 2 << 20;

/// How many streams of this process may do that at once.
static TURNS: Semaphore = Semaphore::const_new(2);

/// The most pieces of one write: `IOV_MAX` of Linux.
const PIECES_MAX: usize = 1024;

/// The buffer for copying where the kernel does not: 256 KiB stay in the second-level cache.
const BUFFER: usize = 256 << 10;

/// Moves all of `content` into `file` at `offset`; answers how many bytes.
///
/// # Errors
/// What reading the content answers, or the system's: then a part of it may have been written.
///
/// # Cancel safety
/// What is being written goes on for at most one step, and holds what `call` holds until then.
pub(super) async fn transfer(call: &CallContext, content: &Content, file: &Arc<File>, offset: u64) -> Result<u64> {
    let target = file.clone();
    let progress = call.clone();
    if let Some((source, from, length)) = content.as_file() {
        let copy = move |cancelled: &Cancelled| Copy { source: &source, from, target: &target, at: offset, length }.run(&progress, cancelled);
        return blocking::run(call, copy).await;
    }
    if let Some(bytes) = content.as_bytes() {
        let bytes = bytes.clone();
        return blocking::run(call, move |cancelled| write_bytes(&bytes, &target, offset, &progress, cancelled)).await;
    }
    stream(call, content, file, offset).await
}

fn write_bytes(bytes: &Bytes, target: &File, offset: u64, progress: &CallContext, cancelled: &Cancelled) -> Result<u64> {
    let mut at = offset;
    for step in bytes.chunks(STEP as usize) {
        cancelled.check()?;
        target.write_all_at(step, at)?;
        at += step.len() as u64;
        progress.moved(step.len() as u64);
    }
    Ok(at - offset)
}

/// Writes what arrives in batches, while the next one is read.
async fn stream(call: &CallContext, content: &Content, file: &Arc<File>, offset: u64) -> Result<u64> {
    let mut position = 0;
    let mut ahead = Ahead::default();
    let mut writing: Option<JoinHandle<Result<()>>> = None;
    loop {
        let batch = gather(call, content, position).await;
        // Also after an error: when this function answers, nothing of it touches the file any more.
        let written = match writing.take() {
            Some(writing) => blocking::finish(writing).await,
            None => Ok(()),
        };
        let (batch, length) = match written.and(batch) {
            Ok(batch) if batch.1 > 0 => batch,
            Ok(_) => return ahead.finish(call, file).await.map(|()| position),
            Err(error) => {
                ahead.wait().await?;
                return Err(error);
            }
        };
        let (file, at) = (file.clone(), offset + position);
        ahead.written(call, &file, position).await?;
        position += length as u64;
        writing = Some(blocking::start(call, move || Ok(write_batch(&file, batch, at)?)));
    }
}

/// Sends to the disk what of a long stream is written already, so that it does not stand idle until the end and whoever then
/// makes the file durable finds little left. One sync at a time: where the disk is slower than the client, each covers more.
#[derive(Default)]
struct Ahead {
    /// Up to where the bytes are durable, or on their way.
    begun: u64,
    syncing: Option<JoinHandle<Result<()>>>,
}

impl Ahead {
    /// The first `position` bytes are written.
    ///
    /// # Errors
    /// An error of the disk, which it tells only once: so it is the error of the whole transfer.
    async fn written(&mut self, call: &CallContext, file: &Arc<File>, position: u64) -> Result<()> {
        if position - self.begun < AHEAD || self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return Ok(());
        }
        self.wait().await?;
        // Where many streams come at once the disk is busy anyway.
        if let Ok(turn) = TURNS.try_acquire() {
            self.begun = position;
            self.syncing = Some(start_sync(call, file, Some(turn)));
        }
        Ok(())
    }

    /// All is written. The disk tells an error of a file once to each who had it open then: so who has asked it ahead asks for the rest as
    /// well, since whoever syncs the file by its name later may not be told.
    ///
    /// # Errors
    /// As [`Ahead::written`].
    async fn finish(&mut self, call: &CallContext, file: &Arc<File>) -> Result<()> {
        self.wait().await?;
        if self.begun > 0 {
            self.syncing = Some(start_sync(call, file, None));
        }
        self.wait().await
    }

    /// Waits until nothing of it touches the file any more.
    async fn wait(&mut self) -> Result<()> {
        match self.syncing.take() {
            Some(syncing) => blocking::finish(syncing).await,
            None => Ok(()),
        }
    }
}

fn start_sync(call: &CallContext, file: &Arc<File>, turn: Option<SemaphorePermit<'static>>) -> JoinHandle<Result<()>> {
    let file = file.clone();
    blocking::start(call, move || {
        let synced = sync_data(&file);
        drop(turn);
        synced.map_err(|error| io::Error::from(error).into())
    })
}

/// The next batch from `position`; empty is the end. Bytes count as moved when they arrive, since a slow client may need
/// longer for a batch than the call's no-progress deadline.
async fn gather(call: &CallContext, content: &Content, position: u64) -> Result<(Vec<Bytes>, usize)> {
    let mut batch = Vec::new();
    let mut length = 0;
    while length < BATCH && batch.len() < PIECES_MAX {
        let frame = content.read_at(position + length as u64, READ_MAX).await?;
        if frame.is_empty() {
            break;
        }
        call.moved(frame.len() as u64);
        length += frame.len();
        batch.push(frame);
    }
    Ok((batch, length))
}

fn write_batch(file: &File, mut batch: Vec<Bytes>, mut at: u64) -> io::Result<()> {
    if let [frame] = &batch[..] {
        return file.write_all_at(frame, at);
    }
    let mut first = 0;
    while first < batch.len() {
        let slices: Vec<_> = batch[first..].iter().map(|frame| IoSlice::new(frame)).collect();
        let mut written = match pwritev(file, &slices, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(Errno::INTR) => continue,
            written => written?,
        };
        at += written as u64;
        while first < batch.len() && written >= batch[first].len() {
            written -= batch[first].len();
            first += 1;
        }
        if written > 0 {
            batch[first].advance(written);
        }
    }
    Ok(())
}

/// From one file to another.
struct Copy<'a> {
    source: &'a File,
    from: u64,
    target: &'a File,
    at: u64,
    length: u64,
}

impl Copy<'_> {
    fn run(&self, progress: &CallContext, cancelled: &Cancelled) -> Result<u64> {
        let mut done = 0;
        // Where the kernel can share blocks it moves no byte at all; where it cannot copy between these two, we do.
        let mut by_kernel = true;
        let mut buffer = Vec::new();
        while done < self.length {
            cancelled.check()?;
            let count = if by_kernel {
                match self.kernel_step(done) {
                    Ok(count) => count,
                    Err(Errno::INTR) => continue,
                    Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM) => {
                        by_kernel = false;
                        buffer = vec![0; BUFFER];
                        continue;
                    }
                    Err(error) => return Err(io::Error::from(error).into()),
                }
            } else {
                self.buffered_step(done, &mut buffer)?
            };
            if count == 0 {
                return Err(Error::new(ErrorKind::Corrupted, "the file ended before the size that it had when it was opened"));
            }
            done += count;
            progress.moved(count);
        }
        Ok(done)
    }

    fn kernel_step(&self, done: u64) -> Result<u64, Errno> {
        let (mut from, mut at) = (self.from + done, self.at + done);
        let step = (self.length - done).min(STEP) as usize;
        copy_file_range(self.source, Some(&mut from), self.target, Some(&mut at), step).map(|count| count as u64)
    }

    fn buffered_step(&self, done: u64, buffer: &mut [u8]) -> io::Result<u64> {
        let step = (self.length - done).min(buffer.len() as u64) as usize;
        let count = self.source.read_at(&mut buffer[..step], self.from + done)?;
        self.target.write_all_at(&buffer[..count], self.at + done)?;
        Ok(count as u64)
    }
}
