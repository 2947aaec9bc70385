//! The filesystem driver: stores to a granted directory.
//!
//! An object is a plain file at the driver's root plus the object's path, so what it stores can be looked at with any tool,
//! and a tree that another tool wrote can be read. The driver's own files are below `+cofferdam`, a name that no path
//! can have:
//!
//! ```text
//! /data/docker/blob                        the object /docker/blob
//! /data/+cofferdam/atomic/repo/latest+     the value of the key repo/latest
//! /data/+cofferdam/uploads/TOKEN/upload    an unfinished upload: while this file is there, it can go on
//! /data/+cofferdam/uploads/TOKEN/w1        what its writer 1 wrote, each part at its offset
//! /data/+cofferdam/uploads/TOKEN/p…        one file a part: what was written, or empty while it is being written
//! ```
//!
//! The host does the hard parts: `files::replace` and `files::commit` are atomic and durable, and `files::lock` holds across
//! instances and processes. So any number of mounts may share one directory. An aborted upload is removed at once.

use std::collections::BTreeMap;
use std::num::ParseIntError;
use std::ops::ControlFlow;

use cofferdam_guest::prelude::*;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(
    FilesystemDriver: StreamingStore, AtomicStore, Uploads, UploadListing, Copying, Renaming, ContentStore
);

// ---- Settings and state -------------------------------------------------------------------------------------------------

settings! {
    /// The settings of the filesystem driver.
    pub struct Settings {
        /// The directory that holds everything: the name of a directory grant, or a path below one.
        pub root: String = "/data",
    }
}

/// After this long a directory of an upload that has no `upload` file is the leftover of a call that died: one hour.
const LEFTOVER_AFTER: u64 = 3_600_000_000_000;

/// The driver. Everything it knows is in the directory, so that any instance can go on where another stopped.
pub struct FilesystemDriver {
    root: String,
}

impl Driver for FilesystemDriver {
    const NAME: &'static str = "filesystem";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        let root = settings.root.trim_end_matches('/');
        match root.strip_prefix('/') {
            Some(below) if below.split('/').all(|name| !matches!(name, "" | "." | "..")) => Ok(Self { root: root.to_owned() }),
            _ => Err(refused("root", "is not the path of a granted directory, such as /data")),
        }
    }

    fn claims(&self) -> Claims {
        Claims::new()
            .shared()
            .put_if_absent()
            .put_if_match()
            .atomic_remove_if_match()
            .late_destination()
            .complete_if_absent()
            .live_content()
            .parallel_parts()
            .out_of_order_parts()
    }

    fn health(&mut self) -> Result<()> {
        // The root comes into being with its first object.
        files::stat(&self.root).found().map(drop)
    }
}

impl FilesystemDriver {
    /// The file of the object at `path`.
    fn file(&self, path: &StorePath) -> String {
        format!("{}{path}", self.root)
    }

    /// A place that no store path can name.
    fn own(&self, what: &str) -> String {
        format!("{}/+cofferdam/{what}", self.root)
    }

    /// The directory of the upload with this token.
    fn upload(&self, token: &str) -> Result<String> {
        let own = created(token).map(|_| self.own(&format!("uploads/{token}")));
        own.ok_or_else(|| Error::invalid_argument("the upload token is none of this driver's"))
    }

    /// The file of the value under `key`.
    fn value(&self, key: &Key) -> String {
        self.own(&format!("atomic/{key}{VALUE_MARK}"))
    }

    /// Checks `condition` on the file at `file`, whose lock is held. `name` is what the caller calls it.
    fn check(&self, condition: &Condition, file: &str, name: &str) -> Result<()> {
        let present = as_object(files::stat(file), name).found()?;
        if present.as_ref().is_some_and(FileInfo::is_directory) {
            // Left empty by a call that died, it is in nobody's way; with something in it, it stays.
            let _ = files::remove(file);
        }
        condition.check(present.filter(FileInfo::is_file).map(|info| info.stamp).as_deref(), name)
    }

