//! Reading files in frames: from the page cache in place, from the disk on the blocking pool, into buffers that are used again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use rustix::io::ReadWriteFlags;

use crate::error::{Error, ErrorKind, Result};

/// How large a frame of a stream is. 256 KiB: large enough that a frame's costs vanish, small enough to stay in the
/// second-level cache between the read that fills it and the write that sends it.
pub(crate) const FRAME: usize = 256 << 10;

/// How many free buffers are kept for the whole process: 64 frames are 16 MiB.
const KEPT: usize = 64;

/// Reads up to this size take a plain allocation: a frame for a small blob would waste the rest.
const SMALL: usize = 32 << 10;

/// Free frame buffers, all of [`FRAME`] bytes, initialised.
static FREE: LazyLock<Mutex<Vec<Vec<u8>>>> = LazyLock::new(Mutex::default);

/// A buffer that goes back to the free ones when the last [`Bytes`] made of it is dropped.
struct Frame {
    buffer: Vec<u8>,
    length: usize,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.buffer));
        }
    }
}

fn take_buffer(length: usize) -> Vec<u8> {
    if length != FRAME {
        return vec![0; length];
    }
    FREE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(|| vec![0; FRAME])
}

fn into_bytes(mut buffer: Vec<u8>, length: usize) -> Bytes {
    if buffer.len() == FRAME {
        Bytes::from_owner(Frame { buffer, length })
    } else {
        buffer.truncate(length);
        buffer.into()
    }
}

/// Reads up to `length` bytes of `file` at `offset`: in place if the page cache has them, else on the blocking pool.
///
/// # Errors
/// `corrupted` at the end of the file, since the caller knows that there should be more; else the system's.
pub(crate) async fn read_file(file: &Arc<File>, offset: u64, length: usize) -> Result<Bytes> {
    let length = if length <= SMALL { length } else { length.min(FRAME) };
    let size = if length <= SMALL { length } else { FRAME };
    let mut buffer = take_buffer(size);
    let count = match read_cached(file, offset, &mut buffer[..length]) {
        Some(count) => count?,
        None => {
            let file = file.clone();
            let job = tokio::task::spawn_blocking(move || {
                let count = file.read_at(&mut buffer[..length], offset);
                (buffer, count)
            });
            let (filled, count) = job.await.map_err(|error| Error::new(ErrorKind::Internal, "a read was given up").with_source(error))?;
            buffer = filled;
            count?
        }
    };
    if count == 0 {
        return Err(Error::new(ErrorKind::Corrupted, "the file ended before the size that it had when it was opened"));
    }
    Ok(into_bytes(buffer, count))
}

/// What the page cache has, without waiting for the disk; `None` if it would have to wait.
fn read_cached(file: &File, offset: u64, buffer: &mut [u8]) -> Option<io::Result<usize>> {
    match rustix::io::preadv2(file, &mut [io::IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
        Ok(count) => Some(Ok(count)),
        // Not in the page cache, or a file system that cannot tell.
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => None,
        Err(error) => Some(Err(error.into())),
    }
}
