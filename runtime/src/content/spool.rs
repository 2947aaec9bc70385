//! The spool: bytes on their way, in memory up to a budget, then in unlinked files up to a quota. Never counted as durable.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use cap_std::fs::Dir;

use super::{Content, Kind, READ_MAX, read_file, slice};
use crate::error::{Error, ErrorKind, Result};

/// What one content keeps in memory before it goes to a file, where there is a directory: 4 MiB, so that a few
/// large ones cannot use up the budget that many small ones live on.
const MEMORY_EACH: u64 = 4 << 20;

/// One mount's spool: its budgets, and what is used of them.
pub(crate) struct Spool {
    memory: Budget,
    disk: Budget,
    directory: Option<Dir>,
}

#[derive(Debug)]
struct Budget {
    name: &'static str,
    setting: &'static str,
    limit: u64,
    used: AtomicU64,
}

/// Bytes taken from a budget; given back when dropped.
struct Charge {
    spool: Arc<Spool>,
    on_disk: bool,
    bytes: u64,
}

impl Spool {
    /// A spool of `memory` bytes in memory, and `disk` bytes in unlinked files of `directory` where there is one.
    pub(crate) fn new(memory: u64, directory: Option<Dir>, disk: u64) -> Arc<Self> {
        let budget = |name, setting, limit| Budget { name, setting, limit, used: AtomicU64::new(0) };
        Arc::new(Self { memory: budget("memory", "memory", memory), disk: budget("directory", "disk", disk), directory })
    }

    /// Bytes in use: in memory, in files.
    pub(crate) fn used(&self) -> (u64, u64) {
        (self.memory.used.load(Ordering::Relaxed), self.disk.used.load(Ordering::Relaxed))
    }

    fn budget(&self, on_disk: bool) -> &Budget {
        if on_disk { &self.disk } else { &self.memory }
    }

    /// All of `content`, as held content: itself if it is held already.
    ///
    /// # Errors
    /// `quota-exceeded` where the budgets end, and what the source of the bytes reports.
    pub(crate) async fn hold(self: &Arc<Self>, content: Content) -> Result<Content> {
        if content.is_held() {
            return Ok(content);
        }
        let mut buffer = SpoolBuffer::new(self.clone());
        loop {
            let frame = content.read_at(buffer.length, READ_MAX).await?;
            if frame.is_empty() {
                return Ok(buffer.finish().into());
            }
            buffer.append(frame).await?;
        }
    }
}

impl Charge {
    fn none(spool: &Arc<Spool>, on_disk: bool) -> Self {
        Self { spool: spool.clone(), on_disk, bytes: 0 }
    }

