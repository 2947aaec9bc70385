//! A panic or an endless loop in each export: that call alone fails, and the next is served.

use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Condition, Error, ErrorKind, ListOptions, Part, PartId, Prefix, StreamingStore, UploadToken, WrittenPart,
};
use cofferdam_tests::hostile::{Hostile, assert_backtrace, assert_error, assert_trapped_in, four, store_path};
use futures::FutureExt;
use futures::future::BoxFuture;

/// Every operation that reaches an export, made to do what `word` says there; with the operation's name.
fn operations<'a>(hostile: &'a Hostile, word: &'a str) -> Vec<(&'static str, BoxFuture<'a, Error>)> {
    let mount = &hostile.mount;
    let path = store_path(&format!("/{word}"));
    let prefix = Prefix::from(path.clone());
    let key = AtomicKey::new(word).unwrap();
    let token = UploadToken::new(word).unwrap();
    let part = Part { number: 1, offset: 0, writer: 1 };
    let written = WrittenPart { number: 1, offset: 0, length: 4, writer: 1, id: PartId::new("id").unwrap() };
    macro_rules! failing {
        ($name:literal, |$($needed:ident),*| $call:expr) => {{
            $(let $needed = $needed.clone();)*
            ($name, async move { $call.await.map(drop).expect_err($name) }.boxed())
        }};
    }
    vec![
        failing!("stat", |path| mount.stat(&path)),
        failing!("open", |path| mount.open(&path, ByteRange::Whole)),
        failing!("put", |path| StreamingStore::put(mount, &path, four(), Condition::Unconditional)),
        failing!("list", |prefix| StreamingStore::list(mount, &prefix, ListOptions::default())),
        failing!("remove", |path| StreamingStore::remove(mount, std::slice::from_ref(&path))),
        ("create", async move { mount.create_upload(&store_path(&format!("/create-{word}"))).await.expect_err("create") }.boxed()),
        failing!("write-part", |token| mount.write_part(&token, part, four())),
        failing!("complete", |token, written, path| mount.complete_upload(&token, &[written], &path, Condition::Unconditional)),
        failing!("abort", |token| mount.abort_upload(&token)),
        failing!("get", |key| mount.get(&key)),
        failing!("put", |key| AtomicStore::put(mount, &key, "four".into(), Condition::Unconditional)),
        failing!("remove", |key| AtomicStore::remove(mount, &key, Condition::Unconditional)),
        ("list", async move { AtomicStore::list(mount, word, None, 10).await.expect_err("list") }.boxed()),
        ("count", async move { mount.count(word).await.expect_err("count") }.boxed()),
    ]
}

#[tokio::test]
async fn a_panic_in_any_export_fails_that_call_alone_and_names_the_function() {
    let hostile = Hostile::mount().await;
    let mut traps = 0;
    for (operation, call) in operations(&hostile, "panic") {
        let error = call.await;
        assert_eq!((error.operation(), error.driver()), (Some(operation), Some("hostile")), "{error}");
        assert_trapped_in(&error, "give_up");
        hostile.serves().await;
        traps += 1;
        assert_eq!(hostile.mount.stats().traps, traps, "{operation}");
    }
}

#[tokio::test]
async fn a_loop_in_any_export_ends_at_the_cpu_budget() {
    let hostile = Hostile::mount_with(|grant| grant.limits.cpu = std::time::Duration::from_millis(50)).await;
    for (operation, call) in operations(&hostile, "spin") {
        let error = call.await;
        assert_eq!(error.operation(), Some(operation), "{error}");
        assert_error(&error, ErrorKind::DeadlineExceeded, "CPU budget of 50ms");
        assert_backtrace(&error, "spin_forever");
        hostile.serves().await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_half_way_is_stopped_and_the_next_is_served() {
    let hostile = Hostile::mount_with(|grant| grant.limits.cpu = std::time::Duration::from_secs(60)).await;
    for (operation, mut call) in operations(&hostile, "spin") {
        // Within the first poll the guest runs, until it leaves its thread at a tick.
        assert!(futures::poll!(&mut call).is_pending(), "{operation} has ended");
        assert_eq!(hostile.mount.stats().instances_live - hostile.mount.stats().instances_idle, 1, "{operation} runs");
        drop(call);
        let stats = hostile.mount.stats();
        assert_eq!((stats.instances_live, stats.instances_idle), (0, 0), "{operation} still has its instance");
        hostile.serves().await;
    }
    let stats = hostile.mount.stats();
    assert_eq!((stats.traps, stats.handles_live, stats.instances_live), (0, 0, 1));
}

#[tokio::test]
async fn a_health_check_that_panics_spins_or_refuses_is_an_error_of_its_own() {
    let hostile = Hostile::behaving("health-panics").await;
    assert_trapped_in(&hostile.mount.health().await.unwrap_err(), "give_up");
    hostile.serves().await;

    let hostile = Hostile::behaving("health-spins").await;
    assert_error(&hostile.mount.health().await.unwrap_err(), ErrorKind::DeadlineExceeded, "CPU budget");
    hostile.serves().await;

    let hostile = Hostile::behaving("health-refuses").await;
    let error = hostile.mount.health().await.unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, "the backend is gone");
    assert!(error.is_retryable() && error.backtrace().is_none());
}
