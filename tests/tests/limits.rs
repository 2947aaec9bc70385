//! The limits of a grant, one by one, and what a mount does around them: queueing, recycling, restarting, cancelling.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use bytes::Bytes;
use cofferdam::{
    AtomicKey, AtomicStore, Condition, Content, Driver, ErrorKind, Grant, LoadError, Mount, MountOptions, Part, Result, StreamingStore, UploadToken,
};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::{Hostile, assert_error, behave, four, scratch, store_path, tight};
use cofferdam_tests::tiny::Tiny;
use futures::{Stream, StreamExt, poll, stream};

/// One byte, and then nothing, without ending.
fn stalled() -> impl Stream<Item = Result<Bytes>> + Send {
    stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending())
}

async fn tiny(limits: cofferdam::Limits) -> std::result::Result<Mount, LoadError> {
    let driver = Driver::load(&drivers::engine(), &Tiny::default().with_table(500).build(), None).unwrap();
    Mount::open(&driver, &Grant { limits, ..Grant::default() }, MountOptions::default()).await
}

#[tokio::test]
async fn an_instance_that_begins_over_its_limits_does_not_start() {
    tiny(tight()).await.expect("within its limits it starts");
    let cases = [
        (cofferdam::Limits { memory: 128 << 10, ..tight() }, "`memory` under [limits]"),
        (cofferdam::Limits { table_elements: 100, ..tight() }, "`table-elements` under [limits]"),
    ];
    for (limits, part) in cases {
        match tiny(limits).await {
            Err(LoadError::Start(error)) => assert_error(&error, ErrorKind::Trapped, part),
            other => panic!("{part}: {other:?}"),
        }
    }
    // The hostile driver has a main module and two that the encoder adds.
    let data = scratch();
    match Hostile::open(data.path(), |grant| grant.limits.instances = 2).await {
        Err(LoadError::Start(error)) => assert_error(&error, ErrorKind::Trapped, "instance count too high at 3"),
        other => panic!("too many instances: {other:?}"),
    }
}

