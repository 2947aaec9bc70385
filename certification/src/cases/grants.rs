//! Every operation with every grant withheld: a typed refusal that names the grant, and nothing touched.

use std::collections::BTreeSet;

use cofferdam::{
    Access, ByteRange, Condition, Content, ErrorKind, Grant, GrantKind, Interface, ListOptions, LoadError, Mount, MountOptions, Part, Prefix, Result,
    StreamingStore, WrittenPart,
};
use futures::future::BoxFuture;

use crate::case::cases;
use crate::context::Context;
use crate::scratch::snapshot;
use crate::steps::{at, atomic, key, write};
use crate::verdict::{Verdict, ensure, failed};

cases! {
    "grant.matrix", "each operation with each grant withheld is refused by a typed error that names the grant, and nothing is touched",
        [] => matrix;
}

async fn matrix(context: &Context) -> Verdict {
    let needs = context.driver().inspection().needs();
    for kind in &needs {
        whole_kind(context, *kind).await?;
    }
    if needs.is_empty() {
        let bare = Grant { directories: Vec::new(), connections: Vec::new(), http: Vec::new(), sockets: Vec::new(), ..context.grant().clone() };
        Mount::open(context.driver(), &bare, MountOptions::default()).await?;
        context.note("the driver needs no grant, and runs without any");
        return Ok(());
    }
    for index in 0..context.grant().directories.len() {
        let mut grant = context.grant().clone();
        let name = std::mem::replace(&mut grant.directories[index].name, "/certify-withheld".to_owned());
        by_another_name(context, &name, &grant).await?;
    }
    for index in 0..context.grant().connections.len() {
        let mut grant = context.grant().clone();
        let name = std::mem::replace(&mut grant.connections[index].name, "certify-withheld".to_owned());
        by_another_name(context, &name, &grant).await?;
    }
    if context.claims().writable && !context.places().is_empty() {
        read_only(context).await?;
    }
    Ok(())
}

/// Without anything of one kind the driver must not even load, and the error says what would allow it.
async fn whole_kind(context: &Context, kind: GrantKind) -> Verdict {
    let mut grant = context.grant().clone();
    let (import, table) = match kind {
        GrantKind::Directory => {
            grant.directories.clear();
            ("files", "[[directory]]")
        }
        GrantKind::Connection => {
            grant.connections.clear();
            ("connections", "[[connection]]")
        }
        GrantKind::Http => {
            grant.http.clear();
            ("http", "[[http]]")
        }
    };
    match Mount::open(context.driver(), &grant, MountOptions::default()).await {
        Err(LoadError::NotGranted { imports, remedy }) => {
            ensure!(imports.iter().any(|named| named.contains(import)), "the refusal names {imports:?}, and not the import `{import}`");
            ensure!(remedy.contains(table), "the refusal does not show the lines of a grant that would allow it: {table}");
            Ok(())
        }
        Err(error) => failed(format!("without any {table} granted: {error}")),
        Ok(_) => failed(format!("a driver that imports `{import}` loads without any {table} granted")),
    }
}

/// One operation of a driver, by name.
type Operation<'a> = (&'static str, bool, BoxFuture<'a, Result<()>>);

