//! Loops, bombs, floods and leaks: the sandbox ends them, and nobody else notices.

use std::time::Duration;

use cofferdam::{AtomicStore, Condition, Content, Driver, ErrorKind, Grant, Mount, MountOptions, StreamingStore};
use cofferdam_tests::hostile::{Hostile, assert_backtrace, assert_error, assert_trapped_in, store_path, tight};
use cofferdam_tests::log::Log;
use cofferdam_tests::{drivers, tiny::Tiny};

/// More than this many honest calls fit beside a guest that uses up its budget: it leaves its thread every tick.
const BESIDE: u32 = 3;

#[tokio::test]
async fn an_endless_loop_ends_at_its_cpu_budget_and_others_are_served_meanwhile() {
    let hostile = Hostile::mount().await;
    let (error, served) = hostile.serving_meanwhile(hostile.refused("/spin")).await;
    assert_error(&error, ErrorKind::DeadlineExceeded, "used up its CPU budget of 200ms");
    assert_backtrace(&error, "spin_forever");
    assert_eq!((error.operation(), error.driver(), error.path()), (Some("stat"), Some("hostile"), Some("/spin")));
    assert!(served > BESIDE, "only {served} honest calls were served meanwhile");
    assert_eq!(hostile.mount.stats().traps, 1);
}

#[tokio::test]
async fn an_endless_loop_of_host_calls_ends_as_well() {
    let hostile = Hostile::mount().await;
    let (error, served) = hostile.serving_meanwhile(hostile.refused("/ask")).await;
    assert_error(&error, ErrorKind::DeadlineExceeded, "CPU budget");
    assert_backtrace(&error, "ask_forever");
    assert!(served > BESIDE, "only {served} honest calls were served meanwhile");
}

