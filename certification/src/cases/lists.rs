//! Lists: what is shown, in which order, page by page, and at what cost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cofferdam::{EntryKind, ErrorKind, ListOptions, Mount, ObjectInfo, Prefix, StorePath, StreamingStore};

use crate::case::{LISTABLE, OUTLIVES, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, below, entries, entries_or_none, refused, sort_keys, write_many};
use crate::verdict::{Verdict, ensure, failed, skip};

cases! {
    "list.children", "a list shows the direct children, absolute and sorted: objects with size and modified, and prefixes",
        [STREAMING, WRITABLE, LISTABLE] => children;
    "list.byte-order", "lists are in byte order of the whole path, a prefix counting as `name/`, recursive and not",
        [STREAMING, WRITABLE, LISTABLE] => byte_order;
    "list.pages", "pages of 1, 7 and 1,000 have no gap and no repeat, by cursor and by `start-after`; a cursor works on another instance",
        [STREAMING, WRITABLE, LISTABLE] => pages;
    "list.missing", "`not-found` is for the first page of a prefix that does not exist; entries that vanish between pages are no error",
        [STREAMING, LISTABLE] => missing;
    "list.recursive", "a recursive list equals the walk by children, and stops at the component boundary",
        [STREAMING, LISTABLE] => recursive;
    "list.garbage-cursor", "a cursor that no page had is `invalid-argument` or gives an honest page, never a trap or a path outside the prefix",
        [STREAMING, LISTABLE] => garbage_cursor;
    "list.cost", "the time of a page depends at most on the direct children of its directory, not on what lies below them",
        [STREAMING, WRITABLE, LISTABLE] => cost;
}

fn options(recursive: bool, limit: u32) -> ListOptions {
    ListOptions { recursive, limit, ..ListOptions::default() }
}

async fn children(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    write_many(context, &mount, (0..50).map(|index| format!("/r/p/{index:02}"))).await?;
    for (prefix, child) in [("/", "/r"), ("/r", "/r/p")] {
        let found = entries(&mount, &below(prefix)?, options(false, 1000)).await?;
        ensure!(found.len() == 1, "the list of {prefix} shows {:?} where {child} is the only child", sort_keys(&found));
        ensure!(found[0].path == at(child)?, "the list of {prefix} shows {} where the child is {child}", found[0].path);
        ensure!(found[0].kind == EntryKind::Prefix && found[0].size == 0, "{child} is a prefix, of size 0, and is shown as {:?}", found[0]);
    }
    let found = entries(&mount, &below("/r/p")?, options(false, 1000)).await?;
    let expected: Vec<String> = (0..50).map(|index| format!("/r/p/{index:02}")).collect();
    ensure!(sort_keys(&found) == expected, "the list of /r/p shows {:?} where it has the objects 00 to 49", sort_keys(&found));
    for entry in &found {
        let stat = mount.stat(&entry.path).await?;
        ensure!(entry.kind == EntryKind::Object, "{} is shown as a prefix", entry.path);
        ensure!(entry.size == stat.size, "the list tells {} bytes of {} and `stat` {}", entry.size, entry.path, stat.size);
        ensure!(
            entry.modified.is_some() && entry.modified == stat.modified,
            "the list tells modified {:?} of {} and `stat` {:?}",
            entry.modified,
            entry.path,
            stat.modified
        );
        ensure!(
            entry.etag.is_none() || entry.etag == stat.etag,
            "the list tells the etag {:?} of {} and `stat` {:?}",
            entry.etag,
            entry.path,
            stat.etag
        );
    }
    Ok(())
}

async fn byte_order(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let paths = ["/o/f-x", "/o/f.x", "/o/f/1", "/o/f0", "/o/F", "/o/_", "/o/a/b/c", "/o/a-b", "/o/a0/b", "/o/zz", "/o/z/z"];
    write_many(context, &mount, paths.map(str::to_owned)).await?;
    let mut all: Vec<String> = paths.map(str::to_owned).to_vec();
    all.sort();
    let found = sort_keys(&entries(&mount, &below("/o")?, options(true, 1000)).await?);
    ensure!(found == all, "recursively, {found:?} where byte order is {all:?}");
    let direct: BTreeSet<String> = paths.iter().map(|path| child_of("/o", path)).collect();
    let found = sort_keys(&entries(&mount, &below("/o")?, options(false, 1000)).await?);
    let direct: Vec<String> = direct.into_iter().collect();
    ensure!(found == direct, "{found:?} where byte order, a prefix counting as `name/`, is {direct:?}");
    Ok(())
}

/// The sort key of the child of `prefix` that `path` is, or is below.
fn child_of(prefix: &str, path: &str) -> String {
    let rest = &path[prefix.len() + 1..];
    match rest.split_once('/') {
        Some((child, _)) => format!("{prefix}/{child}/"),
        None => path.to_owned(),
    }
}