    /// Removes the directories above `file` that have become empty, up to `top`: a prefix without objects is none.
    fn prune(&self, file: &str, top: &str) {
        let remove_empty = |directory: &str| {
            // Whoever makes an object in its place holds this lock, so that it is not the object which is removed.
            let _writer = files::lock(directory)?;
            if files::stat(directory)?.is_directory() { files::remove(directory) } else { Err(Error::invalid_argument("no directory")) }
        };
        let mut below = file;
        while let Some((directory, _)) = below.rsplit_once('/')
            && directory.len() > top.len()
            && remove_empty(directory).is_ok()
        {
            below = directory;
        }
    }

    /// Calls `write` for the file at `file` with its lock held, if `condition` holds.
    ///
    /// Every writer of a path holds its lock, also one without a condition: else it could come between the check and the
    /// replacement of one that has a condition, and be lost.
    fn replacing<T>(&self, file: &str, name: &str, condition: &Condition, write: impl FnOnce(CommitMode) -> Result<T>) -> Result<T> {
        let _writer = files::lock(file)?;
        self.check(condition, file, name)?;
        write(CommitMode::from(condition))
    }
}

/// What is told about the object at `path`.
fn object_info(path: &StorePath, file: FileInfo) -> ObjectInfo {
    ObjectInfo::object(path.as_str(), file.size, file.modified, file.stamp)
}

/// The answer about a file as one about the object at `path`: a directory or a device in its place is no object.
fn as_object<T>(answer: Result<T>, path: impl AsRef<str>) -> Result<T> {
    answer.map_err(|error| match error.kind {
        ErrorKind::NotFound | ErrorKind::InvalidArgument => Error::not_found(path),
        _ => error,
    })
}

// ---- Objects ------------------------------------------------------------------------------------------------------------

impl StreamingStore for FilesystemDriver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        let file = as_object(files::stat(&self.file(path)), path)?;
        if file.is_file() { Ok(object_info(path, file)) } else { Err(Error::not_found(path)) }
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let file = as_object(files::open(&self.file(path), range), path)?;
        Ok(Opened { info: object_info(path, file.info), content: file.content })
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let file = self.file(path);
        let info = self.replacing(&file, path.as_str(), &condition, |mode| files::replace(&file, &content, mode))?;
        Ok(object_info(path, info))
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        let limit = options.limit.min(ENTRIES_MAX - 1);
        let (base, mut page) = (prefix.base(), PageBuilder::new(limit));
        let Some(after) = options.after(prefix)? else { return Ok(page.finish()) };
        let mut visit = |below: &str, entry: FileInfo| {
            let path = StorePath::trusted(format!("{base}{below}"));
            match entry.kind {
                // Ours, or another tool's: no path can name it.
                _ if !is_component(&entry.name) => ControlFlow::Continue(()),
                FileKind::File => page.push(object_info(&path, entry)),
                FileKind::Directory => page.push(ObjectInfo::prefix(path)),
                FileKind::Other => ControlFlow::Continue(()),
            }
        };
        let directory = format!("{}{prefix}", self.root);
        let exists = Walk { deep: options.recursive, chunk: limit + 1, visit: &mut visit }.run(directory.trim_end_matches('/'), after)?;
        if exists || prefix.is_root() || !options.is_first() { Ok(page.finish()) } else { Err(Error::not_found(prefix)) }
    }

    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        let remove = |path: &StorePath| {
            let file = self.file(path);
            let _writer = files::lock(&file)?;
            let is_object = as_object(files::stat(&file), path).found()?.is_some_and(|info| info.is_file());
            if is_object { files::remove(&file) } else { Ok(()) }
        };
        let answers = paths.iter().map(remove).collect();
        // One object of each directory stands for all that were in it.
        let directories: BTreeMap<_, _> = paths.iter().map(|path| (path.directory(), path)).collect();
        directories.values().for_each(|path| self.prune(&self.file(path), &self.root));
        answers
    }
}

// ---- Copies, moves, content-addressed names -----------------------------------------------------------------------------

impl Copying for FilesystemDriver {
    fn copy(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        // The content is of the file as it is now, so that a copy onto itself reads what it replaces.
        let opened = self.open(source, ByteRange::Whole)?;
        StreamingStore::put(self, destination, opened.content, condition)
    }
}

