//! `put`: files, directories and standard input into the store.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use bytes::Bytes;
use cofferdam::{Condition, Content, Error, Mount, StreamingStore as _};
use futures::stream::{self, Stream, TryStreamExt as _};
use indicatif::ProgressBar;

use super::condition;
use super::transfer::{AT_ONCE, Transfer};
use super::tree::{self, Item};
use crate::args::PutArgs;
use crate::progress;

/// One read of a pipe. 256 KiB: four times what a pipe holds, so that a read takes all there is.
const CHUNK: usize = 256 << 10;

/// Runs `put`.
///
/// # Errors
/// The first that failed; what was stored before it stays, whole.
pub(crate) async fn run(arguments: &PutArgs, quiet: bool) -> Result<()> {
    let plan = tree::plan(&arguments.local, &arguments.remote, arguments.recursive)?;
    let mount = arguments.driver.mount().await?;
    if !quiet {
        for skipped in &plan.skipped {
            eprintln!("skipped {skipped}");
        }
    }
    let bar = progress::bytes(plan.bytes(), quiet);
    let mut transfer = Transfer::new(bar.clone());
    let condition = condition(arguments.if_absent);
    let mut stored = stream::iter(plan.items.iter().map(|item| Ok(put(&mount, item, condition.clone(), &bar)))).try_buffer_unordered(AT_ONCE);
    while let Some(bytes) = stored.try_next().await? {
        transfer.done(bytes);
    }
    transfer.finish("put", arguments.json, quiet)
}

async fn put(mount: &Mount, item: &Item, condition: Condition, bar: &ProgressBar) -> Result<u64> {
    bar.set_message(item.path.to_string());
    let (file, offset) = item.source.open()?;
    let found = file.metadata().with_context(|| format!("cannot read {}", item.source.name()))?;
    let content = if found.is_file() {
        Content::from_file(file, offset, found.len().saturating_sub(offset))
    } else {
        Content::live(pipe(file, bar.clone()), None)
    };
    let counted = content.size().is_none();
    let info = mount.put(&item.path, content, condition).await.with_context(|| format!("cannot store {}", item.source.name()))?;
    if !counted {
        bar.inc(info.size);
    }
    Ok(info.size)
}

/// What comes out of a pipe or a device, read on a thread that may block.
fn pipe(file: File, bar: ProgressBar) -> impl Stream<Item = cofferdam::Result<Bytes>> + Send + 'static {
    stream::try_unfold(file, move |mut file| {
        let bar = bar.clone();
        async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut buffer = vec![0; CHUNK];
                let length = file.read(&mut buffer)?;
                buffer.truncate(length);
                Ok::<_, std::io::Error>((Bytes::from(buffer), file))
            });
            let (bytes, file) = read.await.map_err(|error| Error::from(std::io::Error::other(error)))??;
            bar.inc(bytes.len() as u64);
            Ok((!bytes.is_empty()).then_some((bytes, file)))
        }
    })
}
