//! `rm`, `mv` and `cp`: changes of what is stored.

use anyhow::Result;
use cofferdam::{Error, ErrorKind, Mount, Prefix, StorePath, StreamingStore as _, fallback};

use super::{below, condition, destination};
use crate::args::{MoveArgs, RmArgs};

/// Runs `rm`.
///
/// # Errors
/// `not-found` unless forced, and what the driver reports.
pub(crate) async fn rm(arguments: &RmArgs) -> Result<()> {
    if arguments.recursive {
        let prefixes = arguments.remote.iter().map(|remote| below(remote)).collect::<Result<Vec<_>>>()?;
        let mount = arguments.driver.mount().await?;
        for prefix in &prefixes {
            forgiven(remove_below(&mount, prefix).await, arguments.force)?;
        }
        return Ok(());
    }
    let paths = arguments.remote.iter().map(StorePath::new).collect::<cofferdam::Result<Vec<_>>>()?;
    let mount = arguments.driver.mount().await?;
    if !arguments.force {
        // The store takes a missing object for removed; who typed a path wants to know.
        for path in &paths {
            mount.stat(path).await?;
        }
    }
    for removed in mount.remove(&paths).await? {
        removed?;
    }
    Ok(())
}

/// Removes the object at `prefix`, if there is one, and all that is below it.
async fn remove_below(mount: &Mount, prefix: &Prefix) -> cofferdam::Result<()> {
    let object = match StorePath::new(prefix.as_str()) {
        Ok(path) => found(mount.stat(&path).await)?.map(|info| info.path),
        // The root is no object.
        Err(_) => None,
    };
    let below = fallback::remove_tree(mount, prefix).await;
    let Some(path) = object else { return below.map(|_| ()) };
    found(below)?;
    mount.remove(&[path]).await?.into_iter().collect()
}

fn found<T>(result: cofferdam::Result<T>) -> cofferdam::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn forgiven(result: Result<(), Error>, force: bool) -> Result<(), Error> {
    match result {
        Err(error) if force && error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Runs `mv`: in one step where the driver can, otherwise as a copy and a removal.
///
/// # Errors
/// `not-found`, and what the driver reports.
pub(crate) async fn mv(arguments: &MoveArgs) -> Result<()> {
    let (source, target) = ends(arguments)?;
    fallback::rename(&arguments.driver.mount().await?, &source, &target, condition(arguments.if_absent)).await?;
    Ok(())
}

/// Runs `cp`: within the store where the driver can, otherwise through the host.
///
/// # Errors
/// `not-found`, and what the driver reports.
pub(crate) async fn cp(arguments: &MoveArgs) -> Result<()> {
    let (source, target) = ends(arguments)?;
    fallback::copy(&arguments.driver.mount().await?, &source, &target, condition(arguments.if_absent)).await?;
    Ok(())
}

fn ends(arguments: &MoveArgs) -> Result<(StorePath, StorePath)> {
    let source = StorePath::new(&arguments.source)?;
    let target = destination(&arguments.destination, source.name())?;
    Ok((source, target))
}
