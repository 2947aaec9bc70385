//! Lies about values.

use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind};
use cofferdam_tests::hostile::{Hostile, assert_error};

fn key(text: &str) -> AtomicKey {
    AtomicKey::new(text).unwrap()
}

#[tokio::test]
async fn values_that_the_contract_forbids_are_refused() {
    let hostile = Hostile::mount().await;
    for (name, part) in [("large", "a value of 1048577 bytes, over 1048576"), ("no-etag", "answered the etag \"\"")] {
        let error = hostile.mount.get(&key(name)).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        assert_eq!((error.operation(), error.path()), (Some("get"), Some(name)));
        hostile.serves().await;
    }
    let error = hostile.mount.put(&key("no-etag"), "four".into(), Condition::Unconditional).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "answered the etag \"\"");
    assert_eq!(hostile.mount.get(&key("fine")).await.unwrap().data, "fine!");
}

#[tokio::test]
async fn a_value_of_16_mib_does_not_reach_the_host() {
    let hostile = Hostile::mount_with(|grant| grant.limits.memory = 64 << 20).await;
    let error = hostile.mount.get(&key("huge")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
    hostile.serves().await;
}

#[tokio::test]
async fn lists_of_keys_that_the_contract_forbids_are_refused() {
    let hostile = Hostile::mount().await;
    for (prefix, part) in [
        ("over", "answered 11 keys where at most 10 were asked for"),
        ("outside", "\"inside\", which is none, outside the prefix or out of order"),
        ("unsorted", "\"unsorted-a\", which is none, outside the prefix or out of order"),
        ("repeated", "\"repeated\", which is none, outside the prefix or out of order"),
        ("strange", "\"strange/../key\", which is none, outside the prefix or out of order"),
        ("stuck", "does not get on: no key, and more to come"),
    ] {
        let error = hostile.mount.list(prefix, None, 10).await.unwrap_err();
        assert_error(&error, ErrorKind::Misbehaved, part);
        hostile.serves().await;
    }
    let error = hostile.mount.list("before", Some("before-b"), 10).await.unwrap_err();
    assert_error(&error, ErrorKind::Misbehaved, "\"before-a\"");
}
