//! What a store can do without its driver's help: copies, moves, removal of trees, walks, counts, built on the rest.

use std::collections::VecDeque;

use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::content::{Algorithm, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::path::{Prefix, StorePath};
use crate::store::{AtomicStore, StreamingStore};
use crate::types::{ByteRange, Condition, ListOptions, ObjectInfo};

/// How many objects one call removes.
const REMOVED_AT_ONCE: usize = 1000;

/// Copies an object: in one call where the driver can, else through the host.
///
/// # Errors
/// `not-found` if there is no `source`; the destination is then untouched. Those of `put`.
///
/// # Cancel safety
/// The destination is whole: old or new.
pub async fn copy(store: &dyn StreamingStore, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
    match store.copy(source, destination, condition.clone()).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        done => return done,
    }
    let opened = store.open(source, ByteRange::Whole).await?;
    if source == destination {
        // Nothing to do, unless a condition forbids it.
        return match condition {
            Condition::Unconditional => Ok(opened.info),
            Condition::IfMatch(etag) if Some(&etag) == opened.info.etag.as_ref() => Ok(opened.info),
            Condition::IfAbsent => Err(Error::new(ErrorKind::AlreadyExists, "it is stored there already").at_path(destination.as_str())),
            Condition::IfMatch(_) => Err(Error::new(ErrorKind::PreconditionFailed, "the condition does not hold").at_path(destination.as_str())),
        };
    }
    store.put(destination, opened.content, condition).await
}

/// Moves an object: in one call where the driver can, else by a copy and a removal.
///
/// # Errors
/// `not-found` if there is no `source`; the destination is then untouched. Those of `put`. If the removal fails, both
/// exist and the error says so.
///
/// # Cancel safety
/// The object is at one of the paths at least, whole.
pub async fn rename(store: &dyn StreamingStore, source: &StorePath, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
    match store.rename(source, destination, condition.clone()).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        done => return done,
    }
    let info = copy(store, source, destination, condition).await?;
    if source != destination {
        for removed in store.remove(std::slice::from_ref(source)).await? {
            removed?;
        }
    }
    Ok(info)
}

/// Removes every object below `prefix`, nothing beside it; answers how many there were.
///
/// # Errors
/// `not-found` where nothing was. If one cannot be removed, the others are removed all the same and its error is answered.
///
/// # Cancel safety
/// What was removed stays removed; again goes on.
pub async fn remove_tree(store: &dyn StreamingStore, prefix: &Prefix) -> Result<u64> {
    let mut removed = 0;
    let mut failed = None;
    let mut objects = std::pin::pin!(walk(store, prefix).try_chunks(REMOVED_AT_ONCE));
    while let Some(chunk) = objects.next().await {
        let paths: Vec<_> = chunk.map_err(|error| error.1)?.into_iter().map(|info| info.path).collect();
        for result in store.remove(&paths).await? {
            match result {
                Ok(()) => removed += 1,
                Err(error) => failed = Some(error),
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None if removed == 0 => Err(Error::not_found(prefix.as_str())),
        None => Ok(removed),
    }
}

/// How many pages in a row may be empty before a list counts as one that does not end.
const EMPTY_PAGES: u32 = 100;

/// Where a walk is.
struct Walk {
    prefix: Prefix,
    page: VecDeque<ObjectInfo>,
    next: Option<Option<String>>,
    last: Option<StorePath>,
    empty: u32,
}

impl Walk {
    /// Asks for the next page.
    async fn turn(&mut self, store: &dyn StreamingStore, cursor: Option<String>) -> Result<()> {
        let options = ListOptions { recursive: true, cursor, ..ListOptions::default() };
        let page = store.list(&self.prefix, options).await?;
        self.empty = if page.entries.is_empty() { self.empty + 1 } else { 0 };
        let backwards = page.entries.first().is_some_and(|first| self.last.as_ref().is_some_and(|last| first.path <= *last));
        if backwards || self.empty > EMPTY_PAGES {
            let message = format!("the driver's list of {} goes in circles", self.prefix);
            return Err(Error::new(ErrorKind::Misbehaved, message).at_path(self.prefix.as_str()));
        }
        self.last = page.entries.last().map(|entry| entry.path.clone()).or(self.last.take());
        self.page = page.entries.into();
        self.next = page.next.map(Some);
        Ok(())
    }
}

/// Every object below `prefix`, in byte order, page by page: what is removed or added meanwhile may or may not be seen.
///
/// The stream's first item is `not-found` if the prefix does not exist; a driver whose pages go in circles ends it with `misbehaved`.
pub fn walk<'a>(store: &'a dyn StreamingStore, prefix: &Prefix) -> impl Stream<Item = Result<ObjectInfo>> + Send + 'a {
    let start = Walk { prefix: prefix.clone(), page: VecDeque::new(), next: Some(None), last: None, empty: 0 };
    stream::try_unfold(start, move |mut walk| async move {
        loop {
            if let Some(info) = walk.page.pop_front() {
                return Ok(Some((info, walk)));
            }
            let Some(cursor) = walk.next.take() else { return Ok(None) };
            walk.turn(store, cursor).await?;
        }
    })
}

/// Stores content under its digest: where the driver can by its own means, else at `/<algorithm>/<2 digits>/<digest>`.
///
/// # Errors
/// `unsupported` for content that is not held ([`crate::Mount::hold`] makes it so) and for an algorithm that is not
/// `sha256` or `sha512`. Those of `put`.
///
/// # Cancel safety
/// The object is there whole or not at all.
pub async fn store_by_digest(store: &dyn StreamingStore, content: Content, algorithm: &str) -> Result<StorePath> {
    let Some(again) = content.try_clone() else {
        return Err(Error::unsupported("only held content can be stored by its digest"));
    };
    match store.store(content, algorithm).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        done => return done,
    }
    let parsed = algorithm.parse::<Algorithm>()?;
    if !matches!(parsed, Algorithm::Sha256 | Algorithm::Sha512) {
        return Err(Error::unsupported("content is stored by sha256 or sha512"));
    }
    let hex = base16ct::lower::encode_string(&again.digest(parsed).await?);
    let path = StorePath::new(format!("/{algorithm}/{}/{hex}", &hex[..2]))?;
    if store.stat(&path).await.is_err() {
        store.put(&path, again, Condition::Unconditional).await?;
    }
    Ok(path)
}

/// How many keys begin with `prefix`: asked of the driver, else counted page by page.
///
/// # Errors
/// Those of a list.
pub async fn count(store: &dyn AtomicStore, prefix: &str) -> Result<u64> {
    match store.count(prefix).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        done => return done,
    }
    let mut counted = 0;
    let mut after: Option<String> = None;
    loop {
        let page = store.list(prefix, after.as_deref(), 1000).await?;
        counted += page.keys.len() as u64;
        match page.keys.into_iter().next_back() {
            Some(last) if page.more => after = Some(last),
            _ => return Ok(counted),
        }
    }
}
