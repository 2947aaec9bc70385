//! `files` natively: plain files in the temporary directory of the world.

use std::fs;
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use super::data::{self, Content};
use crate::bindings::cofferdam::storage::files::{CommitMode, FileInfo, FileKind, WriteMode};
use crate::error::Result;
use crate::testing::world::World;
use crate::types::{ByteRange, Error};

/// How much is moved at a time: little, so that content which breaks does so half-way.
const PIECE: u32 = 64 << 10;

/// The most entries of one answer, as the contract says.
const ENTRIES_MAX: u32 = 10_000;

/// As the host's `guard`.
pub(crate) struct Guard {
    world: Rc<World>,
    name: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.world.unlock(&self.name);
    }
}

/// The contract's error for one of the file system's.
fn failed(path: &str) -> impl Fn(std::io::Error) -> Error {
    move |error| match error.kind() {
        Io::NotFound | Io::NotADirectory => Error::not_found(path),
        Io::AlreadyExists => Error::already_exists(path),
        Io::IsADirectory | Io::DirectoryNotEmpty | Io::InvalidFilename => Error::invalid_argument(format!("{path}: {error}")),
        _ => Error::internal(format!("{path}: {error}")),
    }
}

fn info(world: &World, real: &Path, metadata: &fs::Metadata) -> FileInfo {
    let kind = match () {
        () if metadata.is_file() => FileKind::File,
        () if metadata.is_dir() => FileKind::Directory,
        () => FileKind::Other,
    };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
    let size = if kind == FileKind::File { metadata.len() } else { 0 };
    let stamp = world.stamp_of(real).map_or_else(|| format!("{modified}-{size}"), |stamp| format!("s{stamp}"));
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    FileInfo { name, kind, size, modified, stamp }
}

/// As the host's `open`.
pub(crate) fn open(path: &str, range: ByteRange) -> Result<(FileInfo, Content)> {
    let info = stat(path)?;
    if info.kind != FileKind::File {
        return Err(Error::invalid_argument(format!("{path} is no regular file")));
    }
    let span = range.within(info.size);
    let mut file = fs::File::open(World::current()?.resolve(path)?).map_err(failed(path))?;
    file.seek(SeekFrom::Start(span.offset)).map_err(failed(path))?;
    let mut bytes = Vec::new();
    file.take(span.length).read_to_end(&mut bytes).map_err(failed(path))?;
    Ok((info, data::from_bytes(&bytes)))
}

/// As the host's `stat`.
pub(crate) fn stat(path: &str) -> Result<FileInfo> {
    let world = World::current()?;
    let real = world.resolve(path)?;
    let metadata = fs::symlink_metadata(&real).map_err(failed(path))?;
    Ok(info(&world, &real, &metadata))
}

/// As the host's `entries`.
pub(crate) fn entries(directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<FileInfo>> {
    let world = World::current()?;
    let real = world.resolve(directory)?;
    if fs::symlink_metadata(&real).map_err(failed(directory))?.is_file() {
        return Err(Error::invalid_argument(format!("{directory} is no directory")));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&real).map_err(failed(directory))? {
        let entry = entry.map_err(failed(directory))?;
        found.push(info(&world, &entry.path(), &entry.metadata().map_err(failed(directory))?));
    }
    found.retain(|entry| after.is_none_or(|after| entry.sort_key().as_str() > after));
    found.sort_by_key(FileInfo::sort_key);
    found.truncate(limit.min(ENTRIES_MAX) as usize);
    Ok(found)
}

/// Moves all of `content` to `target`; answers how many bytes.
fn pour(content: &Content, target: &mut impl Write, path: &str) -> Result<u64> {
    let mut moved = 0;
    loop {
        let piece = content.read(moved, PIECE)?;
        if piece.is_empty() {
            return Ok(moved);
        }
        target.write_all(&piece).map_err(failed(path))?;
        moved += piece.len() as u64;
    }
}

fn make_parents(real: &Path, path: &str) -> Result<()> {
    let Some(parent) = real.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| Error::invalid_argument(format!("a parent of {path} is in the way: {error}")))
}

/// As the host's `replace`.
pub(crate) fn replace(path: &str, content: &Content, mode: CommitMode) -> Result<FileInfo> {
    let world = World::current()?;
    let real = world.resolve(path)?;
    let mut temporary = tempfile::NamedTempFile::new_in(world.root()).map_err(failed(path))?;
    let moved = pour(content, &mut temporary, path)?;
    if content.size().is_some_and(|size| size != moved) {
        return Err(Error::invalid_argument(format!("the content has {moved} bytes, other than its size")));
    }
    make_parents(&real, path)?;
    let kept = if mode.contains(CommitMode::NO_REPLACE) { temporary.persist_noclobber(&real) } else { temporary.persist(&real) };
    kept.map_err(|error| failed(path)(error.error))?;
    world.stamp(&real);
    stat(path)
}

/// As the host's `write`.
pub(crate) fn write(path: &str, offset: u64, content: &Content, mode: WriteMode) -> Result<u64> {
    let real = World::current()?.resolve(path)?;
    make_parents(&real, path)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).create_new(mode.contains(WriteMode::CREATE_NEW)).truncate(mode.contains(WriteMode::TRUNCATE));
    let mut file = options.open(&real).map_err(failed(path))?;
    file.seek(SeekFrom::Start(offset)).map_err(failed(path))?;
    pour(content, &mut file, path)
}

/// As the host's `set-size`.
pub(crate) fn set_size(path: &str, size: u64) -> Result<()> {
    let real = World::current()?.resolve(path)?;
    fs::OpenOptions::new().write(true).open(real).and_then(|file| file.set_len(size)).map_err(failed(path))
}

/// As the host's `sync`; a test does not wait for the disk.
pub(crate) fn sync(path: &str) -> Result<()> {
    stat(path).map(|_| ())
}

/// As the host's `commit`.
pub(crate) fn commit(source: &str, destination: &str, mode: CommitMode) -> Result<FileInfo> {
    if stat(source)?.kind != FileKind::File {
        return Err(Error::invalid_argument(format!("{source} is no regular file")));
    }
    let world = World::current()?;
    let (from, to) = (world.resolve(source)?, world.resolve(destination)?);
    make_parents(&to, destination)?;
    if mode.contains(CommitMode::NO_REPLACE) && fs::symlink_metadata(&to).is_ok() {
        return Err(Error::already_exists(destination));
    }
    fs::rename(&from, &to).map_err(failed(destination))?;
    world.forget_stamp(&from);
    world.stamp(&to);
    stat(destination)
}

/// As the host's `make-directory`.
pub(crate) fn make_directory(path: &str) -> Result<()> {
    let real = World::current()?.resolve(path)?;
    make_parents(&real.join("-"), path)
}

/// As the host's `remove`.
pub(crate) fn remove(path: &str) -> Result<()> {
    let is_directory = stat(path)?.kind == FileKind::Directory;
    let world = World::current()?;
    let real = world.resolve(path)?;
    if is_directory { fs::remove_dir(&real) } else { fs::remove_file(&real) }.map_err(failed(path))?;
    world.forget_stamp(&real);
    Ok(())
}

/// As the host's `lock`.
pub(crate) fn lock(name: &str) -> Result<Guard> {
    let world = World::current()?;
    world.resolve(name)?;
    world.lock(name)?;
    Ok(Guard { world, name: name.to_owned() })
}
