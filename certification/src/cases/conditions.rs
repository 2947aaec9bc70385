//! Writing under conditions: checked and acted upon in one step, or refused.

use cofferdam::{Condition, ErrorKind, Etag, Mount, StorePath, StreamingStore};

use crate::case::{PUT_IF_ABSENT, PUT_IF_MATCH, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, etag, holds, lacks, refused, write, write_if};
use crate::verdict::{Verdict, ensure, skip};
use crate::worker::{Order, PlainCondition, Worker, winners};

cases! {
    "put.if-absent", "of 32 concurrent puts with `if-absent` one creates the object and the others are `already-exists`, also from two host processes",
        [STREAMING, WRITABLE, PUT_IF_ABSENT] => if_absent;
    "put.if-match", "`if-match` writes for the present etag, once; a stale etag, or nothing stored, is `precondition-failed` and changes nothing",
        [STREAMING, WRITABLE, PUT_IF_MATCH] => if_match;
    "put.unclaimed-condition", "a condition that is not claimed is `unsupported`, and nothing is overwritten",
        [STREAMING, WRITABLE] => unclaimed;
}

fn tries(context: &Context, count: usize) -> Vec<Data> {
    (0..count).map(|_| context.data(2000)).collect()
}

/// Lets 32 writers race for `path`, half of them in a second process if there is one; exactly one must win, and what
/// is stored must be one of the things that were tried.
async fn race(context: &Context, mount: &Mount, worker: Option<&mut Worker>, path: &StorePath, condition: Condition) -> Verdict {
    let mut here = tries(context, 32);
    let (won_here, won_there, there) = match worker {
        None => (winners(mount, path, &condition, &here).await?, 0, Vec::new()),
        Some(worker) => {
            let there = here.split_off(16);
            let plain = match &condition {
                Condition::IfMatch(etag) => PlainCondition::IfMatch(etag.0.clone()),
                _ => PlainCondition::IfAbsent,
            };
            let order = Order::RacePut { path: path.to_string(), condition: plain, tries: there.clone() };
            let (won_here, won_there) = tokio::join!(winners(mount, path, &condition, &here), worker.tell(order));
            (won_here?, won_there?.parse::<usize>().unwrap_or_default(), there)
        }
    };
    let won = won_here.len() + won_there;
    ensure!(won == 1, "of 32 concurrent puts with {condition:?}, {won} succeeded instead of one");
    match won_here.first() {
        Some(winner) => holds(mount, path, winner, "what the one winner stored").await,
        None => {
            for data in &there {
                if holds(mount, path, data, "").await.is_ok() {
                    return Ok(());
                }
            }
            crate::verdict::failed("what is stored after the race is none of what was tried")
        }
    }
}

async fn if_absent(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (path, data) = (at("/absent/first")?, context.data(500));
    write_if(&mount, &path, &data, Condition::IfAbsent).await??;
    refused(
        write_if(&mount, &path, &context.data(600), Condition::IfAbsent).await?,
        &[ErrorKind::AlreadyExists],
        "`put` with `if-absent` over an object",
    )?;
    holds(&mount, &path, &data, "after a `put` with `if-absent` over it").await?;
    race(context, &mount, None, &at("/absent/race")?, Condition::IfAbsent).await?;
    if let Some(mut worker) = context.second_process().await? {
        for round in 0..8 {
            race(context, &mount, Some(&mut worker), &at(format!("/absent/two-{round}"))?, Condition::IfAbsent).await?;
        }
    }
    mount.remove(std::slice::from_ref(&path)).await?;
    write_if(&mount, &path, &data, Condition::IfAbsent).await??;
    holds(&mount, &path, &data, "created again after it was removed").await
}

async fn if_match(context: &Context) -> Verdict {
    const STALE: &[ErrorKind] = &[ErrorKind::PreconditionFailed];
    let mount = context.mount().await?;
    let (path, missing) = (at("/match/object")?, at("/match/missing")?);
    let absent = Condition::IfMatch(Etag("nothing-has-this-etag".to_owned()));
    refused(write_if(&mount, &missing, &context.data(10), absent).await?, STALE, "`put` with `if-match` where nothing is stored")?;
    lacks(&mount, &missing, "after a `put` with `if-match` where nothing is stored").await?;
    write(&mount, &path, &context.data(1000)).await?;
    let first = etag(&mount, &path).await?;
    let second = context.data(1000);
    write_if(&mount, &path, &second, Condition::IfMatch(first.clone())).await??;
    refused(write_if(&mount, &path, &context.data(1000), Condition::IfMatch(first)).await?, STALE, "`put` with a stale etag")?;
    holds(&mount, &path, &second, "after a `put` with a stale etag").await?;
    race(context, &mount, None, &path, Condition::IfMatch(etag(&mount, &path).await?)).await?;
    if let Some(mut worker) = context.second_process().await? {
        for _ in 0..8 {
            let present = etag(&mount, &path).await?;
            race(context, &mount, Some(&mut worker), &path, Condition::IfMatch(present)).await?;
        }
    }
    Ok(())
}

async fn unclaimed(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let (path, old) = (at("/unclaimed")?, context.data(700));
    write(&mount, &path, &old).await?;
    let mut asked = Vec::new();
    if !context.claims().put_if_absent {
        asked.push((path.clone(), Condition::IfAbsent));
        asked.push((at("/unclaimed-new")?, Condition::IfAbsent));
    }
    if !context.claims().put_if_match {
        asked.push((path.clone(), Condition::IfMatch(etag(&mount, &path).await?)));
        asked.push((path.clone(), Condition::IfMatch(Etag("stale".to_owned()))));
    }
    if asked.is_empty() {
        return skip("both conditions are claimed");
    }
    for (path, condition) in asked {
        let what = format!("`put` with {condition:?}, which is not claimed,");
        refused(write_if(&mount, &path, &context.data(50), condition).await?, &[ErrorKind::Unsupported], what)?;
    }
    holds(&mount, &path, &old, "after a condition that is not claimed").await?;
    lacks(&mount, &at("/unclaimed-new")?, "after a condition that is not claimed").await
}
