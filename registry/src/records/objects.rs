//! Records as objects of a streaming store: small files that docker-registry reads and writes too.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::{ByteRange, Condition, Content, Error, ErrorKind, ListOptions, Prefix, Result, StorePath, StreamingStore};

use super::{RECORD_MAX, Records};
use crate::name::NamePage;

/// How many pages in a row may be empty before a list counts as one that does not end.
const EMPTY_PAGES: u32 = 100;

/// The most entries that one page is asked for.
const PAGE: usize = 1000;

/// Records in the streaming store.
pub(crate) struct ObjectRecords {
    store: Arc<dyn StreamingStore>,
}

impl ObjectRecords {
    pub(crate) fn new(store: Arc<dyn StreamingStore>) -> Self {
        Self { store }
    }
}

fn path(key: &str) -> Result<StorePath> {
    StorePath::new(format!("/{key}"))
}

/// The smallest name that a list may still bring after the sort key of `last`.
///
/// Lists are ordered by sort keys, in which a prefix ends with `/`: `a-b/`, `a.c/`, `a/`. Names are wanted as names: `a`, `a-b`, `a.c`. So
/// after `a-b` a shorter name may follow, one that `a-b` goes on from with a character below `/`.
fn floor(last: &str) -> &str {
    last.find(['-', '.']).filter(|at| *at > 0).map_or(last, |at| &last[..at])
}

#[async_trait]
impl Records for ObjectRecords {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        match self.store.open(&path(key)?, ByteRange::Whole).await {
            Ok(opened) => opened.content.bytes(RECORD_MAX).await.map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &str, data: Bytes) -> Result<()> {
        self.store.put(&path(key)?, Content::from_bytes(data), Condition::Unconditional).await.map(drop)
    }

    async fn remove(&self, keys: &[String]) -> Result<()> {
        let paths = keys.iter().map(|key| path(key)).collect::<Result<Vec<_>>>()?;
        self.store.remove(&paths).await?.into_iter().collect()
    }

    async fn children(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<NamePage> {
        if limit == 0 {
            return Ok(NamePage::default());
        }
        let below = Prefix::new(format!("/{prefix}"))?;
        let start = after.map(|after| format!("{below}/{after}"));
        // Two more than are wanted: whether there are more, and the one that is `after` as a prefix.
        let mut options = ListOptions { start_after: start, limit: (limit + 2).min(PAGE) as u32, ..ListOptions::default() };
        let mut names = BTreeSet::new();
        let mut empty = 0;
        loop {
            let page = match self.store.list(&below, options.clone()).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(NamePage::default()),
                page => page?,
            };
            let last = page.entries.last().map(|entry| entry.path.name().to_owned());
            names
                .extend(page.entries.iter().map(|entry| entry.path.name().to_owned()).filter(|name| after.is_none_or(|after| name.as_str() > after)));
            let Some(cursor) = page.next else { return Ok(first(names, limit)) };
            if let Some(last) = &last
                && names.iter().take_while(|name| name.as_str() < floor(last)).nth(limit).is_some()
            {
                return Ok(first(names, limit));
            }
            empty = if last.is_none() { empty + 1 } else { 0 };
            if empty > EMPTY_PAGES {
                return Err(Error::new(ErrorKind::Misbehaved, "the driver's list does not get on").at_path(below.as_str()));
            }
            options = ListOptions { cursor: Some(cursor), start_after: None, limit: PAGE as u32, ..options };
        }
    }
}

/// The first `limit` of `names`.
fn first(names: BTreeSet<String>, limit: usize) -> NamePage {
    let more = names.len() > limit;
    NamePage { names: names.into_iter().take(limit).collect(), more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_name_may_follow_a_longer_one() {
        assert_eq!(floor("a"), "a");
        assert_eq!(floor("a-b"), "a");
        assert_eq!(floor("ab.c-d"), "ab");
        assert_eq!(floor("_a_b"), "_a_b");
    }
}
