//! The memory driver: stores to the memory of its one instance, for tests and caches.
//!
//! It claims `instances = single` (its state is the store) and `volatile` (nothing outlives the instance). What it hands out it
//! generates itself: `open` answers at once, and the host pulls the bytes when a reader wants them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use cofferdam_guest::prelude::*;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(MemoryDriver: StreamingStore, AtomicStore, Uploads, ContentStore, Generator);

// ---- Settings and state -------------------------------------------------------------------------------------------------

settings! {
    /// The settings of the memory driver.
    pub struct Settings {
        /// How many bytes the store holds at most: objects, values and unfinished uploads together.
        pub capacity: u64 = 64 << 20,
    }
}

/// An object or a value. Readers share the bytes, so that they keep the version that they opened.
struct Stored {
    bytes: Rc<Vec<u8>>,
    etag: String,
    modified: u64,
}

/// What `write_part` kept, by number and writer: the part, and its bytes.
type Parts = BTreeMap<(u32, u64), (WrittenPart, Vec<u8>)>;

/// What a reader has still to get.
struct Cursor {
    bytes: Rc<Vec<u8>>,
    position: usize,
    end: usize,
}

/// The driver, and everything that it stores.
pub struct MemoryDriver {
    capacity: u64,
    used: u64,
    objects: BTreeMap<String, Stored>,
    values: BTreeMap<String, Stored>,
    uploads: BTreeMap<String, Parts>,
    cursors: BTreeMap<u64, Cursor>,
    next_cursor: u64,
}

impl Driver for MemoryDriver {
    const NAME: &'static str = "memory";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        Ok(Self {
            capacity: settings.capacity,
            used: 0,
            objects: BTreeMap::new(),
            values: BTreeMap::new(),
            uploads: BTreeMap::new(),
            cursors: BTreeMap::new(),
            next_cursor: 0,
        })
    }

    fn claims(&self) -> Claims {
        Claims::new()
            .instances_single()
            .volatile()
            .capacity(self.capacity)
            .put_if_absent()
            .put_if_match()
            .atomic_remove_if_match()
            .late_destination()
            .complete_if_absent()
            .parallel_parts()
            .out_of_order_parts()
    }
}

impl MemoryDriver {
    /// How many bytes may still be added where `replaced` go.
    fn free(&self, replaced: u64) -> u64 {
        self.capacity.saturating_add(replaced).saturating_sub(self.used)
    }

    /// The bytes of `content`, if there is room for them where `replaced` bytes go.
    fn take(&self, content: &Content, replaced: u64) -> Result<Vec<u8>> {
        let free = self.free(replaced);
        let full = || Error::quota_exceeded(format!("the content is larger than the {free} bytes left of {}", self.capacity));
        match content.size() {
            Some(size) if size > free => Err(full()),
            Some(size) => content.bytes(size),
            None => content.bytes(free).map_err(|error| if error.kind == ErrorKind::InvalidArgument { full() } else { error }),
        }
    }
}

impl Stored {
    /// A new version of what is `replaced`.
    fn new(bytes: Vec<u8>, replaced: Option<&Self>) -> Self {
        let modified = system::now().max(replaced.map_or(0, |old| old.modified));
        Self { bytes: Rc::new(bytes), etag: system::random_hex(16), modified }
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn info(&self, path: &str) -> ObjectInfo {
        ObjectInfo::object(path, self.size(), self.modified, &self.etag)
    }
}

/// The etag of what is there, for a condition.
fn etag(stored: Option<&Stored>) -> Option<&str> {
    stored.map(|stored| stored.etag.as_str())
}

// ---- Objects ------------------------------------------------------------------------------------------------------------

impl StreamingStore for MemoryDriver {
    fn stat(&mut self, path: &StorePath) -> Result<ObjectInfo> {
        self.object(path).map(|object| object.info(path.as_str()))
    }

