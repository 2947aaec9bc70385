//! Removals: exactly what was named, at once.

use cofferdam::{ErrorKind, ListOptions, Prefix, StorePath, StreamingStore, fallback};

use crate::case::{LISTABLE, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, below, entries_or_none, holds, lacks, refused, sort_keys, write, write_many};
use crate::verdict::{Stop, Verdict, ensure};

cases! {
    "remove.object", "what was removed is gone at once for `open`, `stat` and `list`; missing is a success; a prefix is not removed",
        [STREAMING, WRITABLE] => object;
    "remove.batch", "of 1,005 paths, some missing and some invalid, each gets its own answer, in order",
        [STREAMING, WRITABLE] => batch;
    "remove.empty-parents", "a prefix whose last object is gone is no entry of its parent",
        [STREAMING, WRITABLE, LISTABLE] => empty_parents;
    "host.remove-tree", "removing a tree takes everything below its prefix and nothing beside it, and is `not-found` where nothing was",
        [STREAMING, WRITABLE, LISTABLE] => remove_tree;
}

async fn object(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (gone, kept, data) = (at("/rm/gone")?, at("/rm/gone-not")?, context.data(100));
    write(&mount, &gone, &data).await?;
    write(&mount, &kept, &data).await?;
    for what in ["`remove`", "`remove` of what is gone already, which is a success,"] {
        for result in mount.remove(std::slice::from_ref(&gone)).await? {
            result.map_err(|error| Stop::Failed(format!("{what} failed: {error}")))?;
        }
        lacks(&mount, &gone, "after `remove`").await?;
    }
    holds(&mount, &kept, &data, "beside what was removed").await?;
    for result in mount.remove(&[at("/rm")?, at("/rm/gone-not/below")?]).await? {
        result.map_err(|error| Stop::Failed(format!("`remove` of a prefix is a success that removes nothing, and failed: {error}")))?;
    }
    holds(&mount, &kept, &data, "after `remove` of its prefix").await?;
    // The path is free again.
    let again = context.data(50);
    write(&mount, &gone, &again).await?;
    holds(&mount, &gone, &again, "stored again after it was removed").await
}

async fn batch(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let stored = |index: usize| index.is_multiple_of(10);
    let paths: Vec<StorePath> = (0..1005).map(|index| at(format!("/batch/{index:04}"))).collect::<Verdict<_>>()?;
    write_many(context, &mount, (0..1005).filter(|index| stored(*index)).map(|index| format!("/batch/{index:04}"))).await?;
    write(&mount, &at("/batch-kept")?, &context.data(5)).await?;
    // The host passes at most 1,000 at once, so this is two calls of the driver.
    let results = mount.remove(&paths).await?;
    ensure!(results.len() == paths.len(), "{} paths got {} answers", paths.len(), results.len());
    for (path, result) in paths.iter().zip(results) {
        result.map_err(|error| Stop::Failed(format!("`remove` of {path} in a batch failed: {error}")))?;
    }
    if context.claims().listable {
        let left = entries_or_none(&mount, &Prefix::root(), true).await?;
        ensure!(sort_keys(&left) == ["/batch-kept"], "after everything below /batch was removed there are {:?}", sort_keys(&left));
    }
    // Invalid ones among them, past the host's check: what is valid must still go.
    write_many(context, &mount, ["/batch/1".to_owned(), "/batch/3".to_owned()]).await?;
    let mixed = ["/batch/1", "/batch/../batch-kept", "/batch/missing", "no-slash", "/batch/3"];
    let results = mount.unchecked().remove(&mixed).await?;
    ensure!(results.len() == mixed.len(), "{} paths got {} answers", mixed.len(), results.len());
    for (index, (path, result)) in mixed.iter().zip(results).enumerate() {
        if index == 1 || index == 3 {
            refused(result, &[ErrorKind::InvalidPath], format_args!("`remove` of {path:?} in a batch"))?;
        } else {
            result.map_err(|error| Stop::Failed(format!("`remove` of {path} beside invalid paths failed: {error}")))?;
        }
    }
    for gone in ["/batch/1", "/batch/3"] {
        lacks(&mount, &at(gone)?, "after a batch with invalid paths").await?;
    }
    mount.stat(&at("/batch-kept")?).await?;
    Ok(())
}

async fn empty_parents(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (deep, beside) = (at("/parents/a/b/c")?, at("/parents/d")?);
    write(&mount, &deep, &context.data(5)).await?;
    write(&mount, &beside, &context.data(5)).await?;
    for result in mount.remove(std::slice::from_ref(&deep)).await? {
        result?;
    }
    let shown = sort_keys(&entries_or_none(&mount, &below("/parents")?, false).await?);
    ensure!(shown == ["/parents/d"], "the list of /parents shows {shown:?} after /parents/a/b/c, the last object below /parents/a, was removed");
    for empty in ["/parents/a", "/parents/a/b"] {
        match mount.list(&below(empty)?, ListOptions::default()).await {
            Ok(page) => ensure!(page.entries.is_empty(), "the list of {empty}, below which nothing is left, shows {:?}", sort_keys(&page.entries)),
            nothing => refused(nothing, &[ErrorKind::NotFound], format_args!("the list of {empty}, if it is refused,"))?,
        }
    }
    for result in mount.remove(&[beside]).await? {
        result?;
    }
    let shown = sort_keys(&entries_or_none(&mount, &Prefix::root(), false).await?);
    ensure!(shown.is_empty(), "the list of `/` shows {shown:?} after everything was removed");
    // What was emptied can be filled again, also by an object of the prefix's name.
    let data = context.data(9);
    write(&mount, &at("/parents/a")?, &data).await?;
    holds(&mount, &at("/parents/a")?, &data, "an object where an empty prefix was").await
}

async fn remove_tree(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (removed, kept) = (["/d/f/1", "/d/f/2/3", "/d/f/2/4/5"], ["/d/fsuffix", "/d/f-x", "/d/g/f/1"]);
    let all: Vec<String> = removed.iter().chain(&kept).map(ToString::to_string).collect();
    write_many(context, &mount, all).await?;
    let count = fallback::remove_tree(&mount, &below("/d/f")?).await?;
    ensure!(count == 3, "removing a tree of 3 objects counted {count}");
    let left = sort_keys(&entries_or_none(&mount, &Prefix::root(), true).await?);
    let mut expected = kept.map(str::to_owned).to_vec();
    expected.sort();
    ensure!(left == expected, "after /d/f was removed there are {left:?} where {expected:?} must be kept");
    write_many(context, &mount, ["/d/d/x".to_owned(), "/d/dsuffix/f".to_owned()]).await?;
    fallback::remove_tree(&mount, &below("/d/d")?).await?;
    mount.stat(&at("/d/dsuffix/f")?).await.map_err(|error| Stop::Failed(format!("removing /d/d took /d/dsuffix/f too: {error}")))?;
    refused(fallback::remove_tree(&mount, &below("/d/d")?).await, &[ErrorKind::NotFound], "removing a tree where nothing was")
}