/// Every operation that the driver exports; true for those that write.
fn operations<'a>(mount: &'a Mount, names: &'a Names) -> Vec<Operation<'a>> {
    let mut all: Vec<Operation<'a>> = vec![("health", false, Box::pin(mount.health()))];
    let unconditional = || Condition::Unconditional;
    if mount.has(Interface::StreamingStore) {
        all.push(("stat", false, Box::pin(async { mount.stat(&names.path).await.map(drop) })));
        all.push(("open", false, Box::pin(async { mount.open(&names.path, ByteRange::Whole).await?.content.bytes(1 << 20).await.map(drop) })));
        if mount.claims().listable {
            all.push(("list", false, Box::pin(async { mount.list(&Prefix::root(), ListOptions::default()).await.map(drop) })));
            let recursive = ListOptions { recursive: true, ..ListOptions::default() };
            all.push(("list, recursive", false, Box::pin(async { mount.list(&Prefix::root(), recursive).await.map(drop) })));
        }
        all.push(("put", true, Box::pin(async move { mount.put(&names.path, Content::from_bytes("x"), unconditional()).await.map(drop) })));
        all.push((
            "put elsewhere",
            true,
            Box::pin(async move { mount.put(&names.other, Content::from_bytes("x"), unconditional()).await.map(drop) }),
        ));
        all.push((
            "remove",
            true,
            Box::pin(async { mount.remove(std::slice::from_ref(&names.path)).await?.into_iter().collect::<Result<Vec<()>>>().map(drop) }),
        ));
    }
    if mount.has(Interface::Uploads) {
        let part = Part { number: 2, offset: names.part.length, writer: 1 };
        all.push(("create", true, Box::pin(async { mount.create_upload(&names.other).await.map(drop) })));
        all.push(("write-part", true, Box::pin(async move { mount.write_part(&names.token, part, Content::from_bytes("x")).await.map(drop) })));
        let parts = std::slice::from_ref(&names.part);
        all.push((
            "complete",
            true,
            Box::pin(async move { mount.complete_upload(&names.token, parts, &names.upload, unconditional()).await.map(drop) }),
        ));
        all.push(("abort", true, Box::pin(mount.abort_upload(&names.token))));
    }
    if mount.has(Interface::UploadListing) {
        all.push(("find", false, Box::pin(async { mount.find_uploads(None, 10).await.map(drop) })));
        all.push(("written", false, Box::pin(async { mount.written_parts(&names.token).await.map(drop) })));
    }
    if mount.has(Interface::Copying) {
        all.push(("copy", true, Box::pin(async move { mount.copy(&names.path, &names.other, unconditional()).await.map(drop) })));
    }
    if mount.has(Interface::Renaming) {
        all.push(("rename", true, Box::pin(async move { mount.rename(&names.path, &names.other, unconditional()).await.map(drop) })));
    }
    if mount.has(Interface::ContentStore) {
        all.push(("store", true, Box::pin(async { mount.store(Content::from_bytes("x"), "sha256").await.map(drop) })));
    }
    if mount.has(Interface::AtomicStore) {
        all.push(("get", false, Box::pin(async { atomic(mount).get(&names.key).await.map(drop) })));
        if mount.claims().listable {
            all.push(("atomic list", false, Box::pin(async { atomic(mount).list("", None, 10).await.map(drop) })));
            all.push(("count", false, Box::pin(async { atomic(mount).count("").await.map(drop) })));
        }
        all.push(("atomic put", true, Box::pin(async move { atomic(mount).put(&names.key, "x".into(), unconditional()).await.map(drop) })));
        all.push(("atomic remove", true, Box::pin(async move { atomic(mount).remove(&names.key, unconditional()).await })));
    }
    all
}

/// What the operations are about.
struct Names {
    path: cofferdam::StorePath,
    other: cofferdam::StorePath,
    upload: cofferdam::StorePath,
    key: cofferdam::AtomicKey,
    token: cofferdam::UploadToken,
    part: WrittenPart,
}

impl Names {
    /// Stores what they are about, with the grant whole, where the driver can.
    async fn stored(context: &Context) -> Verdict<Self> {
        let mount = context.mount().await?;
        let (path, upload, at_key) = (at("/matrix/object")?, at("/matrix/upload")?, key("matrix/value")?);
        let (mut token, mut id) = (cofferdam::UploadToken::new("none")?, cofferdam::PartId::new("none")?);
        let size = context.part_size();
        if context.claims().writable {
            if mount.has(Interface::StreamingStore) {
                write(&mount, &path, &context.data(100)).await?;
            }
            if mount.has(Interface::Uploads) {
                token = mount.create_upload(&upload).await?;
                id = mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, context.data(size).content().await?).await?;
            }
            if mount.has(Interface::AtomicStore) {
                atomic(&mount).put(&at_key, "value".into(), Condition::Unconditional).await?;
            }
        }
        let part = WrittenPart { number: 1, offset: 0, length: size, writer: 1, id };
        Ok(Self { path, other: at("/matrix/other")?, upload, key: at_key, token, part })
    }
}