impl Renaming for FilesystemDriver {
    fn rename(&mut self, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let (from, to) = (self.file(source), self.file(destination));
        // In one order, whoever moves what where: two movers never wait for each other.
        let first = files::lock((&from).min(&to))?;
        let second = (from != to).then(|| files::lock((&from).max(&to))).transpose()?;
        let present = self.stat(source)?;
        self.check(&condition, &to, destination.as_str())?;
        if second.is_none() {
            return Ok(present);
        }
        let info = files::commit(&from, &to, CommitMode::from(&condition))?;
        drop((first, second));
        self.prune(&from, &self.root);
        Ok(object_info(destination, info))
    }
}

impl ContentStore for FilesystemDriver {
    fn store(&mut self, content: Content, algorithm: &str) -> Result<String> {
        if !matches!(algorithm, "sha256" | "sha512") {
            return Err(Error::unsupported(format!("objects are named by sha256 or sha512, not by {algorithm:?}")));
        }
        let digest = system::hex(&content.digest(algorithm)?);
        let path = StorePath::trusted(format!("/{algorithm}/{}/{digest}", &digest[..2]));
        match StreamingStore::put(self, &path, content, Condition::IfAbsent) {
            Err(error) if error.kind != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(path.into()),
        }
    }
}

// ---- Uploads ------------------------------------------------------------------------------------------------------------

impl Uploads for FilesystemDriver {
    fn create(&mut self, path: &StorePath) -> Result<String> {
        let token = format!("{:016x}-{}", system::now(), system::random_hex(16));
        // What is in the file is for people; that it is there is what counts.
        files::replace(&format!("{}/upload", self.upload(&token)?), &Content::from_bytes(path.as_str().as_bytes()), CommitMode::NO_REPLACE)?;
        Ok(token)
    }

    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String> {
        let upload = self.upload(token)?;
        let record = format!("{upload}/p{:010}-{:020}", part.number, part.writer);
        {
            // From here on `complete` knows that somebody may be writing to this writer's file.
            let _upload = files::lock(&upload)?;
            check_alive(&upload)?;
            files::write(&record, 0, &Content::from_bytes(&[]), WriteMode::TRUNCATE)?;
        }
        let file = writer_file(&upload, part.writer);
        let written = files::write(&file, part.offset, &content, WriteMode::empty());
        let length = written.and_then(|length| content.check_length(length).map(|()| length));
        let length = length.inspect_err(|_| drop(files::remove(&record)))?;
        files::sync(&file)?;
        let id = system::random_hex(8);
        let told = format!("{} {length} {id}", part.offset);
        files::replace(&record, &Content::from_bytes(told.as_bytes()), CommitMode::empty())?;
        // An upload that ended meanwhile was swept before this part's files were there again.
        check_alive(&upload).inspect_err(|_| sweep(&upload).unwrap_or_default())?;
        Ok(id)
    }

    fn complete(&mut self, token: &str, parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        if matches!(condition, Condition::IfMatch(_)) {
            return Err(Error::unsupported("an upload completes unconditionally or with `if-absent`"));
        }
        let upload = self.upload(token)?;
        let _upload = files::lock(&upload)?;
        check_alive(&upload)?;
        let source = joined(&upload, parts)?;
        let file = self.file(destination);
        let info = self.replacing(&file, destination.as_str(), &condition, |mode| files::commit(&source, &file, mode))?;
        // The object is there, whatever becomes of the rest; `find` comes across it.
        if let Err(error) = sweep(&upload) {
            system::log(system::Level::Warn, &format!("the upload {token} was completed and not cleaned up: {}", error.message));
        }
        Ok(object_info(destination, info))
    }

    fn abort(&mut self, token: &str) -> Result<()> {
        let upload = self.upload(token)?;
        let _upload = files::lock(&upload)?;
        sweep(&upload)
    }
}

/// When the upload with this token was created; `None` if that is no token.
fn created(token: &str) -> Option<u64> {
    let (time, random) = token.split_once('-')?;
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(time, 16).ok().filter(|_| is_hex(time, 16) && is_hex(random, 32))
}

/// The file that one writer of an upload writes its parts to: two owners of an upload never write to the same file.
fn writer_file(upload: &str, writer: u64) -> String {
    format!("{upload}/w{writer}")
}