#[tokio::test]
async fn calls_beyond_the_queue_are_overloaded_at_once_and_the_queued_ones_are_served() {
    let hostile = Hostile::mount_with(|grant| {
        grant.limits.calls_in_flight = 1;
        grant.limits.queue = 2;
    })
    .await;
    let mut running = Box::pin(hostile.stat("/spin"));
    assert!(poll!(&mut running).is_pending());
    let (mut first, mut second) = (Box::pin(hostile.stat("/fine")), Box::pin(hostile.stat("/fine")));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert_eq!(hostile.mount.stats().waiting, 2);

    let error = hostile.refused("/fine").await;
    assert_error(&error, ErrorKind::Overloaded, "2 calls wait for an instance already (`queue` under [limits])");
    assert_eq!((error.operation(), error.path()), (Some("stat"), Some("/fine")));

    let (spun, first, second) = futures::join!(running, first, second);
    assert_eq!(spun.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    assert_eq!((first.unwrap(), second.unwrap()), (5, 5));
    assert_eq!(hostile.mount.stats().waiting, 0);
}

#[tokio::test]
async fn a_queued_call_that_is_given_up_leaves_its_place() {
    let hostile = Hostile::mount_with(|grant| {
        grant.limits.calls_in_flight = 1;
        grant.limits.queue = 1;
    })
    .await;
    let mut running = Box::pin(hostile.stat("/spin"));
    assert!(poll!(&mut running).is_pending());
    let mut queued = Box::pin(hostile.stat("/fine"));
    assert!(poll!(&mut queued).is_pending());
    drop(queued);
    assert_eq!(hostile.mount.stats().waiting, 0);
    let mut queued = Box::pin(hostile.stat("/fine"));
    assert!(poll!(&mut queued).is_pending(), "its place is free");
    drop(running);
    assert_eq!(queued.await.unwrap(), 5);
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_the_limit_allows() {
    let hostile = Hostile::mount_with(|grant| grant.limits.calls_in_flight = 3).await;
    let answers = futures::future::join_all((0..10).map(|_| hostile.stat("/spin")));
    let watch = async {
        loop {
            let stats = hostile.mount.stats();
            assert!(stats.instances_live <= 3, "{stats:?}");
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answers = answers => assert!(answers.iter().all(Result::is_err)),
        () = watch => unreachable!("it has no end"),
    }
    hostile.serves().await;
}

#[tokio::test]
async fn a_call_that_moves_nothing_ends_at_the_no_progress_deadline() {
    let hostile = Hostile::mount_with(|grant| {
        behave(grant, "live");
        grant.limits.no_progress = Duration::from_millis(200);
    })
    .await;
    assert!(hostile.mount.claims().live_content);
    let token = UploadToken::new("drain").unwrap();
    let part = Part { number: 1, offset: 0, writer: 1 };
    let (answer, _) = hostile.serving_meanwhile(hostile.mount.write_part(&token, part, Content::live(stalled(), None))).await;
    let error = answer.unwrap_err();
    assert_error(&error, ErrorKind::DeadlineExceeded, "the call moved nothing for 200ms (`no-progress` under [limits])");
    assert_eq!(error.operation(), Some("write-part"));
    assert_eq!(hostile.mount.stats().handles_live, 0);
}

#[tokio::test]
async fn a_call_that_moves_bytes_goes_on_beyond_the_no_progress_deadline() {
    let hostile = Hostile::mount_with(|grant| {
        behave(grant, "live");
        grant.limits.no_progress = Duration::from_millis(200);
    })
    .await;
    // A byte each 50 ms: thrice the deadline in all, never that long without one.
    let beat = tokio::time::interval(Duration::from_millis(50));
    let slow = stream::unfold(beat, |mut beat| async move {
        beat.tick().await;
        Some((Ok(Bytes::from_static(b"x")), beat))
    });
    let token = UploadToken::new("drain").unwrap();
    let id = hostile.mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, Content::live(slow.take(12), Some(12))).await.unwrap();
    assert_eq!(id.as_str(), "12", "the driver has read all of it");
}

#[tokio::test]
async fn a_part_that_is_given_up_while_its_content_stalls_lets_everything_go() {
    let hostile = Hostile::behaving("live").await;
    let token = UploadToken::new("drain").unwrap();
    let mut call = Box::pin(hostile.mount.write_part(&token, Part { number: 1, offset: 0, writer: 1 }, Content::live(stalled(), None)));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(hostile.mount.stats().handles_live, 1);
    drop(call);
    let stats = hostile.mount.stats();
    assert_eq!((stats.handles_live, stats.instances_live, stats.traps), (0, 0, 0));
    hostile.serves().await;
}

#[tokio::test]
async fn a_put_whose_content_stalls_holds_no_instance_and_gives_its_spool_back() {
    let hostile = Hostile::mount_with(|grant| grant.limits.calls_in_flight = 1).await;
    let path = store_path("/fine");
    let mut call = Box::pin(StreamingStore::put(&hostile.mount, &path, Content::live(stalled(), None), Condition::Unconditional));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(hostile.mount.stats().spool_memory, 1);
    hostile.serves().await;
    drop(call);
    assert_eq!(hostile.mount.stats().spool_memory, 0);
    hostile.serves().await;
}

#[tokio::test]
async fn content_whose_source_breaks_or_lies_about_its_size_reaches_no_driver() {
    let hostile = Hostile::mount().await;
    let calls = hostile.mount.stats().calls;
    let path = store_path("/fine");
    let broken = Content::live(stream::iter([Ok(Bytes::from("x")), Err(cofferdam::Error::new(ErrorKind::Unavailable, "the client has gone"))]), None);
    let error = StreamingStore::put(&hostile.mount, &path, broken, Condition::Unconditional).await.unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, "the client has gone");
    for (size, word) in [(2, "fewer"), (0, "more")] {
        let liar = Content::live(stream::iter([Ok(Bytes::from("x"))]), Some(size));
        let error = StreamingStore::put(&hostile.mount, &path, liar, Condition::Unconditional).await.unwrap_err();
        assert_error(&error, ErrorKind::InvalidArgument, word);
    }
    assert_eq!(hostile.mount.stats().calls, calls);
    assert_eq!(hostile.mount.stats().spool_memory, 0);
}

#[tokio::test]
async fn an_instance_is_replaced_after_its_calls() {
    let hostile = Hostile::mount_with(|grant| grant.limits.calls_per_instance = 10).await;
    for _ in 0..100 {
        hostile.stat("/fine").await.unwrap();
    }
    let stats = hostile.mount.stats();
    assert_eq!((stats.instances_created, stats.instances_live, stats.traps), (10, 0, 0));
}

#[tokio::test]
async fn an_instance_that_idles_is_dropped() {
    let hostile = Hostile::mount_with(|grant| grant.limits.idle = Duration::from_millis(1)).await;
    hostile.serves().await;
    let gone = async {
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while hostile.mount.stats().instances_live > 0 {
            beat.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it is dropped in the janitor's next round");
    assert_eq!(hostile.mount.stats().guest_memory, 0);
    hostile.serves().await;
}

#[tokio::test]
async fn a_single_driver_that_traps_is_unavailable_and_never_silently_empty() {
    let hostile = Hostile::behaving("single").await;
    hostile.serves().await;
    assert_eq!(hostile.refused("/panic").await.kind(), ErrorKind::Trapped);
    for _ in 0..2 {
        let error = hostile.refused("/fine").await;
        assert_error(&error, ErrorKind::Unavailable, "`restart-empty = true`");
        assert_eq!((error.operation(), error.driver()), (Some("stat"), Some("hostile")));
    }
    let error = AtomicStore::put(&hostile.mount, &AtomicKey::new("a").unwrap(), "four".into(), Condition::Unconditional).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let stats = hostile.mount.stats();
    assert_eq!((stats.instances_created, stats.instances_live, stats.traps), (1, 0, 1));
}

#[tokio::test]
async fn a_single_driver_that_may_restart_empty_does() {
    let hostile = Hostile::mount_with(|grant| {
        behave(grant, "single");
        grant.restart_empty = true;
    })
    .await;
    assert_eq!(hostile.refused("/panic").await.kind(), ErrorKind::Trapped);
    hostile.serves().await;
    assert_eq!(hostile.refused("/spin").await.kind(), ErrorKind::DeadlineExceeded);
    hostile.serves().await;
    assert_eq!(hostile.mount.stats().instances_created, 3);
}

#[tokio::test]
async fn a_single_driver_serves_one_call_after_the_other_and_is_never_replaced() {
    let hostile = Hostile::mount_with(|grant| {
        behave(grant, "single");
        grant.limits.calls_per_instance = 3;
        grant.limits.idle = Duration::from_millis(1);
    })
    .await;
    let answers = futures::future::join_all((0..50).map(|_| hostile.stat("/fine"))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(5))));
    let stats = hostile.mount.stats();
    assert_eq!((stats.instances_created, stats.instances_live), (1, 1));
}

#[tokio::test]
async fn a_call_of_a_single_driver_that_is_given_up_goes_on_to_its_end() {
    let hostile = Hostile::behaving("single").await;
    let path = store_path("/slow");
    let mut call = Box::pin(StreamingStore::put(&hostile.mount, &path, four(), Condition::Unconditional));
    assert!(poll!(&mut call).is_pending(), "it is at work for some ticks");
    drop(call);
    // The next call finds what the other has done, on the same instance.
    let value = hostile.mount.get(&AtomicKey::new("slow").unwrap()).await.unwrap();
    assert_eq!(value.data, "1");
    assert_eq!(hostile.mount.stats().instances_created, 1);
}

#[tokio::test]
async fn emptying_the_pool_of_a_single_driver_loses_its_store_and_says_so() {
    let hostile = Hostile::behaving("single").await;
    hostile.mount.empty_pool().await;
    assert_error(&hostile.refused("/fine").await, ErrorKind::Unavailable, "`restart-empty = true`");
}
