//! What may be remembered, and what must not: by example, then by races in every order.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::layer::clock::manual::Manual;

/// A store in memory. Each call stops after it took effect and before it is answered, until it may go on.
struct Slow {
    values: Mutex<HashMap<AtomicKey, Value>>,
    version: AtomicU64,
    gets: AtomicU64,
    /// Calls that may be answered.
    after: Semaphore,
}

impl Slow {
    fn new(passes: usize) -> Arc<Self> {
        let after = Semaphore::new(passes);
        Arc::new(Self { values: Mutex::default(), version: AtomicU64::new(0), gets: AtomicU64::new(0), after })
    }

    async fn answer<T>(&self, answer: T) -> T {
        self.after.acquire().await.unwrap().forget();
        answer
    }

    /// What another process does.
    fn write(&self, key: &AtomicKey, data: &str) -> Etag {
        let mut values = self.values.lock().unwrap();
        let etag = Etag(self.version.fetch_add(1, Ordering::SeqCst).to_string());
        values.insert(key.clone(), Value { data: data.to_owned().into(), etag: etag.clone() });
        etag
    }

    fn check(&self, key: &AtomicKey, condition: &Condition) -> Result<()> {
        let values = self.values.lock().unwrap();
        let holds = match condition {
            Condition::Unconditional => true,
            Condition::IfAbsent => !values.contains_key(key),
            Condition::IfMatch(etag) => values.get(key).is_some_and(|value| value.etag == *etag),
        };
        if holds { Ok(()) } else { Err(Error::new(ErrorKind::PreconditionFailed, "another etag")) }
    }

