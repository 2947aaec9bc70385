//! The layers of a mount over a driver whose backend goes away, before or after it did what was asked.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use cofferdam::layer::{LayerOptions, Stack, stack};
use cofferdam::{AtomicKey, AtomicStore, Condition, Content, ErrorKind, Grant, Mount, MountOptions, StorePath};
use cofferdam_tests::drivers;
use cofferdam_tests::faulty::{Faulty, Nature};

async fn mount() -> Mount {
    Mount::open(&drivers::load("memory"), &Grant::default(), MountOptions::default()).await.unwrap()
}

fn options() -> LayerOptions {
    let mut options = LayerOptions::default();
    options.retry.wait = Duration::from_millis(1);
    options.breaker.failures = 6;
    options
}

/// The layers over `mount`, whose backend goes away after `operations`; it has done the one that it goes away at if `done` says so.
fn over(mount: &Mount, operations: i64, done: bool) -> Stack {
    let store = Faulty::new(mount.clone(), &[], Nature::default());
    store.die_after(operations, done);
    stack(store, "main", &options())
}

fn key() -> AtomicKey {
    AtomicKey::new("a").unwrap()
}

#[tokio::test]
async fn a_backend_that_went_away_is_left_alone_by_both_stores() {
    let (mount, path) = (mount().await, StorePath::new("/a").unwrap());
    let stack = over(&mount, 2, false);
    stack.streaming.put(&path, Content::from_bytes("here"), Condition::Unconditional).await.unwrap();
    stack.atomic.put(&key(), Bytes::from_static(b"here"), Condition::Unconditional).await.unwrap();
    for _ in 0..2 {
        assert_eq!(stack.streaming.stat(&path).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    for refusal in [stack.streaming.stat(&path).await.unwrap_err(), stack.atomic.get(&key()).await.unwrap_err()] {
        assert_eq!(refusal.kind(), ErrorKind::Unavailable);
        assert!(refusal.message().contains("left alone") && refusal.retry_after_ms().is_some_and(|ms| ms > 5000), "{refusal}");
    }
    assert_eq!(mount.get(&key()).await.unwrap().data, "here", "nothing was lost");
}

#[tokio::test]
async fn a_conditional_write_whose_answer_is_lost_is_not_judged_by_what_it_did_itself() {
    let mount = mount().await;
    let lost = over(&mount, 0, true).atomic.put(&key(), Bytes::from_static(b"one"), Condition::IfAbsent).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable, "a second try would have said `already-exists`");
    let written = over(&mount, -1, false).atomic.get(&key()).await.unwrap();
    assert_eq!(written.data, "one");
    let lost = over(&mount, 0, true).atomic.put(&key(), Bytes::from_static(b"two"), Condition::IfMatch(written.etag)).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable, "a second try would have said `precondition-failed`");
    assert_eq!(mount.get(&key()).await.unwrap().data, "two");
}
