//! The guests' linear memories of a process, as the operating system shows them: from outside of the sandbox, without the engine's help.
//!
//! The engine reserves 4 GiB of addresses for every linear memory and opens as much of it as the guest has. So a linear memory is a piece
//! that can be written, some pages of WebAssembly long, between addresses that cannot be touched: at least a guard before it, and the
//! rest of its reservation behind. Nothing else in a process looks like that; the heap, whose owner may know secrets, does not.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// A page of WebAssembly.
const PAGE: u64 = 64 << 10;

/// The least that is closed before a memory: half of the engine's guard, 32 MiB, which is before the first one.
const CLOSED_BEFORE: u64 = 16 << 20;

/// The least that is closed behind it. Four gigabytes are reserved, and a guest may have three of them.
const CLOSED_BEHIND: u64 = 1 << 30;

/// How much is read at once.
const CHUNK: u64 = 1 << 20;

/// A process whose guests' memories can be read.
#[derive(Debug)]
pub struct Process {
    folder: PathBuf,
    memory: File,
}

impl Process {
    /// This process, and those that it has started and are there still.
    ///
    /// # Panics
    /// The system does not say.
    pub fn family() -> Vec<Self> {
        let own = std::process::id();
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(|process| *process == own || parent(*process) == Some(own)).filter_map(Self::open).collect()
    }

    fn open(process: u32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{process}"));
        Some(Self { memory: File::open(folder.join("mem")).ok()?, folder })
    }

    /// Where the linear memories are now. A process that is gone has none.
    pub fn memories(&self) -> Vec<Range<u64>> {
        find(&fs::read_to_string(self.folder.join("maps")).unwrap_or_default())
    }

    /// Shows `look` the bytes of a memory, in pieces of which each begins with the last `overlap` bytes of the one before. What is closed
    /// meanwhile, because its guest is gone, is passed over. Answers how many bytes there were.
    pub fn read(&self, memory: &Range<u64>, overlap: usize, mut look: impl FnMut(&[u8])) -> u64 {
        let mut buffer = vec![0; CHUNK as usize];
        let (mut at, mut read, mut kept) = (memory.start, 0, 0);
        while at < memory.end {
            let want = (buffer.len() - kept).min((memory.end - at) as usize);
            let Ok(got @ 1..) = self.memory.read_at(&mut buffer[kept..kept + want], at) else { break };
            look(&buffer[..kept + got]);
            let end = kept + got;
            kept = overlap.min(end);
            buffer.copy_within(end - kept..end, 0);
            at += got as u64;
            read += got as u64;
        }
        read
    }
}

/// Who started a process, if it is there.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may have spaces and parentheses, is before the last one.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// The linear memories among the lines of `/proc/PID/maps`.
fn find(maps: &str) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    // The piece that can be written which ends where the next line begins, and how much is closed before it.
    let mut open: Option<(Range<u64>, u64)> = None;
    let mut closed: Option<Range<u64>> = None;
    for line in maps.lines() {
        let Some((range, access)) = parse(line) else { continue };
        match access {
            "---" => {
                if let Some((piece, before)) = open.take()
                    && piece.end == range.start
                    && before >= CLOSED_BEFORE
                    && range.end - range.start >= CLOSED_BEHIND
                    && (piece.end - piece.start).is_multiple_of(PAGE)
                {
                    found.push(piece);
                }
                closed = match closed.take() {
                    Some(last) if last.end == range.start => Some(last.start..range.end),
                    _ => Some(range),
                };
            }
            "rw-" => {
                open = match open.take() {
                    Some((piece, before)) if piece.end == range.start => Some((piece.start..range.end, before)),
                    _ => {
                        let before = closed.as_ref().filter(|closed| closed.end == range.start).map_or(0, |closed| closed.end - closed.start);
                        Some((range, before))
                    }
                };
            }
            _ => (open, closed) = (None, None),
        }
    }
    found
}

/// The addresses and the access of a line.
fn parse(line: &str) -> Option<(Range<u64>, &str)> {
    let (addresses, rest) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    Some((u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?, rest.get(..3)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_told_from_the_rest() {
        let maps = "\
            55550000-55560000 rw-p 00000000 00:00 0 [heap]\n\
            7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n\
            7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n\
            7f1000000000-7f1002000000 ---p 00000000 00:00 0 \n\
            7f1002000000-7f1002010000 rw-p 00000000 00:01 9 /memfd:wasm-memory-image (deleted)\n\
            7f1002010000-7f1002120000 rw-p 00000000 00:00 0 \n\
            7f1002120000-7f1202000000 ---p 00000000 00:00 0 \n\
            7f1202000000-7f1202010000 rw-p 00000000 00:00 0 \n\
            7f1202010000-7f1304000000 ---p 00000000 00:00 0 \n\
            7f1400000000-7f1400010000 rw-p 00000000 00:00 0 \n\
            7f1400010000-7f1500000000 ---p 00000000 00:00 0 \n\
            7f1600000000-7f1602000000 ---p 00000000 00:00 0 \n\
            7f1602000000-7f1602001000 rw-p 00000000 00:00 0 \n\
            7f1602001000-7f1700000000 ---p 00000000 00:00 0 \n";
        // The heap, an arena, what has nothing closed before it, and what is no whole page are none.
        assert_eq!(find(maps), [0x7f10_0200_0000..0x7f10_0212_0000, 0x7f12_0200_0000..0x7f12_0201_0000]);
    }
}
