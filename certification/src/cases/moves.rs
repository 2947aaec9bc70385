//! Copies and renames: by the driver where it can, by the host where not.

use cofferdam::{Condition, ErrorKind, Etag, Interface, Mount, ObjectInfo, Result, StorePath, StreamingStore, fallback};

use crate::case::{STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, etag, holds, lacks, refused, write};
use crate::verdict::{Verdict, ensure, skip};

cases! {
    "copy.replaces", "a copy has the source's bytes, whole, whatever was at the destination, and the source stays",
        [STREAMING, WRITABLE] => copy_replaces;
    "copy.itself", "a copy onto itself loses nothing",
        [STREAMING, WRITABLE] => copy_itself;
    "copy.missing", "a copy of nothing is `not-found`, and the destination is untouched",
        [STREAMING, WRITABLE] => copy_missing;
    "copy.condition", "a claimed condition of a copy or a rename is about the destination; one that is not claimed is `unsupported`",
        [STREAMING, WRITABLE] => copy_condition;
    "rename.replaces", "a renamed object has the source's bytes, whole, whatever was at the destination, and the source is gone",
        [STREAMING, WRITABLE] => rename_replaces;
    "rename.itself", "a rename onto itself loses nothing",
        [STREAMING, WRITABLE] => rename_itself;
    "rename.missing", "a rename of nothing is `not-found`, and the destination is untouched",
        [STREAMING, WRITABLE] => rename_missing;
}

/// The two moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Copy,
    Rename,
}

impl Move {
    async fn run(self, mount: &Mount, source: &StorePath, destination: &StorePath) -> Result<ObjectInfo> {
        match self {
            Self::Copy => fallback::copy(mount, source, destination, Condition::Unconditional).await,
            Self::Rename => fallback::rename(mount, source, destination, Condition::Unconditional).await,
        }
    }
}

async fn replaces(context: &Context, mount: &Mount, what: Move) -> Verdict {
    let (source, data) = (at("/move/source")?, context.data(context.fitting_put(200_000)));
    let (fresh, taken) = (at("/moved/to/fresh")?, at("/move/taken")?);
    write(mount, &taken, &context.data(context.fitting_put(300_000))).await?;
    for destination in [&fresh, &taken] {
        write(mount, &source, &data).await?;
        let info = what.run(mount, &source, destination).await?;
        ensure!(info.size == data.size(), "{what:?} answers {} bytes where the source has {}", info.size, data.size());
        holds(mount, destination, &data, &format!("the destination of {what:?}")).await?;
        match what {
            Move::Copy => holds(mount, &source, &data, "the source of a copy").await?,
            Move::Rename => lacks(mount, &source, "the source of a rename").await?,
        }
    }
    // Two objects, not one under two names.
    if what == Move::Copy {
        write(mount, &source, &context.data(10)).await?;
        holds(mount, &fresh, &data, "a copy after its source was overwritten").await?;
    }
    Ok(())
}

async fn itself(context: &Context, what: Move) -> Verdict {
    let mount = context.mount().await?;
    let (path, data) = (at("/move/itself")?, context.data(context.fitting_put(50_000)));
    write(&mount, &path, &data).await?;
    what.run(&mount, &path, &path).await?;
    holds(&mount, &path, &data, &format!("after {what:?} onto itself")).await
}

async fn missing(context: &Context, what: Move) -> Verdict {
    let mount = context.mount().await?;
    let (nothing, destination, free) = (at("/move/nothing")?, at("/move/destination")?, at("/move/free")?);
    let data = context.data(5000);
    write(&mount, &destination, &data).await?;
    for destination in [&destination, &free] {
        refused(what.run(&mount, &nothing, destination).await, &[ErrorKind::NotFound], format_args!("{what:?} of nothing"))?;
    }
    // A prefix is no object either.
    refused(what.run(&mount, &at("/move")?, &free).await, &[ErrorKind::NotFound], format_args!("{what:?} of a prefix"))?;
    holds(&mount, &destination, &data, &format!("the destination after {what:?} of nothing")).await?;
    lacks(&mount, &free, &format!("after {what:?} of nothing")).await
}

async fn copy_replaces(context: &Context) -> Verdict {
    replaces(context, &context.mount().await?, Move::Copy).await
}

async fn rename_replaces(context: &Context) -> Verdict {
    replaces(context, &context.mount().await?, Move::Rename).await
}

async fn copy_itself(context: &Context) -> Verdict {
    itself(context, Move::Copy).await
}

async fn rename_itself(context: &Context) -> Verdict {
    itself(context, Move::Rename).await
}

async fn copy_missing(context: &Context) -> Verdict {
    missing(context, Move::Copy).await
}

async fn rename_missing(context: &Context) -> Verdict {
    missing(context, Move::Rename).await
}

async fn copy_condition(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let natives: Vec<Move> = [(Interface::Copying, Move::Copy), (Interface::Renaming, Move::Rename)]
        .into_iter()
        .filter_map(|(interface, what)| mount.has(interface).then_some(what))
        .collect();
    if natives.is_empty() {
        return skip("not claimed: copying, renaming");
    }
    for what in natives {
        conditions(context, &mount, what).await?;
    }
    Ok(())
}

async fn conditions(context: &Context, mount: &Mount, what: Move) -> Verdict {
    let (source, taken, free) = (at("/c/source")?, at("/c/taken")?, at(format!("/c/free-{what:?}"))?);
    let (data, old) = (context.data(1000), context.data(2000));
    write(mount, &source, &data).await?;
    write(mount, &taken, &old).await?;
    let run = async |destination: &StorePath, condition: Condition| match what {
        Move::Copy => mount.copy(&source, destination, condition).await,
        Move::Rename => mount.rename(&source, destination, condition).await,
    };
    let claims = context.claims();
    let over = if claims.put_if_absent { ErrorKind::AlreadyExists } else { ErrorKind::Unsupported };
    refused(run(&taken, Condition::IfAbsent).await, &[over], format_args!("{what:?} with `if-absent` over an object"))?;
    let stale = if claims.put_if_match { ErrorKind::PreconditionFailed } else { ErrorKind::Unsupported };
    // The source's etag is none of the destination's.
    for wrong in [Etag("stale".to_owned()), etag(mount, &source).await?] {
        refused(run(&taken, Condition::IfMatch(wrong)).await, &[stale], format_args!("{what:?} with a stale etag"))?;
    }
    holds(mount, &taken, &old, &format!("the destination of {what:?} whose condition was refused")).await?;
    holds(mount, &source, &data, &format!("the source of {what:?} whose condition was refused")).await?;
    if claims.put_if_match {
        let present = etag(mount, &taken).await?;
        run(&taken, Condition::IfMatch(present)).await?;
        holds(mount, &taken, &data, &format!("{what:?} with the present etag")).await?;
        write(mount, &source, &data).await?;
    }
    if claims.put_if_absent {
        run(&free, Condition::IfAbsent).await?;
        holds(mount, &free, &data, &format!("{what:?} with `if-absent` to a free path")).await?;
    }
    Ok(())
}