    fn add(&mut self, bytes: u64) -> Result<()> {
        let budget = self.spool.budget(self.on_disk);
        let taken = budget.used.try_update(Ordering::Relaxed, Ordering::Relaxed, |used| used.checked_add(bytes).filter(|sum| *sum <= budget.limit));
        if taken.is_err() {
            let message = format!(
                "the spool's {} budget of {} bytes is used up: raise `{}` under [spool] in the grant",
                budget.name, budget.limit, budget.setting
            );
            return Err(Error::new(ErrorKind::QuotaExceeded, message));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.spool.budget(self.on_disk).used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Content in the making.
pub(crate) struct SpoolBuffer {
    spool: Arc<Spool>,
    memory: BytesMut,
    memory_charge: Charge,
    file: Option<(Arc<File>, Charge)>,
    length: u64,
}

impl SpoolBuffer {
    pub(crate) fn new(spool: Arc<Spool>) -> Self {
        let memory_charge = Charge::none(&spool, false);
        Self { spool, memory: BytesMut::new(), memory_charge, file: None, length: 0 }
    }

    /// How many bytes there are so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// `quota-exceeded` where the budgets end; the system's where a file cannot be written.
    pub(crate) async fn append(&mut self, bytes: Bytes) -> Result<()> {
        let count = bytes.len() as u64;
        if self.file.is_none() {
            let fits = self.spool.directory.is_none() || self.length + count <= MEMORY_EACH;
            match if fits { self.memory_charge.add(count) } else { Ok(()) } {
                Ok(()) if fits => {
                    self.memory.extend_from_slice(&bytes);
                    self.length += count;
                    return Ok(());
                }
                Err(error) if self.spool.directory.is_none() => return Err(error),
                _ => self.move_to_file().await?,
            }
        }
        self.append_to_file(bytes).await
    }

    async fn move_to_file(&mut self) -> Result<()> {
        let Some(directory) = &self.spool.directory else {
            return Err(Error::new(ErrorKind::QuotaExceeded, "the spool has no directory: set `directory` under [spool] in the grant"));
        };
        let file = cap_tempfile::TempFile::new_anonymous(directory)?.into_std();
        self.file = Some((Arc::new(file), Charge::none(&self.spool, true)));
        let memory = std::mem::take(&mut self.memory).freeze();
        self.length = 0;
        self.append_to_file(memory).await?;
        self.memory_charge = Charge::none(&self.spool, false);
        Ok(())
    }

    async fn append_to_file(&mut self, bytes: Bytes) -> Result<()> {
        let Some((file, charge)) = &mut self.file else {
            return Err(Error::new(ErrorKind::Internal, "the spool has no file"));
        };
        charge.add(bytes.len() as u64)?;
        let (file, offset, count) = (file.clone(), self.length, bytes.len() as u64);
        let job = tokio::task::spawn_blocking(move || file.write_all_at(&bytes, offset));
        job.await.map_err(|error| Error::new(ErrorKind::Internal, "a write to the spool was given up").with_source(error))??;
        self.length += count;
        Ok(())
    }

    /// What was appended, as held bytes.
    pub(crate) fn finish(self) -> Spooled {
        let (data, charge) = match self.file {
            Some((file, charge)) => (Data::File(file), charge),
            None => (Data::Memory(self.memory.freeze()), self.memory_charge),
        };
        Spooled(Arc::new(Kept { data, size: self.length, _charge: charge }))
    }
}

/// Held bytes of the spool. Clones share them; the last gives the space back.
#[derive(Clone)]
pub(crate) struct Spooled(Arc<Kept>);

struct Kept {
    data: Data,
    size: u64,
    _charge: Charge,
}

enum Data {
    Memory(Bytes),
    File(Arc<File>),
}

impl Spooled {
    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    pub(crate) fn as_file(&self) -> Option<(Arc<File>, u64, u64)> {
        match &self.0.data {
            Data::File(file) => Some((file.clone(), 0, self.0.size)),
            Data::Memory(_) => None,
        }
    }

    pub(crate) async fn read_at(&self, offset: u64, max: usize) -> Result<Bytes> {
        match &self.0.data {
            Data::Memory(bytes) => Ok(slice(bytes, offset, max)),
            Data::File(file) => {
                let length = self.0.size.saturating_sub(offset).min(max as u64) as usize;
                if length == 0 { Ok(Bytes::new()) } else { read_file(file, offset, length).await }
            }
        }
    }
}

impl From<Spooled> for Content {
    fn from(spooled: Spooled) -> Self {
        Self { kind: Kind::Spooled(spooled) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Dir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(scratch.path(), cap_std::ambient_authority()).unwrap();
        (scratch, dir)
    }

    #[tokio::test]
    async fn memory_then_file_then_quota() {
        let (scratch, dir) = directory();
        let spool = Spool::new(10, Some(dir), 20);
        let mut buffer = SpoolBuffer::new(spool.clone());
        buffer.append(Bytes::from_static(b"0123456789")).await.unwrap();
        assert_eq!(spool.used(), (10, 0));
        buffer.append(Bytes::from_static(b"abcdefghij")).await.unwrap();
        assert_eq!(spool.used(), (0, 20));
        let error = buffer.append(Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
        assert!(error.to_string().contains("raise `disk` under [spool]"));
        let kept = buffer.finish();
        assert_eq!(kept.read_at(8, 4).await.unwrap(), "89ab");
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "spool files have no name");
        drop(kept);
        assert_eq!(spool.used(), (0, 0));
    }

    #[tokio::test]
    async fn without_a_directory_memory_is_the_end() {
        let spool = Spool::new(10, None, 0);
        let content = Content::live(futures::stream::iter([Ok(Bytes::from_static(b"0123456789x"))]), None);
        assert_eq!(spool.hold(content).await.unwrap_err().kind(), ErrorKind::QuotaExceeded);
        assert_eq!(spool.used(), (0, 0));
    }
}