#[tokio::test]
async fn endless_recursion_ends_with_the_stack() {
    let hostile = Hostile::mount().await;
    let (error, _) = hostile.serving_meanwhile(hostile.refused("/dive")).await;
    assert_error(&error, ErrorKind::Trapped, "call stack exhausted");
    assert_trapped_in(&error, "dive");
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_memory_limit_and_gives_everything_back() {
    let hostile = Hostile::mount().await;
    let before = hostile.mount.stats().guest_memory;
    let error = hostile.refused("/memory").await;
    assert_error(&error, ErrorKind::Trapped, "more memory than its limit of 32.0 MiB (`memory` under [limits])");
    assert_trapped_in(&error, "hoard_memory");
    hostile.serves().await;
    assert_eq!(hostile.mount.stats().guest_memory, before);
}

#[tokio::test]
async fn a_table_bomb_ends_at_the_table_limit() {
    let bomb = Tiny::default().counting("(loop $more (drop (table.grow $table (ref.null func) (i32.const 100))) (br $more)) (unreachable)");
    let driver = Driver::load(&drivers::engine(), &bomb.build(), None).unwrap();
    let mount = Mount::open(&driver, &Grant { limits: tight(), ..Grant::default() }, MountOptions::default()).await.unwrap();
    let error = mount.count("").await.unwrap_err();
    assert_error(&error, ErrorKind::Trapped, "more table elements than its limit of 1000 (`table-elements` under [limits])");
    assert!(AtomicStore::list(&mount, "", None, 1).await.unwrap().keys.is_empty(), "the next call is served");
}

#[tokio::test]
async fn handle_bombs_end_at_the_handle_limit() {
    let hostile = Hostile::mount().await;
    for (path, function) in [("/contents", "hoard_contents"), ("/buffers", "hoard_buffers")] {
        let (error, _) = hostile.serving_meanwhile(hostile.refused(path)).await;
        assert_error(&error, ErrorKind::Trapped, "more handles than its limit (`handles` under [limits])");
        assert_trapped_in(&error, function);
        assert_eq!(hostile.mount.stats().handles_live, 0, "{path}");
    }
}

#[tokio::test]
async fn a_spool_bomb_is_refused_at_the_budget_and_gives_everything_back() {
    let hostile = Hostile::mount().await;
    let error = hostile.refused("/spool").await;
    assert_error(&error, ErrorKind::QuotaExceeded, "the spool's memory budget of 4194304 bytes is used up");
    hostile.serves().await;
    let stats = hostile.mount.stats();
    assert_eq!((stats.spool_memory, stats.spool_disk, stats.traps), (0, 0, 0));
}

#[tokio::test]
async fn a_guest_that_drops_nothing_is_replaced_early_and_serves_ten_thousand_calls() {
    let hostile = Hostile::mount().await;
    for _ in 0..10_000 {
        assert_eq!(hostile.stat("/leak").await.unwrap(), 0);
        assert!(hostile.mount.stats().handles_live <= 257, "handles pile up: {:?}", hostile.mount.stats());
    }
    let stats = hostile.mount.stats();
    assert_eq!((stats.traps, stats.instances_live), (0, 1));
    assert!((30..100).contains(&stats.instances_created), "{stats:?}");
    assert!(stats.guest_memory <= tight().memory, "{stats:?}");
}

#[tokio::test]
async fn a_guest_that_keeps_what_it_is_given_holds_neither_memory_nor_spool_for_long() {
    let hostile = Hostile::mount().await;
    let kept = store_path("/keep");
    for _ in 0..10_000 {
        // As a stream, so that each lies in the spool.
        let content = Content::live(futures::stream::iter([Ok("four".into())]), Some(4));
        StreamingStore::put(&hostile.mount, &kept, content, Condition::Unconditional).await.unwrap();
    }
    let stats = hostile.mount.stats();
    assert!(stats.handles_live <= 257 && stats.spool_memory <= 4 * 257, "{stats:?}");
    hostile.mount.empty_pool().await;
    let stats = hostile.mount.stats();
    assert_eq!((stats.handles_live, stats.spool_memory, stats.guest_memory), (0, 0, 0));
    hostile.serves().await;
}

#[tokio::test]
async fn a_log_flood_is_cut_to_its_rate() {
    let hostile = Hostile::mount_with(|grant| grant.limits.log_lines_per_second = 20).await;
    let log = Log::begin();
    assert_eq!(hostile.stat("/flood").await.unwrap(), 0);
    let lines = log.of("cofferdam::driver");
    assert!(lines.len() <= 40 && lines.len() >= 20, "{} lines of 10,000", lines.len());
    assert!(lines[0].contains("line 0"), "{}", lines[0]);
    hostile.serves().await;
}

#[tokio::test]
async fn what_asks_for_too_much_gets_the_most_there_is() {
    let hostile = Hostile::mount().await;
    assert_eq!(hostile.stat("/random").await.unwrap(), 64 << 10, "of 4 GiB of randomness");
    assert_eq!(hostile.stat("/read-max").await.unwrap(), 1 << 20, "of 4 GiB of 3 MiB");
    assert_eq!(hostile.stat("/read-beyond").await.unwrap(), 0, "after the end of all offsets");
}

#[tokio::test]
async fn bombs_at_once_leave_the_mount_as_it_was() {
    let hostile = Hostile::mount_with(|grant| grant.limits.cpu = Duration::from_millis(500)).await;
    let bombs = ["/spin", "/dive", "/memory", "/contents", "/panic", "/buffers", "/memory", "/dive"];
    let all = futures::future::join_all(bombs.map(|path| hostile.refused(path)));
    let (errors, _) = hostile.serving_meanwhile(all).await;
    assert!(errors.iter().all(|error| matches!(error.kind(), ErrorKind::Trapped | ErrorKind::DeadlineExceeded)), "{errors:?}");
    let stats = hostile.mount.stats();
    assert_eq!((stats.traps, stats.handles_live, stats.waiting), (8, 0, 0));
    assert_eq!(stats.instances_live, stats.instances_idle);
}