    fn open(&mut self, path: &StorePath, range: ByteRange) -> Result<Opened> {
        let object = self.object(path)?;
        let (info, bytes) = (object.info(path.as_str()), Rc::clone(&object.bytes));
        let span = range.within(info.size);
        // Both are at most the length of a vector.
        let (position, end) = (span.offset as usize, (span.offset + span.length) as usize);
        let cursor = self.next_cursor;
        self.next_cursor += 1;
        self.cursors.insert(cursor, Cursor { bytes, position, end });
        Ok(Opened { info, content: Content::from_generator(cursor, Some(span.length)) })
    }

    fn put(&mut self, path: &StorePath, content: Content, condition: Condition) -> Result<ObjectInfo> {
        let present = self.objects.get(path.as_str());
        condition.check(etag(present), path)?;
        let bytes = self.take(&content, present.map_or(0, Stored::size))?;
        Ok(self.keep(path, bytes))
    }

    fn list(&mut self, prefix: &Prefix, options: ListOptions) -> Result<Page> {
        let (base, mut page) = (prefix.base(), PageBuilder::new(options.limit));
        let Some(after) = options.after(prefix)? else { return Ok(page.finish()) };
        let after = format!("{base}{after}");
        let (mut from, mut exists) = (Bound::Excluded(after.clone()), !options.is_first() || prefix.is_root());
        while let Some((path, object)) = self.objects.range((from, Bound::Unbounded)).next()
            && let Some(name) = path.strip_prefix(&base)
        {
            exists = true;
            let entry = match name.split_once('/') {
                Some((child, _)) if !options.recursive => {
                    // On to the first path behind this prefix: `0` is what comes after `/`.
                    from = Bound::Included(format!("{base}{child}0"));
                    ObjectInfo::prefix(format!("{base}{child}"))
                }
                _ => {
                    from = Bound::Excluded(path.clone());
                    object.info(path)
                }
            };
            // A prefix may come before `after` although something in it comes behind.
            if entry.sort_key() > after && page.push(entry).is_break() {
                break;
            }
        }
        if exists { Ok(page.finish()) } else { Err(Error::not_found(prefix)) }
    }

    fn remove(&mut self, paths: &[StorePath]) -> Vec<Result<()>> {
        let mut remove = |path: &StorePath| {
            self.used -= self.objects.remove(path.as_str()).map_or(0, |object| object.size());
            Ok(())
        };
        paths.iter().map(&mut remove).collect()
    }
}

impl MemoryDriver {
    fn object(&self, path: &StorePath) -> Result<&Stored> {
        self.objects.get(path.as_str()).ok_or_else(|| Error::not_found(path))
    }

    /// Makes `bytes` the object at `path`; there is room for them.
    fn keep(&mut self, path: &StorePath, bytes: Vec<u8>) -> ObjectInfo {
        let replaced = self.objects.get(path.as_str());
        let object = Stored::new(bytes, replaced);
        self.used = self.used - replaced.map_or(0, Stored::size) + object.size();
        let info = object.info(path.as_str());
        self.objects.insert(path.as_str().to_owned(), object);
        info
    }
}

// ---- What readers get ---------------------------------------------------------------------------------------------------

impl Generator for MemoryDriver {
    fn pull(&mut self, cursor: u64, max: u32) -> Result<Vec<u8>> {
        let cursor = self.cursors.get_mut(&cursor).ok_or_else(|| Error::internal(format!("there is no cursor {cursor}")))?;
        let start = cursor.position;
        cursor.position = cursor.end.min(start.saturating_add(max as usize));
        Ok(cursor.bytes[start..cursor.position].to_vec())
    }

