//! Lists in the contract's order: a collection at a time, since servers neither sort nor page, and few of them take a whole tree.

use cofferdam_guest::prelude::*;

use crate::WebDavDriver;
use crate::multistatus::children;
use crate::objects::listed;

/// One page of what is below `prefix`. Where it begins is a sort key, also in the cursors, so that it depends on no state of the server.
pub(crate) fn page(driver: &WebDavDriver, prefix: &Prefix, options: &ListOptions) -> Result<Page> {
    let Some(after) = options.after(prefix)? else { return Ok(Page { entries: Vec::new(), next: None }) };
    let (base, mut page) = (prefix.base(), PageBuilder::new(options.limit));
    let walk = Walk {
        deep: options.recursive,
        // A collection of a recursive list may have nothing in it, so that more than a page of them is needed.
        chunk: if options.recursive { ENTRIES_MAX } else { options.limit.saturating_add(1).min(ENTRIES_MAX) },
        visit: &mut |below, file| {
            let path = StorePath::trusted(format!("{base}{below}"));
            page.push(if file.is_directory() { ObjectInfo::prefix(path) } else { listed(&path, &file) })
        },
    };
    let start = prefix.as_str().trim_end_matches('/');
    let there = walk.run_with(&mut |directory, after, limit| children(&driver.server.place(directory), after, limit), start, after)?;
    if !there && options.is_first() && !prefix.is_root() {
        return Err(Error::not_found(prefix));
    }
    Ok(page.finish())
}
