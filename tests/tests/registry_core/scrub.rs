//! Scrubbing: finds what is damaged and missing, keeps to its rate, goes on where it was.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, ByteRange, Condition, Prefix, StorePath, StreamingStore, fallback};
use cofferdam_registry::scrub::{self, ScrubOptions, ScrubReport};
use futures::TryStreamExt;

use crate::world::{World, digest, each, push, push_image};

/// The object that has these bytes.
async fn object(world: &World, bytes: &str) -> StorePath {
    let all: Vec<_> = fallback::walk(&world.mount, &Prefix::root()).try_collect().await.unwrap();
    for info in all {
        let opened = StreamingStore::open(&world.mount, &info.path, ByteRange::Whole).await.unwrap();
        if opened.content.bytes(1 << 20).await.unwrap() == bytes {
            return info.path;
        }
    }
    panic!("no object has {bytes:?}");
}

async fn scrub(world: &World, options: ScrubOptions) -> ScrubReport {
    scrub::run(&world.registry.stores()[0], options, &mut |_| ()).await.unwrap()
}

#[tokio::test]
async fn what_is_damaged_or_missing_is_found() {
    each(|world| async move {
        let repository = world.repository("a");
        let manifest = push_image(&repository, "latest", "config", &["good", "bad", "lost"]).await;
        let clean = scrub(&world, ScrubOptions::default()).await;
        assert!(clean.is_clean(), "{clean:?}");
        assert_eq!(clean.blobs, 5);
        StreamingStore::put(&world.mount, &object(&world, "bad").await, "dab".into(), Condition::Unconditional).await.unwrap();
        StreamingStore::remove(&world.mount, &[object(&world, "lost").await]).await.unwrap().remove(0).unwrap();
        let report = scrub(&world, ScrubOptions::default()).await;
        assert_eq!(report.damaged.keys().collect::<Vec<_>>(), [&digest("bad")], "{report:?}");
        assert!(report.damaged[&digest("bad")].contains(&digest("dab").to_string()));
        assert_eq!(report.missing.keys().collect::<Vec<_>>(), [&digest("lost")]);
        assert_eq!(report.missing[&digest("lost")], [format!("a@{manifest}")]);
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_scrub_goes_on_where_it_was() {
    each(|world| async move {
        let repository = world.repository("a");
        let mut digests = [push(&repository, "one").await, push(&repository, "two").await, push(&repository, "three").await];
        digests.sort();
        let cursor =
            format!(r#"{{"after":"{}","report":{{"blobs":2,"bytes":7,"damaged":{{"{}":"found before"}},"missing":{{}}}}}}"#, digests[1], digests[0]);
        let key = AtomicKey::new("scrub/cursor").unwrap();
        let write = async || AtomicStore::put(&world.mount, &key, Bytes::from(cursor.clone()), Condition::Unconditional).await.unwrap();
        write().await;
        let report = scrub(&world, ScrubOptions::default()).await;
        assert_eq!((report.blobs, report.damaged[&digests[0]].as_str()), (3, "found before"));
        assert!(AtomicStore::get(&world.mount, &key).await.is_err(), "it is over");
        write().await;
        let mut options = ScrubOptions::default();
        options.from_the_start = true;
        let report = scrub(&world, options).await;
        assert_eq!((report.blobs, report.is_clean()), (3, true));
    })
    .await;
}

#[tokio::test]
async fn a_scrub_keeps_to_its_rate() {
    let world = World::new("memory", cofferdam_registry::Layout::RegistryV2).await;
    push(&world.repository("a"), vec![7; 300_000]).await;
    let mut options = ScrubOptions::default();
    options.bytes_per_second = Some(1_000_000);
    let began = Instant::now();
    let report = scrub(&world, options).await;
    assert_eq!(report.bytes, 300_000);
    assert!(began.elapsed() >= Duration::from_millis(295), "{:?}", began.elapsed());
}
