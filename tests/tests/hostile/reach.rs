//! Ways out of the granted directories: none leads anywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use cofferdam::{Access, ByteRange, Condition, ErrorKind, StreamingStore};
use cofferdam_tests::hostile::{Hostile, assert_error, four, scratch, store_path};

/// Every name in `folder`, sorted; what the host keeps for itself is left out by beginning with a dot.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[tokio::test]
async fn links_that_an_operator_made_lead_nowhere() {
    let outside = scratch();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let hostile = Hostile::mount().await;
    let data = hostile.data.path();
    fs::write(data.join("inside"), "inside").unwrap();
    symlink(outside.path().join("secret"), data.join("absolute")).unwrap();
    symlink(Path::new("..").join(outside.path().file_name().unwrap()).join("secret"), data.join("relative")).unwrap();
    symlink(outside.path(), data.join("folder")).unwrap();
    symlink("inside", data.join("within")).unwrap();
    symlink("/proc/self/fd/0", data.join("magic")).unwrap();
    symlink("loop", data.join("loop")).unwrap();

    for name in ["absolute", "relative", "folder", "within", "magic", "loop"] {
        let error = hostile.mount.open(&store_path(&format!("/file/{name}")), ByteRange::Whole).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
        hostile.serves().await;
    }
    // On the way to a file a link leads out no more than at its end.
    for (name, kind) in [("folder/secret", ErrorKind::PermissionDenied), ("loop/secret", ErrorKind::InvalidArgument)] {
        let error = hostile.mount.open(&store_path(&format!("/file/{name}")), ByteRange::Whole).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        hostile.serves().await;
    }
    let opened = hostile.mount.open(&store_path("/file/inside"), ByteRange::Whole).await.unwrap();
    assert_eq!(opened.content.bytes(100).await.unwrap(), "inside");
}

#[tokio::test]
async fn writes_through_links_change_nothing_outside() {
    let outside = scratch();
    fs::write(outside.path().join("target"), "untouched").unwrap();
    let hostile = Hostile::mount().await;
    symlink(outside.path().join("target"), hostile.data.path().join("link")).unwrap();
    symlink(outside.path(), hostile.data.path().join("folder")).unwrap();
    for function in ["write", "write-truncate", "set-size", "replace", "write-new", "commit", "make-directory", "remove"] {
        for target in ["data/link", "data/folder/target", "data/folder/new"] {
            // Whatever it answers: replacing or removing the link itself is the driver's right.
            let _ = hostile.stat(&format!("/try/{function}/{target}")).await;
        }
    }
    assert_eq!(names(outside.path()), ["target"]);
    assert_eq!(fs::read_to_string(outside.path().join("target")).unwrap(), "untouched");
    hostile.serves().await;
}

#[tokio::test]
async fn a_fifo_neither_opens_nor_blocks() {
    let hostile = Hostile::mount().await;
    let fifo = hostile.data.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    for function in ["open", "write", "set-size"] {
        let error = hostile.refused(&format!("/try/{function}/data/fifo")).await;
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{function}: {error}");
        hostile.serves().await;
    }
}

#[tokio::test]
async fn a_hard_link_is_a_file_like_any_other() {
    let outside = scratch();
    fs::write(outside.path().join("file"), "shared").unwrap();
    let hostile = Hostile::mount().await;
    // On another file system there is no hard link to be had, and so nothing to see.
    if fs::hard_link(outside.path().join("file"), hostile.data.path().join("link")).is_ok() {
        let opened = hostile.mount.open(&store_path("/file/link"), ByteRange::Whole).await.unwrap();
        assert_eq!(opened.content.bytes(100).await.unwrap(), "shared");
    }
}

#[tokio::test]
async fn a_write_through_a_read_only_directory_is_refused_and_nothing_changes() {
    let hostile = Hostile::mount_with(|grant| grant.directories[0].access = Access::ReadOnly).await;
    let error = hostile.mount.put(&store_path("/write"), four(), Condition::Unconditional).await.unwrap_err();
    assert_error(&error, ErrorKind::PermissionDenied, "/data");
    assert_eq!((error.operation(), error.path()), (Some("put"), Some("/write")));
    assert_eq!(names(hostile.data.path()), [""; 0]);
    hostile.serves().await;
}

#[tokio::test]
async fn a_lock_that_is_never_released_is_released_with_its_instance() {
    let hostile = Hostile::mount_with(|grant| {
        grant.limits.calls_in_flight = 1;
        grant.limits.no_progress = Duration::from_secs(1);
    })
    .await;
    assert_eq!(hostile.stat("/lock-kept").await.unwrap(), 0);
    let error = hostile.refused("/lock").await;
    assert_error(&error, ErrorKind::Unavailable, "/data/kept");
    hostile.serves().await;
    hostile.mount.empty_pool().await;
    assert_eq!(hostile.stat("/lock").await.unwrap(), 0);
}

#[tokio::test]
async fn a_wait_for_a_lock_that_is_given_up_leaves_the_lock_to_others() {
    let holder = Hostile::mount().await;
    assert_eq!(holder.stat("/lock-kept").await.unwrap(), 0);
    let mount = Hostile::open(holder.data.path(), |_| ()).await.unwrap();
    let lock = store_path("/lock");
    let mut waiting = Box::pin(mount.stat(&lock));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(waiting);
    assert_eq!(mount.stats().instances_live, 0);

    holder.mount.empty_pool().await;
    mount.stat(&lock).await.unwrap();
    holder.serves().await;
}

#[tokio::test]
async fn a_driver_that_locks_itself_out_gets_an_answer_at_the_deadline() {
    let hostile = Hostile::mount_with(|grant| grant.limits.no_progress = Duration::from_secs(1)).await;
    let (error, served) = hostile.serving_meanwhile(hostile.refused("/lock-itself")).await;
    assert_error(&error, ErrorKind::Unavailable, "/data/twice");
    assert!(served > 3);
}
