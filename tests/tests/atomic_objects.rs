//! Small values that are objects: what a store of values promises, over a driver that has only objects.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use cofferdam::layer::AtomicObjects;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Grant, Mount, MountOptions, StorePath};
use cofferdam_tests::drivers;
use cofferdam_tests::faulty::{Faulty, Nature};

const CONDITIONS: &[(&str, &str)] = &[("put-if-absent", "true"), ("put-if-match", "true")];

async fn store_with(claims: &[(&str, &str)]) -> cofferdam::Result<AtomicObjects> {
    let mount = Mount::open(&drivers::load("memory"), &Grant::default(), MountOptions::default()).await.unwrap();
    AtomicObjects::new(Arc::new(Faulty::new(mount, claims, Nature::default())), StorePath::new("/values").unwrap())
}

fn key(name: &str) -> AtomicKey {
    AtomicKey::new(name).unwrap()
}

#[tokio::test]
async fn a_driver_without_conditional_puts_cannot_keep_values() {
    let refused = store_with(&[("put-if-absent", "true")]).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("does not claim put-if-match"), "{refused}");
}

#[tokio::test]
async fn values_are_swapped_only_on_their_conditions() {
    let store = store_with(CONDITIONS).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
    let first = store.put(&key("a"), Bytes::from_static(b"1"), Condition::IfAbsent).await.unwrap();
    assert_eq!(store.put(&key("a"), Bytes::from_static(b"2"), Condition::IfAbsent).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let second = store.put(&key("a"), Bytes::from_static(b"2"), Condition::IfMatch(first.clone())).await.unwrap();
    assert_eq!(store.put(&key("a"), Bytes::from_static(b"3"), Condition::IfMatch(first)).await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let value = store.get(&key("a")).await.unwrap();
    assert_eq!((&value.data[..], value.etag), (&b"2"[..], second));
    let large = Bytes::from(vec![0; (1 << 20) + 1]);
    assert_eq!(store.put(&key("a"), large, Condition::Unconditional).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    store.remove(&key("a"), Condition::Unconditional).await.unwrap();
    store.remove(&key("a"), Condition::Unconditional).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn keys_are_listed_in_their_own_order_page_by_page() {
    let store = store_with(CONDITIONS).await.unwrap();
    let names = ["a", "a/b", "a-b", "a.b", "a.v", "a.d", "a.d/v", "a.v/x", "a/b/c", "a/b-c", "ab", "b/c/d/e", "b/c/d", "b/c0", "b", "A", "_/z", "0"];
    for name in names {
        store.put(&key(name), Bytes::copy_from_slice(name.as_bytes()), Condition::IfAbsent).await.unwrap();
    }
    for name in names {
        assert_eq!(store.get(&key(name)).await.unwrap().data, name.as_bytes());
    }
    let all: BTreeSet<&str> = names.into_iter().collect();
    for prefix in ["", "a", "a/", "a/b", "a.", "a.d", "a.d/", "b/c", "b/c/", "b/c/d", "nothing", "nothing/at/all", "z"] {
        let expected: Vec<&str> = all.iter().copied().filter(|name| name.starts_with(prefix)).collect();
        assert_eq!(store.count(prefix).await.unwrap(), expected.len() as u64, "{prefix}");
        for limit in [1, 2, 3, 100] {
            let mut listed: Vec<String> = Vec::new();
            loop {
                let page = store.list(prefix, listed.last().map(String::as_str), limit).await.unwrap();
                assert!(page.keys.len() <= limit as usize);
                listed.extend(page.keys);
                if !page.more {
                    break;
                }
            }
            assert_eq!(listed, expected, "{prefix}, {limit} a page");
        }
        for after in ["", "a", "a/", "a/b", "a-", "b/c", "b/c/d", "zz"] {
            let expected: Vec<&str> = expected.iter().copied().filter(|name| *name > after).collect();
            assert_eq!(store.list(prefix, Some(after), 100).await.unwrap().keys, expected, "{prefix} after {after}");
        }
    }
}

#[tokio::test]
async fn of_many_that_want_to_be_first_one_is() {
    let store = store_with(CONDITIONS).await.unwrap();
    let puts = (0..50u8).map(|n| {
        let store = store.clone();
        async move { store.put(&key("lock"), Bytes::copy_from_slice(&[n]), Condition::IfAbsent).await.is_ok() }
    });
    let won = futures::future::join_all(puts).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}
