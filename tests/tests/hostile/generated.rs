//! Content that a driver generates: too much, too little, endlessly, or not at all.

use std::time::Duration;

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, ByteRange, Content, ErrorKind, StreamingStore};
use cofferdam_tests::hostile::{Hostile, assert_backtrace, assert_error, assert_trapped_in, store_path};

async fn one_instance() -> Hostile {
    Hostile::mount_with(|grant| grant.limits.calls_in_flight = 1).await
}

async fn open(hostile: &Hostile, name: &str) -> Content {
    hostile.mount.open(&store_path(&format!("/generated/{name}")), ByteRange::Whole).await.unwrap().content
}

/// How often the only instance was told that a content is over.
async fn closed(hostile: &Hostile) -> Bytes {
    hostile.mount.get(&AtomicKey::new("closed").unwrap()).await.unwrap().data
}

#[tokio::test]
async fn honest_content_arrives_whole_while_its_instance_serves_others_and_is_closed_once() {
    let hostile = one_instance().await;
    let content = open(&hostile, "honest").await;
    let mut offset = 0;
    while let piece @ 1.. = content.read_at(offset, 4096).await.unwrap().len() {
        offset += piece as u64;
        hostile.serves().await;
    }
    assert_eq!(offset, 3000);
    assert_eq!(closed(&hostile).await, "0", "it is not over while somebody has it");
    drop(content);
    hostile.serves().await;
    assert_eq!(closed(&hostile).await, "1");
    assert_eq!(closed(&hostile).await, "1");
}

#[tokio::test]
async fn content_that_breaks_its_promise_fails_its_reader_and_nobody_else() {
    let hostile = one_instance().await;
    for (name, part) in [
        ("oversized", "`generator.pull` answered 1048577 bytes where at most 1048576 were asked for"),
        ("beyond", "goes on beyond the 3000 bytes that it announced"),
        ("short", "ended at 2999 of the 3000 bytes that it announced"),
    ] {
        let error = open(&hostile, name).await.bytes(1 << 20).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        hostile.serves().await;
    }
    assert_eq!(closed(&hostile).await, "3");
    assert_eq!(hostile.mount.stats().traps, 0);
}

#[tokio::test]
async fn endless_content_ends_where_its_reader_wants_no_more() {
    let hostile = one_instance().await;
    let error = open(&hostile, "endless").await.bytes(100_000).await.unwrap_err();
    assert_error(&error, ErrorKind::QuotaExceeded, "more than 100000 bytes");
    hostile.serves().await;
    assert_eq!(closed(&hostile).await, "1");
}

#[tokio::test]
async fn endless_content_that_is_to_be_held_ends_at_the_spools_budget() {
    let hostile = one_instance().await;
    let content = open(&hostile, "endless").await;
    let error = hostile.mount.hold(content).await.unwrap_err();
    assert_error(&error, ErrorKind::QuotaExceeded, "the spool's memory budget of 4194304 bytes is used up");
    assert_eq!(hostile.mount.stats().spool_memory, 0);
    hostile.serves().await;
    assert_eq!(closed(&hostile).await, "1");
}

#[tokio::test]
async fn emptying_the_pool_drains_endless_content_to_the_budget_and_honest_content_whole() {
    let hostile = one_instance().await;
    let endless = open(&hostile, "endless").await;
    hostile.mount.empty_pool().await;
    let error = endless.bytes(1 << 30).await.unwrap_err();
    assert_error(&error, ErrorKind::QuotaExceeded, "budget");

    let honest = open(&hostile, "honest").await;
    hostile.mount.empty_pool().await;
    assert_eq!(hostile.mount.stats().instances_live, 0);
    assert_eq!(honest.bytes(1 << 20).await.unwrap().len(), 3000);
    assert_eq!(hostile.mount.stats().spool_memory, 0);
}

#[tokio::test]
async fn a_trap_mid_content_fails_that_reader_with_a_backtrace() {
    let hostile = one_instance().await;
    let content = open(&hostile, "traps").await;
    let other = open(&hostile, "honest").await;
    assert_eq!(content.read_at(0, 4096).await.unwrap().len(), 1000);
    let error = content.read_at(1000, 4096).await.unwrap_err();
    assert_trapped_in(&error, "give_up");
    assert_eq!(error.operation(), Some("generator.pull"));
    assert_trapped_in(&content.read_at(1000, 4096).await.unwrap_err(), "give_up");

    let error = other.read_at(0, 4096).await.unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, "the instance that makes this content has ended");
    hostile.serves().await;
}

#[tokio::test]
async fn an_error_mid_content_reaches_the_reader_and_the_instance_lives_on() {
    let hostile = one_instance().await;
    let content = open(&hostile, "fails").await;
    assert_eq!(content.read_at(0, 4096).await.unwrap().len(), 1000);
    assert_error(&content.read_at(1000, 4096).await.unwrap_err(), ErrorKind::Corrupted, "the second piece is damaged");
    drop(content);
    hostile.serves().await;
    assert_eq!(closed(&hostile).await, "1");
    assert_eq!(hostile.mount.stats().traps, 0);
}

#[tokio::test]
async fn a_loop_mid_content_ends_at_the_cpu_budget() {
    let hostile = Hostile::mount().await;
    let content = open(&hostile, "spins").await;
    assert_eq!(content.read_at(0, 4096).await.unwrap().len(), 1000);
    let (answer, served) = hostile.serving_meanwhile(content.read_at(1000, 4096)).await;
    let error = answer.unwrap_err();
    assert_error(&error, ErrorKind::DeadlineExceeded, "CPU budget of 200ms");
    assert_backtrace(&error, "spin_forever");
    assert!(served > 3);
}

#[tokio::test]
async fn a_close_that_traps_or_spins_ends_its_instance_and_no_call() {
    for name in ["close-traps", "close-spins"] {
        let hostile = one_instance().await;
        drop(open(&hostile, name).await);
        hostile.serves().await;
        assert_eq!(closed(&hostile).await, "0", "{name}: a fresh instance answers");
        assert_eq!(hostile.mount.stats().instances_created, 2, "{name}");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_mid_pull_poisons_nothing() {
    let hostile = Hostile::mount_with(|grant| grant.limits.cpu = Duration::from_secs(60)).await;
    let content = open(&hostile, "spins").await;
    assert_eq!(content.read_at(0, 4096).await.unwrap().len(), 1000);
    {
        let mut reading = Box::pin(content.read_at(1000, 4096));
        assert!(futures::poll!(&mut reading).is_pending());
    }
    assert_eq!(hostile.mount.stats().instances_live, 0);
    hostile.serves().await;
    assert_error(&content.read_at(1000, 4096).await.unwrap_err(), ErrorKind::Unavailable, "has ended");
}

#[tokio::test]
async fn what_an_instance_generates_it_cannot_give_to_the_host_itself() {
    let hostile = Hostile::mount().await;
    for path in ["/own-to-file", "/own-read"] {
        assert_error(&hostile.refused(path).await, ErrorKind::InvalidArgument, "use a buffer");
        hostile.serves().await;
    }
    assert!(!hostile.data.path().join("own").exists());
}