/// Checks that the upload can go on.
fn check_alive(upload: &str) -> Result<()> {
    files::stat(&format!("{upload}/upload")).found()?.map(drop).ok_or_else(Error::upload_expired)
}

/// Removes an upload. It is over as soon as its first file is gone.
fn sweep(upload: &str) -> Result<()> {
    files::remove(&format!("{upload}/upload")).found()?;
    while let Some(entries) = files::entries(upload, None, ENTRIES_MAX).found()?.filter(|entries| !entries.is_empty()) {
        for entry in entries {
            files::remove(&format!("{upload}/{}", entry.name)).found()?;
        }
    }
    files::remove(upload).found().map(drop)
}

/// The parts of an upload that were written, by number, and the writers of those that are, or were, still being written.
fn parts_of(upload: &str) -> Result<(Vec<WrittenPart>, Vec<u64>)> {
    let mut names = Vec::new();
    let mut visit = |name: &str, _: FileInfo| {
        names.extend(name.strip_prefix('p').map(str::to_owned));
        ControlFlow::Continue(())
    };
    Walk { deep: false, chunk: ENTRIES_MAX, visit: &mut visit }.run(upload, "p")?;
    let (mut written, mut unfinished) = (Vec::new(), Vec::new());
    for name in names {
        let Some(record) = files::open(&format!("{upload}/p{name}"), ByteRange::Whole).found()? else { continue };
        let told = String::from_utf8(record.content.bytes(1024)?).unwrap_or_default();
        let damaged = |_: ParseIntError| Error::corrupted(format!("the record {name} of a part is damaged"));
        match name.split('-').chain(told.split(' ')).collect::<Vec<_>>()[..] {
            [number, writer, offset, length, id] => written.push(WrittenPart {
                number: number.parse().map_err(damaged)?,
                offset: offset.parse().map_err(damaged)?,
                length: length.parse().map_err(damaged)?,
                writer: writer.parse().map_err(damaged)?,
                id: id.to_owned(),
            }),
            [_, writer, ..] => unfinished.push(writer.parse().map_err(damaged)?),
            _ => {}
        }
    }
    Ok((written, unfinished))
}

/// The file that is these parts joined. The lock of the upload is held.
fn joined(upload: &str, mut parts: Vec<WrittenPart>) -> Result<String> {
    parts.sort_by_key(|part| part.number);
    let (written, unfinished) = parts_of(upload)?;
    let mut end: u64 = 0;
    for part in &parts {
        let at = written.binary_search_by_key(&(part.number, part.writer), |part| (part.number, part.writer));
        if at.ok().and_then(|at| written.get(at)) != Some(part) {
            return Err(Error::invalid_argument(format!("part {} was never written as it is named", part.number)));
        }
        if part.offset != end {
            return Err(Error::invalid_argument(format!("part {} begins at {}, those before it end at {end}", part.number, part.offset)));
        }
        end = end.saturating_add(part.length);
    }
    // The usual case: one writer, and its file is the object. Not if a call of it may still be writing there (its host was
    // stopped and goes on some day), and not if a part that failed or is left out made it longer.
    if let Some(writer) = parts.first().map(|part| part.writer)
        && parts.iter().all(|part| part.writer == writer)
        && !unfinished.contains(&writer)
        && files::stat(&writer_file(upload, writer)).found()?.is_some_and(|file| file.size == end)
    {
        return Ok(writer_file(upload, writer));
    }
    let target = format!("{upload}/joined");
    files::write(&target, 0, &Content::from_bytes(&[]), WriteMode::TRUNCATE)?;
    for part in &parts {
        let range = ByteRange::Bounded(Span { offset: part.offset, length: part.length });
        // A former `complete` that died behind its commit has taken the file.
        let source = files::open(&writer_file(upload, part.writer), range).found()?.ok_or_else(Error::upload_expired)?;
        let length = files::write(&target, part.offset, &source.content, WriteMode::empty())?;
        if length != part.length {
            return Err(Error::corrupted(format!("part {} has {length} bytes left of {}", part.number, part.length)));
        }
    }
    Ok(target)
}

