//! Keeps objects as files in a granted directory, and small values beside them.
//!
//! The object `/a/b` is the file `/data/objects/a/b`, the value `a/b` is the file `/data/values/a/b+`. The driver decides where bytes
//! live and the host moves them: `files::replace` is atomic and durable, and `files::lock` holds across instances and processes.

use std::ops::ControlFlow;

use cofferdam_guest::prelude::*;

cofferdam_guest::export_driver!(Store: StreamingStore, AtomicStore);

const OBJECTS: &str = "/data/objects";
const VALUES: &str = "/data/values";

/// What the file of a value ends with: no path can have it, so that `a` and `a/b` may both be keys.
const MARK: char = '+';

settings! {
    /// The driver has no settings.
    pub struct Settings {}
}

/// The driver. All that it knows is in the directory.
pub struct Store;

impl Driver for Store {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(_: Settings) -> Result<Self> {
        Ok(Self)
    }

    fn claims(&self) -> Claims {
        Claims::new().shared().put_if_absent().put_if_match().atomic_remove_if_match()
    }

    fn health(&mut self) -> Result<()> {
        // The folder comes into being with its first object; what counts is that the directory can be asked.
        files::stat(OBJECTS).found().map(drop)
    }
}

fn object(path: &StorePath, file: FileInfo) -> ObjectInfo {
    ObjectInfo::object(path.as_str(), file.size, file.modified, file.stamp)
}

/// What `files` answers about a path: where a parent is a file, nothing is stored there.
fn found<T>(answer: Result<T>, name: &str) -> Result<T> {
    answer.map_err(|error| match error.kind {
        ErrorKind::NotFound | ErrorKind::InvalidArgument => Error::not_found(name),
        _ => error,
    })
}

/// The file at `file`, if there is one.
fn present(file: &str, name: &str) -> Result<Option<FileInfo>> {
    Ok(found(files::stat(file), name).found()?.filter(FileInfo::is_file))
}

/// Replaces a file if `condition` holds; nobody else writes it meanwhile.
fn replace(file: &str, name: &str, content: &Content, condition: &Condition) -> Result<FileInfo> {
    let _writer = files::lock(file)?;
    condition.check(present(file, name)?.map(|info| info.stamp).as_deref(), name)?;
    files::replace(file, content, CommitMode::from(condition))
}

/// Removes a file if `condition` holds; one that is missing is a success.
fn remove(file: &str, name: &str, condition: &Condition) -> Result<()> {
    let _writer = files::lock(file)?;
    let there = present(file, name)?;
    condition.check(there.as_ref().map(|info| info.stamp.as_str()), name)?;
    if there.is_some() { files::remove(file) } else { Ok(()) }
}

/// Removes the directories above `file` that have become empty, up to `top`: a prefix without objects is none.
fn prune(file: &str, top: &str) {
    let mut below = file;
    while let Some((directory, _)) = below.rsplit_once('/').filter(|(directory, _)| directory.len() > top.len()) {
        // Whoever makes an object in its place holds this lock, so that it is not the object which is removed. A directory with
        // something in it stays.
        let Ok(_writer) = files::lock(directory) else { return };
        if !files::stat(directory).is_ok_and(|info| info.is_directory()) || files::remove(directory).is_err() {
            return;
        }
        below = directory;
    }
}

impl StreamingStore for Store {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        let file = present(&format!("{OBJECTS}{path}"), path.as_str())?;
        file.map(|file| object(path, file)).ok_or_else(|| Error::not_found(path))
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let file = found(files::open(&format!("{OBJECTS}{path}"), range), path.as_str())?;
        Ok(Opened { info: object(path, file.info), content: file.content })
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        Ok(object(path, replace(&format!("{OBJECTS}{path}"), path.as_str(), &content, &condition)?))
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        let limit = options.limit.min(ENTRIES_MAX - 1);
        let (base, mut page) = (prefix.base(), PageBuilder::new(limit));
        let Some(after) = options.after(prefix)? else { return Ok(page.finish()) };
        let mut visit = |below: &str, entry: FileInfo| {
            let path = StorePath::trusted(format!("{base}{below}"));
            match entry.kind {
                FileKind::File => page.push(object(&path, entry)),
                FileKind::Directory => page.push(ObjectInfo::prefix(path)),
                FileKind::Other => ControlFlow::Continue(()),
            }
        };
        let directory = format!("{OBJECTS}{prefix}");
        let exists = Walk { deep: options.recursive, chunk: limit + 1, visit: &mut visit }.run(directory.trim_end_matches('/'), after)?;
        if exists || prefix.is_root() || !options.is_first() { Ok(page.finish()) } else { Err(Error::not_found(prefix)) }
    }

    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        let remove_one = |path: &StorePath| {
            let file = format!("{OBJECTS}{path}");
            remove(&file, path.as_str(), &Condition::Unconditional).inspect(|()| prune(&file, OBJECTS))
        };
        paths.iter().map(remove_one).collect()
    }
}

impl AtomicStore for Store {
    fn get(&mut self, key: &Key) -> Result<Value> {
        let file = found(files::open(&format!("{VALUES}/{key}{MARK}"), ByteRange::Whole), key.as_str())?;
        Ok(Value { data: file.content.bytes(VALUE_MAX as u64)?, etag: file.info.stamp })
    }

    fn put(&mut self, key: &Key, data: &[u8], condition: Condition) -> Result<String> {
        replace(&format!("{VALUES}/{key}{MARK}"), key.as_str(), &Content::from_bytes(data), &condition).map(|info| info.stamp)
    }

    fn remove(&mut self, key: &Key, condition: Condition) -> Result<()> {
        if matches!(condition, Condition::IfAbsent) {
            return Err(Error::invalid_argument("what is absent cannot be removed"));
        }
        let file = format!("{VALUES}/{key}{MARK}");
        remove(&file, key.as_str(), &condition).inspect(|()| prune(&file, VALUES))
    }

    fn list(&mut self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let limit = limit.min(ENTRIES_MAX - 1);
        let (mut keys, mut more) = (Vec::new(), false);
        let after = start_after.map(|key| format!("{key}{MARK}")).unwrap_or_default();
        let mut visit = |name: &str, _: FileInfo| match name.strip_suffix(MARK) {
            Some(key) if !key.starts_with(prefix) => ControlFlow::Break(()),
            Some(key) if start_after.is_none_or(|last| key > last) => {
                more = keys.len() == limit as usize;
                keys.extend((!more).then(|| key.to_owned()));
                if more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            _ => ControlFlow::Continue(()),
        };
        Walk { deep: true, chunk: limit + 1, visit: &mut visit }.run(VALUES, after.as_str().max(prefix))?;
        Ok(Keys { keys, more })
    }
}
