//! Pages of lists, out of the batches of a server that sorts keys by their bytes.

use crate::error::Result;
use crate::path::Prefix;
use crate::types::{Error, ListOptions, ObjectInfo, Page};
use crate::web::malformed;

/// What to ask a server for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Only what comes after this sort key (`/a/b`, `/a/b/`); empty for everything below the prefix.
    pub after: &'a str,
    /// At most so many entries.
    pub limit: usize,
    /// What the last batch of this page had as its `token`.
    pub token: Option<&'a str>,
}

/// What a server answers.
#[derive(Debug, Default)]
pub struct Batch {
    /// The entries that are paths, in any order.
    pub entries: Vec<ObjectInfo>,
    /// Whether more may follow.
    pub more: bool,
    /// With which the next batch can be asked for.
    pub token: Option<String>,
}

/// One page of what is below `prefix`, of at most `most` entries, from what `ask` answers.
///
/// Where it begins is a sort key, also in its cursors, so that a page depends on no state of the server. What a server shows that comes
/// before is left out, and so is what `ask` leaves out; a page that these took room from is filled up by asking on.
///
/// # Errors
/// What `ask` answers; `not-found` for a first page with nothing in it; `invalid-argument` for a cursor that no page had.
pub fn page(prefix: &Prefix, options: &ListOptions, most: u32, mut ask: impl FnMut(&Wanted<'_>) -> Result<Batch>) -> Result<Page> {
    let Some(after) = options.after(prefix)? else { return Ok(Page { entries: Vec::new(), next: None }) };
    let after = if after.is_empty() { String::new() } else { format!("{}{after}", prefix.base()) };
    let limit = options.limit.min(most) as usize;
    let (mut entries, mut token) = (Vec::new(), None::<String>);
    let more = loop {
        let Batch { entries: mut found, more, token: next } = ask(&Wanted { after: &after, limit: limit - entries.len(), token: token.as_deref() })?;
        found.retain(|entry| entry.sort_key() > after);
        found.sort_by_cached_key(ObjectInfo::sort_key);
        entries.append(&mut found);
        // Some servers answer all there is, whatever was asked for.
        let more = more || entries.len() > limit;
        entries.truncate(limit);
        if !more || entries.len() == limit {
            break more;
        }
        // To ask the same again would never end.
        if next.is_none() || next == token {
            return Err(malformed());
        }
        token = next;
    };
    if entries.is_empty() && options.is_first() && !prefix.is_root() {
        return Err(Error::not_found(prefix));
    }
    let next = entries.last().filter(|_| more).map(|last| format!(">{}", last.sort_key()));
    Ok(Page { entries, next })
}

/// The least character of a path. What begins with a name and goes on comes after the name with it.
const LEAST: char = '-';

/// What comes after `/`: behind a prefix it is after everything in it.
const AFTER_SLASH: char = '0';

/// The first key that may come after `after`, for a server that begins *at* a key; both begin with `below`. In a list of children a
/// prefix is passed over whole: what is in it would show it again.
pub fn first_after(below: &str, after: &str, recursive: bool) -> Option<String> {
    let rest = after.strip_prefix(below)?;
    Some(match rest.split_once('/') {
        Some((child, _)) if !recursive => format!("{below}{child}{AFTER_SLASH}"),
        _ => format!("{after}{LEAST}"),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    fn options(limit: u32, cursor: Option<&str>) -> ListOptions {
        ListOptions { recursive: true, start_after: None, cursor: cursor.map(str::to_owned), limit }
    }

    fn batch(names: &[&str], token: Option<&str>) -> Batch {
        let entries = names.iter().map(|name| ObjectInfo::object(format!("/p/{name}"), 1, 1, "e")).collect();
        Batch { entries, more: token.is_some(), token: token.map(str::to_owned) }
    }

    fn shown(page: &Page) -> (Vec<&str>, Option<&str>) {
        (page.entries.iter().map(|entry| entry.path.as_str()).collect(), page.next.as_deref())
    }

    #[test]
    fn a_page_is_filled_up_and_never_over() {
        let prefix = Prefix::new("/p").unwrap();
        let mut batches = vec![batch(&["a", "b"], Some("1")), batch(&[], Some("2")), batch(&["d", "c"], Some("3"))];
        let mut asked = Vec::new();
        let page = page(&prefix, &options(3, Some(">/p/a")), 1000, |wanted| {
            asked.push((wanted.after.to_owned(), wanted.limit, wanted.token.map(str::to_owned)));
            Ok(batches.remove(0))
        });
        assert_eq!(shown(&page.unwrap()), (vec!["/p/b", "/p/c", "/p/d"], Some(">/p/d")));
        let expected = [(3, None), (2, Some("1".to_owned())), (2, Some("2".to_owned()))];
        assert_eq!(asked, expected.map(|(limit, token)| ("/p/a".to_owned(), limit, token)));
    }

    #[test]
    fn a_server_without_pages_is_cut() {
        let prefix = Prefix::new("/p").unwrap();
        let everything = |_: &Wanted<'_>| Ok(batch(&["c", "a", "b"], None));
        assert_eq!(shown(&page(&prefix, &options(2, None), 1000, everything).unwrap()), (vec!["/p/a", "/p/b"], Some(">/p/b")));
        assert_eq!(shown(&page(&prefix, &options(9, Some(">/p/b")), 1000, everything).unwrap()), (vec!["/p/c"], None));
        assert_eq!(page(&prefix, &options(9, None), 1, everything).unwrap().entries.len(), 1);
    }

    #[test]
    fn a_server_that_leads_nowhere_is_left() {
        let prefix = Prefix::new("/p").unwrap();
        for token in [None, Some("1")] {
            let stuck = |_: &Wanted<'_>| Ok(Batch { more: true, ..batch(&[], token) });
            assert_eq!(page(&prefix, &options(1, None), 9, stuck).unwrap_err().kind, ErrorKind::Unavailable);
        }
        let nothing = |_: &Wanted<'_>| Ok(Batch::default());
        assert_eq!(page(&prefix, &options(1, None), 9, nothing).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(page(&prefix, &options(1, Some(">/p/a")), 9, nothing).unwrap().entries, []);
        assert_eq!(page(&Prefix::new("/").unwrap(), &options(1, None), 9, nothing).unwrap().entries, []);
    }

    #[test]
    fn a_list_begins_right_after_its_sort_key() {
        let begins = |after: &str, recursive| first_after("r/p/", after, recursive);
        assert_eq!(begins("r/p/a", false).as_deref(), Some("r/p/a-"));
        assert_eq!(begins("r/p/a", true).as_deref(), Some("r/p/a-"));
        assert_eq!(begins("r/p/a/", false).as_deref(), Some("r/p/a0"));
        assert_eq!(begins("r/p/a/x", false).as_deref(), Some("r/p/a0"));
        assert_eq!(begins("r/p/a/", true).as_deref(), Some("r/p/a/-"));
        assert_eq!(begins("r/p/a/x", true).as_deref(), Some("r/p/a/x-"));
        assert_eq!(begins("r/o", true), None);
    }
}