impl UploadListing for FilesystemDriver {
    fn find(&mut self, cursor: Option<&str>, limit: u32) -> Result<(Vec<Found>, Option<String>)> {
        if cursor.is_some_and(|cursor| created(cursor).is_none()) {
            return Err(Error::invalid_argument("the cursor is of no page of uploads"));
        }
        let limit = limit.min(ENTRIES_MAX - 1);
        let after = cursor.map(|token| format!("{token}/"));
        let mut entries = files::entries(&self.own("uploads"), after.as_deref(), limit + 1).found()?.unwrap_or_default();
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = entries.iter().rfind(|entry| more && created(&entry.name).is_some()).map(|last| last.name.clone());
        let mut found = Vec::new();
        for token in entries.into_iter().map(|entry| entry.name) {
            let Some(time) = created(&token) else { continue };
            let upload = self.upload(&token)?;
            if files::stat(&format!("{upload}/upload")).found()?.is_some() {
                found.push(Found { token, created: Some(time) });
            } else if system::now().saturating_sub(time) > LEFTOVER_AFTER {
                sweep(&upload)?;
            }
        }
        Ok((found, next))
    }

    fn written(&mut self, token: &str) -> Result<Vec<FoundPart>> {
        let upload = self.upload(token)?;
        check_alive(&upload)?;
        Ok(parts_of(&upload)?.0.into_iter().map(FoundPart::from).collect())
    }
}

// ---- Small values -------------------------------------------------------------------------------------------------------

/// What the file of a value ends with: no path can have it, so that `a` and `a/b` may both be keys, and it sorts before every
/// character of a path, so that files are in the order of their keys.
const VALUE_MARK: char = '+';

impl AtomicStore for FilesystemDriver {
    fn get(&mut self, key: &Key) -> Result<Value> {
        let opened = files::open(&self.value(key), ByteRange::Whole).found()?.ok_or_else(|| Error::not_found(key))?;
        Ok(Value { data: opened.content.bytes(VALUE_MAX as u64)?, etag: opened.info.stamp })
    }

    fn put(&mut self, key: &Key, data: &[u8], condition: Condition) -> Result<String> {
        let file = self.value(key);
        let replace = |mode| files::replace(&file, &Content::from_bytes(data), mode);
        self.replacing(&file, key.as_str(), &condition, replace).map(|info| info.stamp)
    }

    fn remove(&mut self, key: &Key, condition: Condition) -> Result<()> {
        if matches!(condition, Condition::IfAbsent) {
            return Err(Error::invalid_argument("what is absent cannot be removed"));
        }
        let file = self.value(key);
        let writer = files::lock(&file)?;
        self.check(&condition, &file, key.as_str())?;
        let removed = files::remove(&file).found()?;
        drop(writer);
        if removed.is_some() {
            self.prune(&file, &self.own("atomic"));
        }
        Ok(())
    }

    fn list(&mut self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let limit = limit.min(ENTRIES_MAX - 1);
        let (mut keys, mut more) = (Vec::new(), false);
        self.walk_keys(prefix, start_after, limit + 1, &mut |key| {
            more = keys.len() == limit as usize;
            keys.extend((!more).then(|| key.to_owned()));
            if more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(Keys { keys, more })
    }

    fn count(&mut self, prefix: &str) -> Result<u64> {
        let mut total = 0;
        self.walk_keys(prefix, None, ENTRIES_MAX, &mut |_| {
            total += 1;
            ControlFlow::Continue(())
        })?;
        Ok(total)
    }
}

impl FilesystemDriver {
    /// Visits the keys that begin with `prefix` and come after `start_after`.
    fn walk_keys(&self, prefix: &str, start_after: Option<&str>, chunk: u32, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<()> {
        // Files that come after a prefix are those that begin with it, and then those that are beyond it.
        let after = start_after.map(|key| format!("{key}{VALUE_MARK}")).unwrap_or_default();
        let after = after.as_str().max(prefix);
        let mut visit_file = |name: &str, entry: FileInfo| match name.strip_suffix(VALUE_MARK) {
            Some(key) if !key.starts_with(prefix) => ControlFlow::Break(()),
            Some(key) if entry.is_file() && start_after.is_none_or(|last| key > last) => visit(key),
            _ => ControlFlow::Continue(()),
        };
        Walk { deep: true, chunk, visit: &mut visit_file }.run(&self.own("atomic"), after).map(drop)
    }
}