/// 2,500 sort keys: objects, prefixes between them, and stems that sort around a `/`.
fn many() -> (Vec<String>, Vec<String>) {
    let mut paths = Vec::new();
    for index in 0..830 {
        paths.push(format!("/many/p{index:03}-x"));
        paths.push(format!("/many/p{index:03}/y"));
        paths.push(format!("/many/p{index:03}0"));
    }
    paths.extend((0..10).map(|index| format!("/many/q{index}")));
    let mut keys: Vec<String> = paths.iter().map(|path| child_of("/many", path)).collect();
    keys.sort();
    (paths, keys)
}

async fn pages(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (paths, keys) = many();
    write_many(context, &mount, paths).await?;
    let prefix = below("/many")?;
    for limit in [1, 7, 1000] {
        let found = sort_keys(&entries(&mount, &prefix, options(false, limit)).await?);
        compare(&found, &keys, &format!("by cursor, in pages of {limit}"))?;
    }
    let found = entries(&mount, &prefix, options(true, 1000)).await?;
    ensure!(found.len() == keys.len(), "recursively, {} objects where there are {}", found.len(), keys.len());
    for limit in [7, 1000] {
        compare(&by_start_after(&mount, &prefix, limit).await?, &keys, &format!("by `start-after`, in pages of {limit}"))?;
    }
    // Names that are not there, prefixes, and objects of the same stem beside them.
    for after in [
        "/many/p0",
        "/many/p000",
        "/many/p000-x",
        "/many/p000-y",
        "/many/p000.",
        "/many/p000/",
        "/many/p0000",
        "/many/p829~",
        "/many/q9",
        "/many/zzz",
        "/a",
    ] {
        let begun = ListOptions { start_after: Some(after.to_owned()), limit: 5, ..ListOptions::default() };
        let found = sort_keys(&mount.list(&prefix, begun).await?.entries);
        let expected: Vec<String> = keys.iter().filter(|key| key.as_str() > after).take(5).cloned().collect();
        ensure!(found == expected, "after {after:?}: {found:?} where {expected:?} follow");
    }
    if OUTLIVES.is_held_by(&mount) {
        let first = mount.list(&prefix, options(false, 100)).await?;
        let Some(cursor) = first.next else { return failed("the first page of 100 of 2,500 entries has no next one") };
        let other = context.mount().await?;
        let rest = entries(&other, &prefix, ListOptions { cursor: Some(cursor), ..ListOptions::default() }).await?;
        compare(&sort_keys(&rest), &keys[first.entries.len()..], "by a cursor of another instance")?;
    }
    Ok(())
}

async fn by_start_after(mount: &Mount, prefix: &Prefix, limit: u32) -> Verdict<Vec<String>> {
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = mount.list(prefix, ListOptions { start_after: after, limit, ..ListOptions::default() }).await?;
        keys.extend(sort_keys(&page.entries));
        if page.next.is_none() {
            return Ok(keys);
        }
        after = keys.last().cloned();
    }
}

fn compare(found: &[String], expected: &[String], how: &str) -> Verdict {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).position(|(one, other)| one != other).unwrap_or(found.len().min(expected.len()));
    failed(format!(
        "{how}: {} entries where there are {}; the first that differs is number {at}: {:?} where {:?} is due",
        found.len(),
        expected.len(),
        found.get(at),
        expected.get(at)
    ))
}

async fn missing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for recursive in [false, true] {
        let answered = mount.list(&below("/nothing/below")?, options(recursive, 10)).await;
        refused(answered, &[ErrorKind::NotFound], "the first page of a prefix that does not exist")?;
    }
    if !context.claims().writable {
        return Ok(());
    }
    let paths: Vec<StorePath> = (0..30).map(|index| at(format!("/vanish/{index:02}"))).collect::<Verdict<_>>()?;
    write_many(context, &mount, paths.iter().map(StorePath::to_string)).await?;
    refused(mount.list(&below("/van")?, options(false, 10)).await, &[ErrorKind::NotFound], "the first page of the beginning of a prefix's name")?;
    for recursive in [false, true] {
        write_many(context, &mount, paths.iter().map(StorePath::to_string)).await?;
        let first = mount.list(&below("/vanish")?, options(recursive, 10)).await?;
        for removed in mount.remove(&paths).await? {
            removed?;
        }
        let Some(cursor) = first.next else { return failed("the first page of 10 of 30 entries has no next one") };
        match mount.list(&below("/vanish")?, ListOptions { cursor: Some(cursor), recursive, ..ListOptions::default() }).await {
            Ok(page) => ensure!(page.entries.is_empty(), "a page shows {:?}, which was removed before", sort_keys(&page.entries)),
            Err(error) => return failed(format!("a next page after its entries were removed must be empty, and failed: {error}")),
        }
    }
    Ok(())
}

