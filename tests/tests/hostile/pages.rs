//! Lies in lists.

use std::time::Duration;

use cofferdam::{EntryKind, ErrorKind, ListOptions, Prefix, StreamingStore, fallback};
use cofferdam_tests::hostile::{Hostile, assert_error};
use futures::TryStreamExt;

fn prefix(path: &str) -> Prefix {
    Prefix::new(path).unwrap()
}

#[tokio::test]
async fn pages_that_the_contract_forbids_are_refused() {
    let hostile = Hostile::mount().await;
    for (path, part) in [
        ("/over", "answered 1001 entries where at most 1000 were asked for"),
        ("/outside", "asked for what is below /outside and answered /outsider/a"),
        ("/dots", "answered a path that is none: the path has the component `..`"),
        ("/itself", "asked for what is below /itself and answered /itself"),
        ("/grandchild", "asked for children of /grandchild and answered /grandchild/a/b"),
        ("/unsorted", "not in byte order: /unsorted/a after /unsorted/b"),
        ("/repeated", "not in byte order: /repeated/a after /repeated/a"),
        ("/cursor-huge", "answered a cursor of 9216 bytes"),
    ] {
        let error = hostile.mount.list(&prefix(path), ListOptions::default()).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.driver()), (Some("list"), Some("hostile")));
        hostile.serves().await;
    }
    assert_eq!(hostile.mount.stats().traps, 0);
}

#[tokio::test]
async fn a_page_before_the_place_where_it_was_to_begin_is_refused() {
    let hostile = Hostile::mount().await;
    let options = ListOptions { start_after: Some("/before/b".to_owned()), ..ListOptions::default() };
    let error = hostile.mount.list(&prefix("/before"), options).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "not in byte order: /before/a after /before/b");
}

#[tokio::test]
async fn a_prefix_in_a_recursive_list_is_refused() {
    let hostile = Hostile::mount().await;
    let page = hostile.mount.list(&prefix("/prefixes"), ListOptions::default()).await.unwrap();
    assert_eq!(page.entries[0].kind, EntryKind::Prefix);
    let options = ListOptions { recursive: true, ..ListOptions::default() };
    let error = hostile.mount.list(&prefix("/prefixes"), options).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "answered the prefix /prefixes/a in a recursive list");
}

#[tokio::test]
async fn a_page_of_a_million_entries_does_not_reach_the_host() {
    let hostile = Hostile::mount_with(|grant| {
        grant.limits.memory = 512 << 20;
        grant.limits.cpu = Duration::from_secs(10);
        grant.limits.no_progress = Duration::from_secs(30);
    })
    .await;
    let millions = prefix("/millions");
    let (answer, served) = hostile.serving_meanwhile(hostile.mount.list(&millions, ListOptions::default())).await;
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
    assert!(error.message().contains("fuel") || error.message().contains("too much"), "{}", error.message());
    assert!(served > 0);
}

#[tokio::test]
async fn a_list_that_never_gets_on_is_noticed_at_the_second_page() {
    let hostile = Hostile::mount().await;
    let first = hostile.mount.list(&prefix("/stuck"), ListOptions::default()).await.unwrap();
    assert_eq!((first.entries.len(), first.next.as_deref()), (0, Some("again")));
    let options = ListOptions { cursor: first.next, ..ListOptions::default() };
    let error = hostile.mount.list(&prefix("/stuck"), options).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "the driver's list does not get on");
}

#[tokio::test]
async fn a_walk_of_a_list_that_goes_in_circles_ends() {
    let hostile = Hostile::mount().await;
    for path in ["/circle", "/void"] {
        let walked: Result<Vec<_>, _> = fallback::walk(&hostile.mount, &prefix(path)).try_collect().await;
        assert_error(&walked.unwrap_err(), ErrorKind::Misbehaved, &format!("the driver's list of {path} goes in circles"));
        let removed = fallback::remove_tree(&hostile.mount, &prefix(path)).await;
        assert_eq!(removed.unwrap_err().kind(), ErrorKind::Misbehaved, "{path}");
        hostile.serves().await;
    }
}
