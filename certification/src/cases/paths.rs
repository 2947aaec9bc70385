//! What names are: the empty root, every allowed shape, every forbidden one.

use cofferdam::{ByteRange, Condition, Content, ErrorKind, Interface, ListOptions, Mount, Prefix, StreamingStore};

use crate::case::{LISTABLE, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::steps::{at, holds, lacks, refused, write};
use crate::verdict::{Verdict, ensure};

cases! {
    "root.lists-empty", "an empty store lists `/` as an empty page, recursive or not, and that is no error",
        [STREAMING, WRITABLE, LISTABLE] => root_lists_empty;
    "path.valid", "objects at paths of every allowed shape, case kept, up to 900 bytes and components of 200, come back as they went in",
        [STREAMING, WRITABLE] => valid;
    "path.invalid", "every function refuses paths that break the rules with `invalid-path`; asked past the host's check, the driver stays inside its grant",
        [STREAMING] => invalid;
}

/// Shapes that real registries use, and the corners of the character set.
const VALID: &[&str] = &[
    "/a",
    "/2",
    "/aa",
    "/a.a",
    "/0-9/abcdefg",
    "/abcdefg/z.75",
    "/abc/1.2.3.4.5-6_zyx/123.z/4",
    "/docker/docker-registry",
    "/123.abc",
    "/abc./abc",
    "/.abc",
    "/a--b",
    "/a-.b",
    "/_.abc",
    "/Docker/docker-registry",
    "/Abc/Cba",
    "/...",
    "/-",
    "/_",
];

async fn root_lists_empty(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for recursive in [false, true] {
        let page = mount.list(&Prefix::root(), ListOptions { recursive, ..ListOptions::default() }).await?;
        ensure!(page.entries.is_empty(), "an empty store lists {} entries, the first being {}", page.entries.len(), page.entries[0].path);
        ensure!(page.next.is_none(), "the list of an empty store says that more may follow");
    }
    Ok(())
}

/// A path of exactly `length` bytes.
fn long_path(length: usize) -> String {
    let mut path = String::new();
    while path.len() < length {
        let component = (length - path.len() - 1).min(180);
        path.push('/');
        path.push_str(&"p".repeat(component));
    }
    path
}

async fn valid(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    let mut stored = Vec::new();
    let long = [long_path(900), format!("/{}", "c".repeat(200)), format!("/x/{}/y", "C".repeat(200))];
    for path in VALID.iter().copied().chain(long.iter().map(String::as_str)) {
        let (path, data) = (at(path)?, context.data(64));
        write(&mount, &path, &data).await?;
        stored.push((path, data));
    }
    // Only now, so that one that took the place of another shows.
    for (path, data) in &stored {
        holds(&mount, path, data, "a path of an allowed shape").await?;
    }
    lacks(&mount, &at("/ABC/Cba")?, "case is kept").await
}

fn forbidden() -> Vec<String> {
    let mut paths: Vec<String> =
        ["", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/a/../b", "/./a", "/a/.", "/..", "/../escaped", "/a\0b", "/a\\b", "/a b", "/ä"]
            .map(str::to_owned)
            .to_vec();
    paths.push(long_path(901));
    paths.push(format!("/{}", "c".repeat(201)));
    paths
}

async fn invalid(context: &Context) -> Verdict {
    let mount = context.mount().await?;
    for path in forbidden() {
        let shown: String = path.chars().take(40).collect();
        ensure!(at(&path).is_err(), "the host takes {shown:?} for a path");
        asked_directly(context, &mount, &path, &shown).await?;
    }
    Ok(())
}

/// The driver's own check: a host that forgot its own must not be the end of the sandbox.
async fn asked_directly(context: &Context, mount: &Mount, path: &str, shown: &str) -> Verdict {
    const WRONG: &[ErrorKind] = &[ErrorKind::InvalidPath];
    let unchecked = mount.unchecked();
    refused(unchecked.stat(path).await, WRONG, format_args!("`stat` of {shown:?}"))?;
    refused(unchecked.open(path, ByteRange::Whole).await, WRONG, format_args!("`open` of {shown:?}"))?;
    if context.claims().writable {
        let content = Content::from_bytes("this is not to be stored");
        refused(unchecked.put(path, content, Condition::Unconditional).await, WRONG, format_args!("`put` at {shown:?}"))?;
        let answered = unchecked.remove(&[path]).await?;
        ensure!(answered.len() == 1, "`remove` of one path gave {} answers", answered.len());
        for result in answered {
            refused(result, WRONG, format_args!("`remove` of {shown:?}"))?;
        }
        if mount.has(Interface::Uploads) {
            refused(unchecked.create_upload(path).await, WRONG, format_args!("`create` at {shown:?}"))?;
        }
    }
    if context.claims().listable && path != "/" {
        refused(unchecked.list(path, &ListOptions::default()).await, WRONG, format_args!("`list` of {shown:?}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_as_long_as_they_say() {
        assert_eq!(long_path(900).len(), 900);
        assert!(at(long_path(900)).is_ok());
        assert_eq!(long_path(901).len(), 901);
        assert!(forbidden().iter().all(|path| at(path).is_err()));
        assert!(VALID.iter().all(|path| at(path).is_ok()));
    }
}