/// The same thing, granted in `grant` by another name than `name`, which the driver's settings do not know: each operation is
/// refused, or `configure` is.
async fn by_another_name(context: &Context, name: &str, grant: &Grant) -> Verdict {
    let names = Names::stored(context).await?;
    let before = seen(context)?;
    match Mount::open(context.driver(), grant, MountOptions::default()).await {
        Err(LoadError::Start(error)) => {
            ensure!(error.to_string().contains(name), "with {name} withheld `configure` must name it, and says: {error}")
        }
        Err(error) => return failed(format!("with {name} withheld the driver could not be mounted: {error}")),
        Ok(mount) => {
            for (operation, writes, call) in operations(&mount, &names) {
                match call.await {
                    Ok(()) => return failed(format!("{operation} succeeds although {name} is not granted")),
                    // What is only read refuses a write, whatever it is granted.
                    Err(error) if writes && !context.claims().writable && error.kind() == ErrorKind::Unsupported => {}
                    Err(error) => {
                        let kinds = [ErrorKind::InvalidPath, ErrorKind::PermissionDenied, ErrorKind::Unavailable];
                        ensure!(
                            kinds.contains(&error.kind()),
                            "{operation} with {name} withheld must be a refusal, and was `{}`: {error}",
                            error.kind()
                        );
                        ensure!(error.to_string().contains(name), "the refusal of {operation} with {name} withheld does not name it: {error}");
                    }
                }
            }
        }
    }
    still_there(context, &names, name).await?;
    untouched(context, &before, &format!("with {name} withheld"))
}

/// Whether the value is there as it was stored: the only thing that is seen of a backend that is no directory.
async fn still_there(context: &Context, names: &Names, withheld: &str) -> Verdict {
    let mount = context.mount().await?;
    if context.claims().writable && mount.has(Interface::AtomicStore) {
        let value = atomic(&mount).get(&names.key).await?;
        ensure!(&value.data[..] == b"value", "with {withheld} withheld a value was changed");
    }
    Ok(())
}

/// Everything below the granted directories.
fn seen(context: &Context) -> Verdict<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    for place in context.places() {
        seen.extend(snapshot(place)?);
    }
    Ok(seen)
}

/// Whether what is below the granted directories is what was there `before`.
fn untouched(context: &Context, before: &BTreeSet<String>, how: &str) -> Verdict {
    let after = seen(context)?;
    let changed: Vec<_> = before.symmetric_difference(&after).collect();
    ensure!(changed.is_empty(), "{how}, something in a directory was touched: {changed:?}");
    Ok(())
}

/// The same directories, to be read only: what reads goes on, what writes is `permission-denied`.
async fn read_only(context: &Context) -> Verdict {
    let names = Names::stored(context).await?;
    let mut grant = context.grant().clone();
    grant.directories.iter_mut().for_each(|directory| directory.access = Access::ReadOnly);
    let before = seen(context)?;
    let mount = Mount::open(context.driver(), &grant, MountOptions::default()).await?;
    for (operation, writes, call) in operations(&mount, &names) {
        match call.await {
            Ok(()) => ensure!(!writes, "{operation} succeeds although the directory is granted read-only"),
            Err(error) => {
                ensure!(writes, "{operation} only reads, and is refused where the directory is granted read-only: {error}");
                let kinds = [ErrorKind::PermissionDenied, ErrorKind::Unsupported];
                ensure!(
                    kinds.contains(&error.kind()),
                    "{operation} in a read-only directory must be `permission-denied`, and was `{}`: {error}",
                    error.kind()
                );
            }
        }
    }
    untouched(context, &before, "granted read-only")
}