/// Every object below `prefix`, by lists of children.
async fn walk(mount: &Mount, prefix: &Prefix) -> Verdict<Vec<ObjectInfo>> {
    let (mut objects, mut left) = (Vec::new(), vec![prefix.clone()]);
    while let Some(prefix) = left.pop() {
        for entry in entries_or_none(mount, &prefix, false).await? {
            match entry.kind {
                EntryKind::Object => objects.push(entry),
                EntryKind::Prefix => left.push(entry.path.into()),
            }
        }
    }
    objects.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(objects)
}

async fn recursive(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let paths = ["/t/a", "/t/b/c", "/t/b/d/e/f", "/t/b-c", "/t/b0", "/tt/a", "/t-t/a", "/ta", "/t/z/y/x/w/v"];
    if context.claims().writable {
        write_many(context, &mount, paths.map(str::to_owned)).await?;
        let found = entries(&mount, &below("/t")?, options(true, 2)).await?;
        let mut expected: Vec<&str> = paths.iter().copied().filter(|path| path.starts_with("/t/")).collect();
        expected.sort_unstable();
        let found: Vec<&str> = found.iter().map(|entry| entry.path.as_str()).collect();
        ensure!(found == expected, "below /t there are {expected:?}, and the list shows {found:?}");
    } else if context.filled().is_empty() {
        return skip("not claimed: writable, and no file was given that it is filled with");
    }
    let listed = entries(&mount, &Prefix::root(), options(true, 1000)).await?;
    let walked = walk(&mount, &Prefix::root()).await?;
    ensure!(sort_keys(&listed) == sort_keys(&walked), "the recursive list shows {:?} and the walk {:?}", sort_keys(&listed), sort_keys(&walked));
    if !context.claims().writable {
        for file in context.filled() {
            let found = listed.iter().find(|entry| entry.path == file.path);
            ensure!(
                found.is_some_and(|entry| entry.size == file.size),
                "{} of {} bytes is there, and the list shows {found:?}",
                file.path,
                file.size
            );
        }
        ensure!(listed.len() == context.filled().len(), "{} objects are listed where {} files are there", listed.len(), context.filled().len());
    }
    Ok(())
}

async fn garbage_cursor(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    if context.claims().writable {
        write_many(context, &mount, (0..20).map(|index| format!("/inside/{index}")).chain(["/outside/1".to_owned()])).await?;
    }
    let prefix = if context.claims().writable { below("/inside")? } else { Prefix::root() };
    let mut cursors: Vec<String> =
        ["", "x", "../outside", "/outside/1", "\0", "\u{10FFFF}", "AAAA", "18446744073709551616", "{}"].map(str::to_owned).to_vec();
    cursors.push("c".repeat(5000));
    // One of another prefix, and a true one cut short.
    if let Some(true_one) = mount.list(&Prefix::root(), options(true, 1)).await?.next {
        cursors.push(true_one[..true_one.len() - 1].to_owned());
        cursors.push(true_one);
    }
    for cursor in cursors {
        for recursive in [false, true] {
            let shown: String = cursor.chars().take(30).collect();
            // The host itself refuses pages with paths outside the prefix, or out of order, as `misbehaved`.
            match mount.list(&prefix, ListOptions { cursor: Some(cursor.clone()), recursive, ..ListOptions::default() }).await {
                Ok(_) => {}
                wrong => refused(wrong, &[ErrorKind::InvalidArgument], format_args!("a list with the cursor {shown:?}, if it is refused,"))?,
            }
        }
    }
    Ok(())
}

/// The shortest of several times that a page of `prefix` takes.
async fn page_time(mount: &Mount, prefix: &Prefix, children: usize) -> Verdict<Duration> {
    let mut shortest = Duration::MAX;
    for _ in 0..15 {
        let started = Instant::now();
        let page = mount.list(prefix, options(false, 1000)).await?;
        shortest = shortest.min(started.elapsed());
        ensure!(page.entries.len() == children, "the list of {prefix} shows {} entries where it has {children} children", page.entries.len());
    }
    Ok(shortest)
}

async fn cost(context: &Context) -> Verdict {
    const CHILDREN: usize = 10;
    let mount = context.mount().await?;
    let below_each = context.count(150, 2000);
    write_many(context, &mount, (0..CHILDREN).map(|child| format!("/flat/{child}/object"))).await?;
    let deep = (0..CHILDREN).flat_map(|child| (0..below_each).map(move |index| format!("/deep/{child}/{index:04}")));
    write_many(context, &mount, deep).await?;
    let flat = page_time(&mount, &below("/flat")?, CHILDREN).await?;
    let deep = page_time(&mount, &below("/deep")?, CHILDREN).await?;
    // 4 times, where the whole tree is 150 times as large; and a little that is only noise.
    let most = 4 * flat + Duration::from_micros(500);
    ensure!(deep <= most, "a page of {CHILDREN} children takes {flat:?}, and {deep:?} with {below_each} objects below each");
    Ok(())
}
