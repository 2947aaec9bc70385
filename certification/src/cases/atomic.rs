//! Small values with compare and swap.

use std::collections::BTreeSet;

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Etag, Mount, Result, VALUE_MAX};
use tokio::task::JoinSet;

use crate::case::{ATOMIC, LISTABLE, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{key, refused};
use crate::verdict::{Verdict, ensure};
use crate::worker::{Order, increment, number};

cases! {
    "atomic.round-trip", "values of 0 B to 1 MiB, any bytes, come back as they went in; over 1 MiB is `invalid-argument`",
        [ATOMIC, WRITABLE] => round_trip;
    "atomic.keys", "keys of every allowed shape work, and keys that break the rules of paths are `invalid-path`",
        [ATOMIC, WRITABLE] => keys;
    "atomic.missing", "`get` of nothing is `not-found`, and `remove` of nothing succeeds",
        [ATOMIC, WRITABLE] => missing;
    "atomic.if-absent", "of 32 concurrent puts with `if-absent` one wins, and the others are `already-exists`",
        [ATOMIC, WRITABLE] => if_absent;
    "atomic.if-match", "of 32 concurrent puts with one etag one wins; a stale etag, or nothing stored, is `precondition-failed`; each change changes the etag",
        [ATOMIC, WRITABLE] => if_match;
    "atomic.lost-update", "8 writers that each count up 100 times by compare and swap end at 800, also from two host processes",
        [ATOMIC, WRITABLE] => lost_update;
    "atomic.list", "keys are listed by prefix, a plain string, in byte order, page by page; `a` and `a/b` are both keys; an unknown prefix is empty",
        [ATOMIC, WRITABLE, LISTABLE] => list;
    "atomic.count", "`count` equals the sum of the pages, and is 0 for an unknown prefix",
        [ATOMIC, WRITABLE, LISTABLE] => count;
    "atomic.remove-condition", "a stale etag removes nothing where that is claimed, and is `unsupported` where not; `if-absent` is `invalid-argument`",
        [ATOMIC, WRITABLE] => remove_condition;
}

const STALE: &[ErrorKind] = &[ErrorKind::PreconditionFailed];

async fn put(mount: &Mount, at: &AtomicKey, value: impl Into<Bytes>, condition: Condition) -> Result<Etag> {
    AtomicStore::put(mount, at, value.into(), condition).await
}

async fn set(mount: &Mount, at: &str, value: impl Into<Bytes>) -> Verdict<Etag> {
    Ok(put(mount, &key(at)?, value, Condition::Unconditional).await?)
}

async fn round_trip(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for size in [0, 1, 32, 4096, 65_537, VALUE_MAX as u64] {
        let data = context.data(context.fitting(size));
        let etag = set(&mount, "value", data.bytes()).await?;
        let value = mount.get(&key("value")?).await?;
        ensure!(value.data == data.bytes(), "a value of {} bytes came back as other {} bytes", data.size(), value.data.len());
        ensure!(value.etag == etag, "`put` answers the etag {} and `get` {}", etag.0, value.etag.0);
    }
    let odd = Bytes::from_static(b"\xff\xfe\0\xc3\x28\r\n");
    set(&mount, "value", odd.clone()).await?;
    ensure!(mount.get(&key("value")?).await?.data == odd, "bytes that are no UTF-8 came back changed");
    let answered = mount.unchecked().put_value("value", vec![7; VALUE_MAX + 1], Condition::Unconditional).await;
    refused(answered, &[ErrorKind::InvalidArgument], "`put` of a value of one byte over 1 MiB")?;
    ensure!(mount.get(&key("value")?).await?.data == odd, "a value changed by a `put` that was refused");
    Ok(())
}

async fn keys(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let long = format!("{}/{}", "k".repeat(200), "l".repeat(200));
    let valid = ["a", "A", "a/b", "a.b", "0-9/x", ".a", "_.a", "a--b", "docker/registry/v2", &long];
    for at in valid {
        set(&mount, at, at.to_owned()).await?;
    }
    for at in valid {
        ensure!(mount.get(&key(at)?).await?.data == at, "the key {at:?} has the value of another");
    }
    for wrong in ["", "/a", "a/", "a//b", "..", "../escaped", "a/../b", "./a", "a b", "a\0", "a\\b", "ä", &"k".repeat(201)] {
        let shown: String = wrong.chars().take(40).collect();
        refused(mount.unchecked().get(wrong).await, &[ErrorKind::InvalidPath], format_args!("`get` of the key {shown:?}"))?;
        let answered = mount.unchecked().put_value(wrong, b"not to be stored".to_vec(), Condition::Unconditional).await;
        refused(answered, &[ErrorKind::InvalidPath], format_args!("`put` at the key {shown:?}"))?;
    }
    Ok(())
}

async fn missing(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (nothing, gone) = (key("nothing/here")?, key("gone")?);
    refused(mount.get(&nothing).await, &[ErrorKind::NotFound], "`get` of nothing")?;
    AtomicStore::remove(&mount, &nothing, Condition::Unconditional).await?;
    set(&mount, "gone", "x").await?;
    AtomicStore::remove(&mount, &gone, Condition::Unconditional).await?;
    refused(mount.get(&gone).await, &[ErrorKind::NotFound], "`get` of what was removed")?;
    AtomicStore::remove(&mount, &gone, Condition::Unconditional).await?;
    // A prefix of a key is no key.
    set(&mount, "some/key", "x").await?;
    refused(mount.get(&key("some")?).await, &[ErrorKind::NotFound], "`get` of a prefix of a key")
}

/// 32 writers at once with one condition: one must win, the others must be refused with `lost`, and the winner's value stays.
async fn race(mount: &Mount, at: &AtomicKey, condition: &Condition, lost: ErrorKind) -> Verdict {
    let mut tasks = JoinSet::new();
    for index in 0..32 {
        let (mount, at, condition, value) = (mount.clone(), at.clone(), condition.clone(), format!("writer {index}"));
        tasks.spawn(async move { (value.clone(), put(&mount, &at, value, condition).await) });
    }
    let mut winner = None;
    while let Some(done) = tasks.join_next().await {
        match done? {
            (value, Ok(_)) => {
                ensure!(winner.is_none(), "of 32 concurrent puts with {condition:?}, two succeeded");
                winner = Some(value);
            }
            (_, refusal) => refused(refusal, &[lost], format_args!("a concurrent `put` with {condition:?} that lost"))?,
        }
    }
    let Some(winner) = winner else { return crate::verdict::failed(format!("of 32 concurrent puts with {condition:?}, none succeeded")) };
    ensure!(mount.get(at).await?.data == winner, "the value is not the winner's");
    Ok(())
}

async fn if_absent(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let at = key("absent/race")?;
    race(&mount, &at, &Condition::IfAbsent, ErrorKind::AlreadyExists).await?;
    let before = mount.get(&at).await?;
    refused(put(&mount, &at, "late", Condition::IfAbsent).await, &[ErrorKind::AlreadyExists], "`put` with `if-absent` over a value")?;
    ensure!(mount.get(&at).await? == before, "a value changed by a `put` with `if-absent` that was refused");
    AtomicStore::remove(&mount, &at, Condition::Unconditional).await?;
    put(&mount, &at, "again", Condition::IfAbsent).await?;
    Ok(())
}

async fn if_match(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (at, nothing) = (key("match/race")?, key("match/nothing")?);
    let absent = Condition::IfMatch(Etag("nothing-has-this-etag".to_owned()));
    refused(put(&mount, &nothing, "x", absent).await, STALE, "`put` with `if-match` where nothing is stored")?;
    refused(mount.get(&nothing).await, &[ErrorKind::NotFound], "`get` after a `put` that was refused")?;
    let mut etags = BTreeSet::new();
    let mut last = set(&mount, "match/race", "0").await?;
    etags.insert(last.0.clone());
    for round in 1..=20 {
        let next = put(&mount, &at, round.to_string(), Condition::IfMatch(last.clone())).await?;
        ensure!(etags.insert(next.0.clone()), "the etag {} came back with another value", next.0);
        refused(put(&mount, &at, "stale", Condition::IfMatch(last)).await, STALE, "`put` with a stale etag")?;
        ensure!(mount.get(&at).await?.data == round.to_string(), "a `put` with a stale etag changed the value");
        last = next;
    }
    race(&mount, &at, &Condition::IfMatch(last), ErrorKind::PreconditionFailed).await
}

async fn lost_update(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (here, both) = (key("counters/here")?, key("counters/both")?);
    increment(&mount, &here, 8, 100).await?;
    let found = number(&mount.get(&here).await?.data)?;
    ensure!(found == 800, "8 writers counted up 100 times each and ended at {found}");
    if let Some(mut worker) = context.second_process().await? {
        let order = Order::Increment { key: both.as_str().to_owned(), writers: 4, times: 100 };
        let (counted, told) = tokio::join!(increment(&mount, &both, 4, 100), worker.tell(order));
        counted?;
        told?;
        let found = number(&mount.get(&both).await?.data)?;
        ensure!(found == 800, "4 writers in each of two host processes counted up 100 times each and ended at {found}");
    }
    Ok(())
}

/// Keys around each other's boundaries, in byte order.
fn around() -> Vec<String> {
    let mut keys: Vec<String> = ["a", "a-b", "a.b", "a/b", "a/b/c", "a0", "ab", "A", "b", "b/a"].map(str::to_owned).to_vec();
    keys.extend((0..120).map(|index| format!("many/{index:03}")));
    keys.sort();
    keys
}

async fn filled(context: &Context) -> Verdict<(Mount, Vec<String>)> {
    let mount = context.mount().await?;
    let keys = around();
    for at in &keys {
        set(&mount, at, "x").await?;
    }
    Ok((mount, keys))
}

async fn all_pages(mount: &Mount, prefix: &str, limit: u32) -> Verdict<Vec<String>> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let page = AtomicStore::list(mount, prefix, keys.last().map(String::as_str), limit).await?;
        let (more, none) = (page.more, page.keys.is_empty());
        keys.extend(page.keys);
        ensure!(!(more && none), "a page has no key and says that more follow");
        if !more {
            return Ok(keys);
        }
    }
}

