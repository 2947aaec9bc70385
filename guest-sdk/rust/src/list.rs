//! Pages of lists: where one begins, when it is full, and the cursor that the next one begins with.

use std::ops::ControlFlow;

use crate::error::Result;
use crate::path::{Prefix, is_component};
use crate::types::{Error, ListOptions, ObjectInfo, Page};

impl ListOptions {
    /// Whether this is the first page: the only one that may be `not-found`.
    pub fn is_first(&self) -> bool {
        self.cursor.is_none() && self.start_after.is_none()
    }

    /// What the entries of this page come after, relative to `prefix`: `x/y`, empty for all, `None` if there can be none.
    ///
    /// The cursors are those of [`PageBuilder`].
    ///
    /// # Errors
    /// `invalid-argument` for a cursor that no page below `prefix` had.
    pub fn after(&self, prefix: &Prefix) -> Result<Option<&str>> {
        let base = prefix.base();
        match (&self.cursor, &self.start_after) {
            (Some(cursor), _) => {
                let key = cursor.strip_prefix('>').and_then(|key| key.strip_prefix(&base));
                let key = key.filter(|key| key.strip_suffix('/').unwrap_or(key).split('/').all(is_component));
                key.map(Some).ok_or_else(|| Error::invalid_argument("the cursor is of no page of this list"))
            }
            (None, Some(key)) => match key.strip_prefix(&base) {
                None if *key > base => Ok(None),
                below => Ok(Some(below.unwrap_or_default())),
            },
            (None, None) => Ok(Some("")),
        }
    }
}

/// A page that is being filled, in the order of sort keys. Its cursor is the last entry's sort key, marked, so any instance
/// can go on from it.
pub struct PageBuilder {
    limit: usize,
    entries: Vec<ObjectInfo>,
    more: bool,
}

impl PageBuilder {
    /// An empty page for at most `limit` entries.
    pub fn new(limit: u32) -> Self {
        Self { limit: limit as usize, entries: Vec::new(), more: false }
    }

    /// Adds an entry, or breaks off where the page is full: then there is a next one.
    pub fn push(&mut self, entry: ObjectInfo) -> ControlFlow<()> {
        self.more = self.entries.len() >= self.limit;
        if self.more {
            return ControlFlow::Break(());
        }
        self.entries.push(entry);
        ControlFlow::Continue(())
    }

    /// The page.
    pub fn finish(self) -> Page {
        let next = self.entries.last().filter(|_| self.more).map(|last| format!(">{}", last.sort_key()));
        Page { entries: self.entries, next }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn after(start_after: Option<&str>, cursor: Option<&str>) -> Result<Option<String>> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let options = ListOptions { recursive: false, start_after: owned(start_after), cursor: owned(cursor), limit: 1 };
        options.after(&Prefix::new("/p")?).map(|key| key.map(str::to_owned))
    }

    #[test]
    fn start_after_is_compared_with_whole_sort_keys() {
        assert_eq!(after(Some("/p/x/y"), None).unwrap().as_deref(), Some("x/y"));
        assert_eq!(after(Some("/o/x"), None).unwrap().as_deref(), Some(""));
        assert_eq!(after(Some("/p"), None).unwrap().as_deref(), Some(""));
        assert_eq!(after(Some("/p0"), None).unwrap(), None);
    }

    #[test]
    fn cursors_are_those_of_this_list() {
        let mut page = PageBuilder::new(1);
        assert!(page.push(ObjectInfo::prefix("/p/x")).is_continue());
        assert!(page.push(ObjectInfo::prefix("/p/z")).is_break());
        let page = page.finish();
        assert_eq!(page.entries.len(), 1);
        assert_eq!(after(None, page.next.as_deref()).unwrap().as_deref(), Some("x/"));
        for cursor in ["", "x", ">/q/x", ">/p/", ">/p/../x", ">/p/a//b"] {
            assert!(after(None, Some(cursor)).is_err(), "{cursor}");
        }
    }
}
