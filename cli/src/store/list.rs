//! `ls` and `stat`: what is stored.

use anyhow::Result;
use cofferdam::{EntryKind, Error, ErrorKind, ListOptions, Mount, ObjectInfo, Prefix, StorePath, StreamingStore as _};

use super::below;
use crate::args::{LsArgs, StatArgs};
use crate::output::{self, Entry, Output};

/// Runs `ls`.
///
/// # Errors
/// `not-found` where nothing is, and what the driver reports.
pub(crate) async fn ls(arguments: &LsArgs) -> Result<()> {
    let prefix = below(&arguments.prefix)?;
    let mount = arguments.driver.mount().await?;
    let mut list = List { output: Output::new(), long: arguments.long, json: arguments.json, entries: 0 };
    let mut options = ListOptions { recursive: arguments.recursive, ..ListOptions::default() };
    loop {
        let page = match mount.list(&prefix, options.clone()).await {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::NotFound && options.cursor.is_none() => {
                list.entry(&object(&mount, &prefix, error).await?)?;
                break;
            }
            Err(error) => return Err(error.into()),
        };
        page.entries.iter().try_for_each(|info| list.entry(info))?;
        options.cursor = page.next;
        if options.cursor.is_none() {
            break;
        }
    }
    list.finish()
}

/// The object that stands where a prefix was looked for, as `ls FILE` shows the file.
async fn object(mount: &Mount, prefix: &Prefix, error: Error) -> Result<ObjectInfo> {
    let path = StorePath::new(prefix.as_str()).map_err(|_| error.clone())?;
    Ok(mount.stat(&path).await.map_err(|other| if other.kind() == ErrorKind::NotFound { error } else { other })?)
}

/// What `ls` prints, entry by entry: a large list is never held.
struct List {
    output: Output,
    long: bool,
    json: bool,
    entries: u64,
}

impl List {
    fn entry(&mut self, info: &ObjectInfo) -> Result<()> {
        self.entries += 1;
        if self.json {
            let before = if self.entries == 1 { "[\n  " } else { ",\n  " };
            self.output.bytes(before.as_bytes())?;
            return self.output.bytes(serde_json::to_string(&Entry::new(info))?.as_bytes());
        }
        let slash = if info.kind == EntryKind::Prefix { "/" } else { "" };
        if !self.long {
            return self.output.line(format_args!("{}{slash}", info.path));
        }
        let size = if info.kind == EntryKind::Prefix { "-".to_owned() } else { output::size(info.size) };
        let time = info.modified.map_or_else(|| "-".to_owned(), output::time);
        self.output.line(format_args!("{size:>10}  {time:<20}  {}{slash}", info.path))
    }

    fn finish(mut self) -> Result<()> {
        if self.json {
            self.output.line(if self.entries == 0 { "[]" } else { "\n]" })?;
        }
        self.output.finish()
    }
}

/// Runs `stat`.
///
/// # Errors
/// `not-found`, also for a prefix, and what the driver reports.
pub(crate) async fn stat(arguments: &StatArgs) -> Result<()> {
    let path = StorePath::new(&arguments.remote)?;
    let info = arguments.driver.mount().await?.stat(&path).await?;
    if arguments.json {
        return output::print_json(&Entry::new(&info));
    }
    let mut output = Output::new();
    output.line(format_args!("path      {}", info.path))?;
    output.line(format_args!("kind      {}", output::kind(info.kind)))?;
    output.line(format_args!("size      {} ({} bytes)", output::size(info.size), info.size))?;
    if let Some(modified) = info.modified {
        output.line(format_args!("modified  {}", output::time(modified)))?;
    }
    if let Some(etag) = &info.etag {
        output.line(format_args!("etag      {}", etag.0.escape_debug()))?;
    }
    // The driver's own words must not write into the terminal.
    for (name, value) in &info.attributes {
        output.line(format_args!("{}: {}", name.escape_debug(), value.escape_debug()))?;
    }
    output.finish()
}
