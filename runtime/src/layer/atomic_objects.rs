//! An atomic store made of a streaming store: a value is an object, for drivers that have no `atomic-store` and claim conditional puts.
//!
//! The key `a/b` is the object `a.d/b.v` below a root, so that `a` and `a/b` may both be keys. Keys are listed in their own order,
//! directory by directory: a page costs the children of the directories that it is in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::path::{AtomicKey, Prefix, StorePath};
use crate::store::{AtomicStore, StreamingStore};
use crate::types::{ByteRange, Condition, EntryKind, Etag, Keys, ListOptions, VALUE_MAX, Value};

/// What follows a key's last component.
const LEAF: &str = ".v";

/// What follows the others.
const DIRECTORY: &str = ".d";

/// Small values as objects of a streaming store. Clones share it.
///
/// A key may have components of at most 198 bytes, and less than 900 bytes with its root. `remove` takes no `if-match`.
#[derive(Clone)]
pub struct AtomicObjects {
    store: Arc<dyn StreamingStore>,
    root: StorePath,
}

impl AtomicObjects {
    /// Values below `root` of `store`, where nothing else may lie.
    ///
    /// # Errors
    /// `unsupported` if the driver does not claim `put-if-absent` and `put-if-match`: without them nothing is atomic.
    pub fn new(store: Arc<dyn StreamingStore>, root: StorePath) -> Result<Self> {
        let claims = store.claims();
        let missing: Vec<_> = [("put-if-absent", claims.put_if_absent), ("put-if-match", claims.put_if_match)]
            .iter()
            .filter(|claim| !claim.1)
            .map(|claim| claim.0)
            .collect();
        if missing.is_empty() {
            return Ok(Self { store, root });
        }
        let message = format!(
            "the driver exports no `atomic-store` and does not claim {}: it cannot keep small values; name another mount for them",
            missing.join(" and ")
        );
        Err(Error::unsupported(message))
    }

    fn path(&self, key: &AtomicKey) -> Result<StorePath> {
        let mut path = self.root.to_string();
        let mut components = key.as_str().split('/').peekable();
        while let Some(component) = components.next() {
            path.push('/');
            path.push_str(component);
            path.push_str(if components.peek().is_some() { DIRECTORY } else { LEAF });
        }
        StorePath::new(path).map_err(|error| error.at_path(key.as_str()))
    }

    /// Calls `take` for every key that begins with `prefix` and comes after `after`, in byte order, until it answers false.
    async fn walk(&self, prefix: &str, after: &str, mut take: impl FnMut(String) -> bool + Send) -> Result<()> {
        let mut found = Found::default();
        // Every key that begins with the prefix is below its last whole directory.
        let start = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        found.directory(start.to_owned());
        while let Some(Reverse(next)) = found.heap.pop() {
            if !next.is_empty() && !next.ends_with('/') {
                if !take(next) {
                    return Ok(());
                }
                continue;
            }
            let directory: String =
                next.split_terminator('/').fold(self.root.to_string(), |path, component| format!("{path}/{component}{DIRECTORY}"));
            // No key of such a directory exists: what has that name is something else.
            let Ok(directory) = Prefix::new(directory) else { continue };
            self.children(&directory, &next, |key| found.offer(key, prefix, after)).await?;
        }
        Ok(())
    }

    /// Calls `offer` for every key, and every directory of keys (with `/` at its end), directly in `directory`.
    async fn children(&self, directory: &Prefix, name: &str, mut offer: impl FnMut(String) + Send) -> Result<()> {
        let mut cursor = None;
        loop {
            let page = match self.store.list(directory, ListOptions { cursor: cursor.take(), ..ListOptions::default() }).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                page => page?,
            };
            for entry in &page.entries {
                match entry.kind {
                    EntryKind::Object => {
                        if let Some(leaf) = entry.path.name().strip_suffix(LEAF) {
                            offer(format!("{name}{leaf}"));
                        }
                    }
                    EntryKind::Prefix => {
                        if let Some(inner) = entry.path.name().strip_suffix(DIRECTORY) {
                            offer(format!("{name}{inner}/"));
                        }
                    }
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Keys and directories that were seen and not yet visited, smallest first. A directory sorts before all that is in it.
#[derive(Default)]
struct Found {
    heap: BinaryHeap<Reverse<String>>,
}

impl Found {
    fn directory(&mut self, name: String) {
        self.heap.push(Reverse(name));
    }

    /// Remembers `name` if it, or something in it, can be wanted.
    fn offer(&mut self, name: String, prefix: &str, after: &str) {
        let wanted = if name.ends_with('/') {
            let inside = name.starts_with(prefix) || prefix.starts_with(&name);
            // All that is in it begins with its name.
            inside && (*name > *after || after.starts_with(&name))
        } else {
            name.starts_with(prefix) && *name > *after
        };
        if wanted {
            self.heap.push(Reverse(name));
        }
    }
}

#[async_trait]
impl AtomicStore for AtomicObjects {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        let opened = self.store.open(&self.path(key)?, ByteRange::Whole).await?;
        let etag = opened.info.etag.ok_or_else(|| misbehaved(key))?;
        Ok(Value { data: opened.content.bytes(VALUE_MAX as u64).await?, etag })
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        if data.len() > VALUE_MAX {
            return Err(Error::invalid_argument(format!("{} bytes, over the {VALUE_MAX} that a value may have", data.len())).at_path(key.as_str()));
        }
        let info = self.store.put(&self.path(key)?, Content::from_bytes(data), condition).await?;
        info.etag.ok_or_else(|| misbehaved(key))
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        match condition {
            Condition::Unconditional => {}
            Condition::IfMatch(_) => return Err(Error::unsupported("values that are objects cannot be removed on a condition").at_path(key.as_str())),
            Condition::IfAbsent => return Err(Error::invalid_argument("`if-absent` has no meaning for a removal").at_path(key.as_str())),
        }
        self.store.remove(&[self.path(key)?]).await?.into_iter().collect()
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let limit = limit.max(1) as usize;
        let mut keys = Vec::new();
        let mut more = false;
        let take = |key| {
            more = keys.len() == limit;
            if !more {
                keys.push(key);
            }
            !more
        };
        self.walk(prefix, start_after.unwrap_or_default(), take).await?;
        Ok(Keys { keys, more })
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        let mut count = 0;
        let take = |_| {
            count += 1;
            true
        };
        self.walk(prefix, "", take).await?;
        Ok(count)
    }
}

fn misbehaved(key: &AtomicKey) -> Error {
    Error::new(ErrorKind::Misbehaved, "the driver claims conditional puts and answers no etag").at_path(key.as_str())
}
