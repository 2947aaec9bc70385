//! `get` and `cat`: objects out of the store. A local file is whole or not there.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cofferdam::{ByteRange, Mount, ObjectInfo, Opened, Prefix, StorePath, StreamingStore as _, fallback};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::below;
use super::transfer::{AT_ONCE, Transfer};
use crate::args::{CatArgs, GetArgs};
use crate::failure::Advised;
use crate::output::Output;
use crate::progress;

/// Runs `get`.
///
/// # Errors
/// The first that failed; local files made before it stay, whole.
pub(crate) async fn run(arguments: &GetArgs, quiet: bool) -> Result<()> {
    if arguments.recursive {
        return get_below(arguments, quiet).await;
    }
    let path = StorePath::new(&arguments.remote)?;
    let mount = arguments.driver.mount().await?;
    if arguments.local == Path::new("-") {
        return print(&mount, &[path]).await;
    }
    let local = if arguments.local.is_dir() { arguments.local.join(path.name()) } else { arguments.local.clone() };
    let opened = mount.open(&path, ByteRange::Whole).await?;
    let bar = progress::bytes(Some(opened.info.size), quiet);
    bar.set_message(path.to_string());
    let mut transfer = Transfer::new(bar.clone());
    transfer.done(save(opened, &local, &bar).await?);
    transfer.finish("got", arguments.json, quiet)
}

/// Runs `cat`.
///
/// # Errors
/// The first object that cannot be read.
pub(crate) async fn cat(arguments: &CatArgs) -> Result<()> {
    let paths = arguments.remote.iter().map(StorePath::new).collect::<cofferdam::Result<Vec<_>>>()?;
    print(&arguments.driver.mount().await?, &paths).await
}

async fn print(mount: &Mount, paths: &[StorePath]) -> Result<()> {
    for path in paths {
        let mut content = mount.open(path, ByteRange::Whole).await?.content.into_stream();
        let mut output = Output::new();
        while let Some(bytes) = content.try_next().await? {
            output.bytes(&bytes)?;
        }
        output.finish()?;
    }
    Ok(())
}

async fn get_below(arguments: &GetArgs, quiet: bool) -> Result<()> {
    let prefix = below(&arguments.remote)?;
    let mount = arguments.driver.mount().await?;
    let objects: Vec<ObjectInfo> = fallback::walk(&mount, &prefix).try_collect().await?;
    let bar = progress::bytes(Some(objects.iter().map(|info| info.size).sum()), quiet);
    let mut transfer = Transfer::new(bar.clone());
    let fetch = |info: &ObjectInfo| {
        let local = local_path(&arguments.local, &prefix, &info.path);
        fetch(mount.clone(), info.path.clone(), local, bar.clone())
    };
    let mut fetched = stream::iter(objects.iter().map(fetch)).buffer_unordered(AT_ONCE);
    while let Some(bytes) = fetched.try_next().await? {
        transfer.done(bytes);
    }
    drop(fetched);
    transfer.finish("got", arguments.json, quiet)
}

async fn fetch(mount: Mount, path: StorePath, local: PathBuf, bar: ProgressBar) -> Result<u64> {
    bar.set_message(path.to_string());
    if let Some(parent) = local.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make the directory {}", parent.display()))?;
    }
    save(mount.open(&path, ByteRange::Whole).await?, &local, &bar).await
}

/// Where the object at `path` goes below the directory `local`. The rules of store paths keep it below.
fn local_path(local: &Path, prefix: &Prefix, path: &StorePath) -> PathBuf {
    let relative = if prefix.is_root() { path.as_str() } else { path.as_str().strip_prefix(prefix.as_str()).unwrap_or(path.as_str()) };
    local.join(relative.trim_start_matches('/'))
}

/// Writes what was opened to `local`: to a temporary file beside it that takes its name once it is whole.
async fn save(opened: Opened, local: &Path, bar: &ProgressBar) -> Result<u64> {
    // A pipe or a device is written to, not replaced.
    if local.metadata().is_ok_and(|found| !found.is_file()) {
        let file = File::options().write(true).open(local).with_context(|| format!("cannot write {}", local.display()))?;
        return fill(opened, file, local, bar).await;
    }
    let directory = local.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = temporary(directory)?;
    let file = temporary.reopen().with_context(|| format!("cannot write in {}", directory.display()))?;
    let length = fill(opened, file, local, bar).await?;
    temporary.persist(local).map_err(|error| error.error).with_context(|| format!("cannot write {}", local.display()))?;
    Ok(length)
}

fn temporary(directory: &Path) -> Result<NamedTempFile> {
    let made = tempfile::Builder::new()
        .prefix(".cofferdam-")
        .suffix(".partial")
        // As any new file: what the user's umask leaves of it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory);
    made.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Advised::new(format!("no such directory: {}", directory.display()), format!("make it: mkdir -p {}", directory.display())).into()
        }
        _ => anyhow::Error::new(error).context(format!("cannot write in {}", directory.display())),
    })
}

async fn fill(opened: Opened, mut file: File, local: &Path, bar: &ProgressBar) -> Result<u64> {
    let mut content = opened.content.into_stream();
    let mut length = 0;
    while let Some(bytes) = content.try_next().await? {
        let size = bytes.len() as u64;
        let write = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file));
        file = write.await?.with_context(|| format!("cannot write {}", local.display()))?;
        bar.inc(size);
        length += size;
    }
    ensure!(length == opened.info.size, "{} ended after {length} of {} bytes", opened.info.path, opened.info.size);
    Ok(length)
}