    fn gets(&self) -> u64 {
        self.gets.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl AtomicStore for Slow {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        let value = self.values.lock().unwrap().get(key).cloned().ok_or_else(|| Error::not_found(key.as_str()));
        self.answer(value).await
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let result = self.check(key, &condition).map(|()| self.write(key, std::str::from_utf8(&data).unwrap()));
        self.answer(result).await
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let result = self.check(key, &condition).map(|()| drop(self.values.lock().unwrap().remove(key)));
        self.answer(result).await
    }

    async fn list(&self, _prefix: &str, _start_after: Option<&str>, _limit: u32) -> Result<Keys> {
        self.answer(Ok(Keys::default())).await
    }

    async fn count(&self, _prefix: &str) -> Result<u64> {
        let count = self.values.lock().unwrap().len() as u64;
        self.answer(Ok(count)).await
    }
}

/// Enough passes for a test that stops nothing.
const FREE: usize = 1 << 20;

fn key(name: &str) -> AtomicKey {
    AtomicKey::new(name).unwrap()
}

async fn read(store: &impl AtomicStore, name: &str) -> String {
    String::from_utf8(store.get(&key(name)).await.unwrap().data.to_vec()).unwrap()
}

fn cached(store: &Arc<Slow>, options: CacheOptions) -> (Cached, Arc<Manual>) {
    let time = Manual::still();
    (Cached::with_clock(store.clone(), options, time.clock()), time)
}

#[tokio::test]
async fn a_value_is_read_once_until_it_is_too_old() {
    let store = Slow::new(FREE);
    let (cache, time) = cached(&store, CacheOptions::default());
    store.write(&key("a"), "one");
    for _ in 0..3 {
        assert_eq!(read(&cache, "a").await, "one");
    }
    assert_eq!(store.gets(), 1);
    store.write(&key("a"), "two");
    time.advance(Duration::from_millis(999));
    assert_eq!(read(&cache, "a").await, "one", "others are noticed when it is too old");
    time.advance(Duration::from_millis(1));
    assert_eq!(read(&cache, "a").await, "two");
}

#[tokio::test]
async fn own_changes_are_seen_at_once_and_absence_is_not_remembered() {
    let store = Slow::new(FREE);
    let (cache, _) = cached(&store, CacheOptions::default());
    assert_eq!(cache.get(&key("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
    store.write(&key("a"), "others'");
    assert_eq!(read(&cache, "a").await, "others'");
    cache.put(&key("a"), "mine".into(), Condition::Unconditional).await.unwrap();
    assert_eq!(read(&cache, "a").await, "mine");
    cache.remove(&key("a"), Condition::Unconditional).await.unwrap();
    assert_eq!(cache.get(&key("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_condition_is_judged_by_the_store_and_the_next_try_reads_it() {
    let store = Slow::new(FREE);
    let (cache, _) = cached(&store, CacheOptions::default());
    store.write(&key("a"), "one");
    let remembered = cache.get(&key("a")).await.unwrap();
    store.write(&key("a"), "two");
    assert_eq!(cache.get(&key("a")).await.unwrap(), remembered);
    let refused = cache.put(&key("a"), "three".into(), Condition::IfMatch(remembered.etag.clone())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PreconditionFailed);
    let current = cache.get(&key("a")).await.unwrap();
    assert_eq!(current.data, "two");
    store.write(&key("a"), "four");
    assert!(cache.remove(&key("a"), Condition::IfMatch(current.etag)).await.is_err());
    let current = cache.get(&key("a")).await.unwrap();
    cache.put(&key("a"), "five".into(), Condition::IfMatch(current.etag)).await.unwrap();
    assert_eq!(read(&cache, "a").await, "five");
}

#[tokio::test]
async fn bytes_and_entries_are_bounded() {
    let store = Slow::new(FREE);
    let (few, _) = cached(&store, CacheOptions { entries: 10, ..CacheOptions::default() });
    let (small, _) = cached(&store, CacheOptions { bytes: 100_000, ..CacheOptions::default() });
    for at in 0..200 {
        let name = format!("k{at}");
        store.write(&key(&name), &"x".repeat(10_000));
        read(&few, &name).await;
        read(&small, &name).await;
    }
    assert!(few.len() <= 10 && small.len() <= 10, "{} {}", few.len(), small.len());

    let (cache, _) = cached(&store, CacheOptions { value_max: 9_999, ..CacheOptions::default() });
    read(&cache, "k0").await;
    assert!(cache.is_empty());
}

#[tokio::test]
async fn a_read_that_a_change_overlaps_is_not_remembered() {
    let store = Slow::new(0);
    let (cache, _) = cached(&store, CacheOptions::default());
    store.write(&key("a"), "old");
    let reader = tokio::spawn({
        let cache = cache.clone();
        async move { read(&cache, "a").await }
    });
    while store.gets.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The reader's answer is there, and he has not heard it yet. A change comes and goes.
    let changing = key("a");
    let mut change = Box::pin(cache.put(&changing, "new".into(), Condition::Unconditional));
    assert!(futures::poll!(&mut change).is_pending());
    drop(change);
    store.after.add_permits(FREE);
    assert_eq!(reader.await.unwrap(), "old");
    assert!(cache.is_empty());
    assert_eq!(read(&cache, "a").await, "new", "the change was dropped, and had happened");
}

/// After any change of this process has ended, no reader that begins then may see anything older: with readers and writers that overlap in every way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_reads_what_was_before_a_change_that_has_ended() {
    const KEYS: usize = 3;
    let store = Slow::new(FREE);
    let (cache, _) = cached(&store, CacheOptions { max_age: Duration::from_secs(3600), ..CacheOptions::default() });
    // The versions of the last change of each key that has ended.
    let ended: Arc<[AtomicU64; KEYS]> = Arc::default();
    for at in 0..KEYS {
        store.write(&key(&at.to_string()), "first");
    }
    let tasks = (0..8).map(|task| {
        let (cache, ended) = (cache.clone(), ended.clone());
        tokio::spawn(async move {
            for round in 0..4000 {
                let at = (task * 7 + round) % KEYS;
                let name = key(&at.to_string());
                if (task + round) % 5 == 0 {
                    let etag = cache.put(&name, "next".into(), Condition::Unconditional).await.unwrap();
                    ended[at].fetch_max(etag.0.parse().unwrap(), Ordering::SeqCst);
                } else {
                    let least = ended[at].load(Ordering::SeqCst);
                    let seen: u64 = cache.get(&name).await.unwrap().etag.0.parse().unwrap();
                    assert!(seen >= least, "read {seen} after {least} was written");
                }
                if round % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert!(store.gets() < 8 * 4000, "some were remembered");
}