async fn list(context: &Context) -> Verdict {
    let (mount, keys) = filled(context).await?;
    for prefix in ["", "a", "a/", "a/b", "many/", "many/01", "b", "A", "zzz", "a/b/c/d"] {
        let expected: Vec<String> = keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        for limit in [1, 7, 1000] {
            let found = all_pages(&mount, prefix, limit).await?;
            ensure!(found == expected, "below the prefix {prefix:?}, in pages of {limit}: {found:?} where {expected:?} are due");
        }
    }
    for after in ["a", "a/", "a/a", "many/050x", "zzz", "0"] {
        let found = AtomicStore::list(&mount, "", Some(after), 5).await?.keys;
        let expected: Vec<String> = keys.iter().filter(|key| key.as_str() > after).take(5).cloned().collect();
        ensure!(found == expected, "after {after:?}: {found:?} where {expected:?} follow");
    }
    AtomicStore::remove(&mount, &key("a/b")?, Condition::Unconditional).await?;
    let found = all_pages(&mount, "a/b", 10).await?;
    ensure!(found == ["a/b/c"], "after `a/b` was removed, {found:?} is below it where `a/b/c` is");
    Ok(())
}

async fn count(context: &Context) -> Verdict {
    let (mount, keys) = filled(context).await?;
    for prefix in ["", "a", "a/", "many/", "many/01", "zzz"] {
        let expected = keys.iter().filter(|key| key.starts_with(prefix)).count() as u64;
        let counted = mount.count(prefix).await?;
        ensure!(counted == expected, "`count` of {prefix:?} is {counted} where the pages have {expected} keys");
    }
    Ok(())
}

async fn remove_condition(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let at = key("remove")?;
    let first = set(&mount, "remove", "1").await?;
    let second = set(&mount, "remove", "2").await?;
    let remove = async |condition| AtomicStore::remove(&mount, &at, condition).await;
    refused(remove(Condition::IfAbsent).await, &[ErrorKind::InvalidArgument], "`remove` with `if-absent`")?;
    if !context.claims().atomic_remove_if_match {
        for etag in [first, second] {
            refused(remove(Condition::IfMatch(etag)).await, &[ErrorKind::Unsupported], "`remove` with `if-match`, which is not claimed,")?;
        }
        ensure!(mount.get(&at).await?.data == "2", "a value changed by a `remove` that was refused");
        return Ok(());
    }
    refused(remove(Condition::IfMatch(first.clone())).await, STALE, "`remove` with a stale etag")?;
    ensure!(mount.get(&at).await?.data == "2", "a `remove` with a stale etag changed the value");
    remove(Condition::IfMatch(second)).await?;
    refused(mount.get(&at).await, &[ErrorKind::NotFound], "`get` after `remove` with the present etag")?;
    refused(remove(Condition::IfMatch(first)).await, STALE, "`remove` with `if-match` where nothing is stored")
}