    fn close(&mut self, cursor: u64) {
        self.cursors.remove(&cursor);
    }
}

// ---- Content-addressed names --------------------------------------------------------------------------------------------

impl ContentStore for MemoryDriver {
    fn store(&mut self, content: Content, algorithm: &str) -> Result<String> {
        if !matches!(algorithm, "sha256" | "sha512") {
            return Err(Error::unsupported(format!("objects are named by sha256 or sha512, not by {algorithm:?}")));
        }
        let path = StorePath::trusted(format!("/{algorithm}/{}", system::hex(&content.digest(algorithm)?)));
        if !self.objects.contains_key(path.as_str()) {
            StreamingStore::put(self, &path, content, Condition::Unconditional)?;
        }
        Ok(path.into())
    }
}

// ---- Uploads ------------------------------------------------------------------------------------------------------------

impl Uploads for MemoryDriver {
    fn create(&mut self, _path: &StorePath) -> Result<String> {
        let token = system::random_hex(16);
        self.uploads.insert(token.clone(), Parts::new());
        Ok(token)
    }

    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String> {
        let parts = self.uploads.get(token).ok_or_else(Error::upload_expired)?;
        let replaced = parts.get(&(part.number, part.writer)).map_or(0, |(old, _)| old.length);
        let bytes = self.take(&content, replaced)?;
        let (id, length) = (system::random_hex(8), bytes.len() as u64);
        let Part { number, offset, writer } = part;
        let written = WrittenPart { number, offset, length, writer, id: id.clone() };
        self.used = self.used - replaced + length;
        self.uploads.entry(token.to_owned()).or_default().insert((number, writer), (written, bytes));
        Ok(id)
    }

    fn complete(&mut self, token: &str, mut parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        if matches!(condition, Condition::IfMatch(_)) {
            return Err(Error::unsupported("an upload completes unconditionally or with `if-absent`"));
        }
        let written = self.uploads.get(token).ok_or_else(Error::upload_expired)?;
        condition.check(etag(self.objects.get(destination.as_str())), destination)?;
        parts.sort_by_key(|part| part.number);
        let mut joined = Vec::new();
        for part in &parts {
            let Some((_, bytes)) = written.get(&(part.number, part.writer)).filter(|(known, _)| known == part) else {
                return Err(Error::invalid_argument(format!("part {} was never written as it is named", part.number)));
            };
            if part.offset != joined.len() as u64 {
                let end = joined.len();
                return Err(Error::invalid_argument(format!("part {} begins at {}, those before it end at {end}", part.number, part.offset)));
            }
            joined.extend_from_slice(bytes);
        }
        self.abort(token)?;
        Ok(self.keep(destination, joined))
    }

    fn abort(&mut self, token: &str) -> Result<()> {
        let parts = self.uploads.remove(token).unwrap_or_default();
        self.used -= parts.values().map(|(part, _)| part.length).sum::<u64>();
        Ok(())
    }
}

// ---- Small values -------------------------------------------------------------------------------------------------------

impl AtomicStore for MemoryDriver {
    fn get(&mut self, key: &Key) -> Result<Value> {
        let value = self.values.get(key.as_str()).ok_or_else(|| Error::not_found(key))?;
        Ok(Value { data: value.bytes.to_vec(), etag: value.etag.clone() })
    }

    fn put(&mut self, key: &Key, data: &[u8], condition: Condition) -> Result<String> {
        let present = self.values.get(key.as_str());
        condition.check(etag(present), key)?;
        let replaced = present.map_or(0, Stored::size);
        if data.len() as u64 > self.free(replaced) {
            return Err(Error::quota_exceeded(format!("the value is larger than the {} bytes left", self.free(replaced))));
        }
        let value = Stored::new(data.to_vec(), present);
        self.used = self.used - replaced + value.size();
        let etag = value.etag.clone();
        self.values.insert(key.as_str().to_owned(), value);
        Ok(etag)
    }

    fn remove(&mut self, key: &Key, condition: Condition) -> Result<()> {
        if matches!(condition, Condition::IfAbsent) {
            return Err(Error::invalid_argument("what is absent cannot be removed"));
        }
        condition.check(etag(self.values.get(key.as_str())), key)?;
        self.used -= self.values.remove(key.as_str()).map_or(0, |value| value.size());
        Ok(())
    }

    fn list(&mut self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let from = match start_after {
            Some(last) if last >= prefix => Bound::Excluded(last),
            _ => Bound::Included(prefix),
        };
        let mut found = self.values.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| key).take_while(|key| key.starts_with(prefix));
        let keys = found.by_ref().take(limit as usize).cloned().collect();
        Ok(Keys { keys, more: found.next().is_some() })
    }
}
