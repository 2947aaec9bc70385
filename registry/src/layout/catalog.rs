//! The repositories of a store, in the byte order of their whole names, page by page.
//!
//! In that order `a` comes before `a-b`, and both before `a/c`: `-` and `.` are smaller than `/`. The atomic store lists that way by itself. Of
//! the streaming store's directories each is listed by name and merged with the others: what is next is always the smallest of what the open
//! directories have to offer.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cofferdam::{AtomicStore, Result};

use super::Layout;
use crate::name::{NamePage, RepositoryName};
use crate::records::{KeyRecords, Records};

/// What a repository has in its directory. No other name of a component begins with `_`.
const MANIFESTS: &str = "_manifests";

/// How many names of a directory are fetched at a time.
const PAGE: usize = 100;

/// The repositories of a store.
pub(crate) struct Catalog {
    layout: Layout,
    /// Where the links are.
    records: Arc<dyn Records>,
    atomic: Arc<dyn AtomicStore>,
    keys: KeyRecords,
}

/// A directory that is being listed.
struct Directory {
    /// Its repository's name with a `/`, empty for the top.
    path: String,
    buffer: VecDeque<String>,
    /// The last name that was fetched.
    after: Option<String>,
    more: bool,
}

/// The next name of a directory, for the heap that gives the smallest first.
struct Next {
    name: String,
    directory: usize,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the largest first. One name from two directories is told apart by them, so that equality is equality.
        (&other.name, other.directory).cmp(&(&self.name, self.directory))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Next {}

impl Catalog {
    pub(crate) fn new(layout: Layout, records: Arc<dyn Records>, atomic: Arc<dyn AtomicStore>) -> Self {
        Self { layout, records, keys: KeyRecords::new(atomic.clone()), atomic }
    }

    /// Notes that the repository is there; it has a manifest already.
    pub(crate) async fn add(&self, name: &RepositoryName) -> Result<()> {
        match self.layout {
            Layout::RegistryV2 => Ok(()),
            Layout::Indexed => self.keys.put(&format!("catalog/{name}"), Bytes::new()).await,
        }
    }

    /// Notes that the repository has no manifest any more.
    pub(crate) async fn remove(&self, name: &RepositoryName) -> Result<()> {
        match self.layout {
            Layout::RegistryV2 => Ok(()),
            Layout::Indexed => self.keys.remove(&[format!("catalog/{name}")]).await,
        }
    }

    /// At most `limit` names after `last`.
    pub(crate) async fn page(&self, last: Option<&RepositoryName>, limit: usize) -> Result<NamePage> {
        match self.layout {
            Layout::RegistryV2 => self.walk(last.map(RepositoryName::as_str), limit).await,
            Layout::Indexed => self.keys(last, limit).await,
        }
    }

    async fn keys(&self, last: Option<&RepositoryName>, limit: usize) -> Result<NamePage> {
        const BELOW: &str = "catalog/";
        let mut page = NamePage::default();
        let mut after = last.map(|last| format!("{BELOW}{last}"));
        loop {
            let asked = (limit - page.names.len()).clamp(1, 1000) as u32;
            let found = self.atomic.list(BELOW, after.as_deref(), asked).await?;
            page.names.extend(found.keys.iter().map(|key| key[BELOW.len()..].to_owned()));
            after = found.keys.into_iter().next_back().or(after);
            if !found.more || page.names.len() >= limit {
                page.more = found.more;
                return Ok(page);
            }
        }
    }

    async fn walk(&self, last: Option<&str>, limit: usize) -> Result<NamePage> {
        let mut directories = starts(last);
        let mut heap = BinaryHeap::new();
        for at in 0..directories.len() {
            self.advance(&mut directories, at, last, &mut heap).await?;
        }
        let mut page = NamePage::default();
        while let Some(Next { name, directory }) = heap.pop() {
            self.advance(&mut directories, directory, last, &mut heap).await?;
            if self.is_repository(&name).await? {
                if page.names.len() == limit {
                    page.more = true;
                    break;
                }
                page.names.push(name.clone());
            }
            directories.push(Directory { path: format!("{name}/"), buffer: VecDeque::new(), after: None, more: true });
            let below = directories.len() - 1;
            self.advance(&mut directories, below, last, &mut heap).await?;
        }
        Ok(page)
    }

    /// Offers the directory's next name that is after `last`: `a-b` follows `a` in its directory, and comes before `a/b`.
    async fn advance(&self, directories: &mut [Directory], at: usize, last: Option<&str>, heap: &mut BinaryHeap<Next>) -> Result<()> {
        let Some(directory) = directories.get_mut(at) else { return Ok(()) };
        loop {
            while let Some(component) = directory.buffer.pop_front() {
                let name = format!("{}{component}", directory.path);
                if last.is_none_or(|last| name.as_str() > last) && RepositoryName::new(&name).is_ok() {
                    heap.push(Next { name, directory: at });
                    return Ok(());
                }
            }
            if !directory.more {
                return Ok(());
            }
            let prefix = format!("{}/{}", self.layout.repositories(), directory.path);
            let page = self.records.children(prefix.trim_end_matches('/'), directory.after.as_deref(), PAGE).await?;
            directory.more = page.more;
            directory.after = page.names.last().cloned().or(directory.after.take());
            directory.buffer = page.names.into();
        }
    }

    async fn is_repository(&self, name: &str) -> Result<bool> {
        let before = &MANIFESTS[..MANIFESTS.len() - 1];
        let next = self.records.children(&format!("{}/{name}", self.layout.repositories()), Some(before), 1).await?;
        Ok(next.names.first().is_some_and(|next| next == MANIFESTS))
    }
}

/// The directories that have names after `last`: those on its path, from its component on; what is below it; and what is below each shorter
/// name that it goes on from with `-` or `.`, for `a/x` comes after `a-b`.
fn starts(last: Option<&str>) -> Vec<Directory> {
    let open = |path: String, after: Option<&str>| Directory { path, buffer: VecDeque::new(), after: after.map(str::to_owned), more: true };
    let Some(last) = last else { return vec![open(String::new(), None)] };
    let mut starts = vec![open(String::new(), last.split('/').next()), open(format!("{last}/"), None)];
    for (at, separator) in last.match_indices(['-', '.', '/']) {
        let (before, rest) = (&last[..at], &last[at + 1..]);
        if RepositoryName::new(before).is_ok() {
            starts.push(open(format!("{before}/"), rest.split('/').next().filter(|_| separator == "/")));
        }
    }
    starts
}
