//! Events from the handler's call to the receiver's socket, over an atomic store in memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::upload::{BlobDigest, DigestAlgorithm};
use cofferdam::{AtomicKey, AtomicStore, Condition, Error, ErrorKind, Etag, Keys, Result, Value};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::queue::Queue;
use super::*;
use crate::access::Pattern;

/// Small values in memory.
#[derive(Default)]
struct Memory(Mutex<(u64, BTreeMap<String, Value>)>);

impl Memory {
    fn check(present: Option<&Value>, condition: &Condition) -> Result<()> {
        match (condition, present) {
            (Condition::IfAbsent, Some(_)) => Err(Error::new(ErrorKind::AlreadyExists, "there is one")),
            (Condition::IfMatch(etag), present) if present.map(|value| &value.etag) != Some(etag) => {
                Err(Error::new(ErrorKind::PreconditionFailed, "another"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl AtomicStore for Memory {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        self.0.lock().unwrap().1.get(key.as_str()).cloned().ok_or_else(|| Error::not_found(key.as_str()))
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let (count, values) = &mut *self.0.lock().unwrap();
        Self::check(values.get(key.as_str()), &condition)?;
        *count += 1;
        let etag = Etag(count.to_string());
        values.insert(key.to_string(), Value { data, etag: etag.clone() });
        Ok(etag)
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let (_, values) = &mut *self.0.lock().unwrap();
        Self::check(values.get(key.as_str()), &condition)?;
        values.remove(key.as_str());
        Ok(())
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let (_, values) = &*self.0.lock().unwrap();
        let after = start_after.unwrap_or_default();
        let mut keys: Vec<_> = values.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after).cloned().collect();
        let more = keys.len() > limit as usize;
        keys.truncate(limit as usize);
        Ok(Keys { keys, more })
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        Ok(self.0.lock().unwrap().1.keys().filter(|key| key.starts_with(prefix)).count() as u64)
    }
}

/// A request that a receiver got: its head, and its body as JSON.
type Got = (String, Json);

/// Somebody who is told. Answers the statuses that it was given, then 200.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    came: Arc<Notify>,
}

impl Receiver {
    async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<Got>>>::default();
        let came = Arc::<Notify>::default();
        let (kept, comes) = (got.clone(), came.clone());
        let mut statuses = Vec::from(statuses).into_iter();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                let status = statuses.next().unwrap_or(200);
                if status == 200 {
                    kept.lock().unwrap().push(request);
                    comes.notify_one();
                }
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, got, came }
    }

    /// Every event that has come.
    fn events(&self) -> Vec<Json> {
        self.got.lock().unwrap().iter().flat_map(|(_, body)| body["events"].as_array().unwrap().clone()).collect()
    }

    async fn wait_for(&self, events: usize) -> Vec<Json> {
        while self.events().len() < events {
            let came = timeout(Duration::from_secs(30), self.came.notified()).await;
            assert!(came.is_ok(), "only {} of {events} events have come", self.events().len());
        }
        self.events()
    }
}

async fn read(stream: &mut TcpStream) -> Got {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
        if body.len() == length {
            return (head.to_owned(), serde_json::from_str(body).unwrap());
        }
    }
}

fn webhook(url: &str) -> Webhook {
    Webhook {
        name: "search".to_owned(),
        url: url.to_owned(),
        actions: vec![EventAction::Push, EventAction::Delete],
        repositories: vec![Pattern::new("team/**").unwrap()],
        hmac: Some(b"secret".to_vec()),
        bearer: Some("t0ken".to_owned()),
        timeout: Duration::from_secs(5),
        queue: 1000,
    }
}

fn event(action: EventAction, repository: &str, tag: &str) -> Event {
    Event {
        action,
        repository: RepositoryName::new(repository).unwrap(),
        target: EventTarget::Manifest {
            digest: Some(BlobDigest::of(DigestAlgorithm::Sha256, b"abc")),
            media_type: Some("application/vnd.oci.image.manifest.v1+json".to_owned()),
            size: Some(3),
            tag: Some(Tag::new(tag).unwrap()),
        },
        from_repository: None,
        origin: EventOrigin {
            request_id: "r-1".to_owned(),
            method: "PUT".to_owned(),
            host: Some("registry.example".to_owned()),
            user_agent: Some("x".repeat(60_000)),
            peer: "127.0.0.1:7".parse().unwrap(),
            actor: Some("alice".to_owned()),
        },
    }
}

fn tags(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["target"]["tag"].as_str().unwrap()).collect()
}

fn store() -> Arc<dyn AtomicStore> {
    Arc::new(Memory::default())
}

#[tokio::test]
async fn what_is_wanted_arrives_as_docker_writes_it_and_signed() {
    let receiver = Receiver::start(&[]).await;
    let store = store();
    let webhooks = Webhooks::start(vec![webhook(&receiver.url)], &store).unwrap();
    webhooks.record(event(EventAction::Pull, "team/a", "pulled"));
    webhooks.record(event(EventAction::Push, "elsewhere", "elsewhere"));
    webhooks.record(event(EventAction::Push, "team/a", "one"));
    let events = receiver.wait_for(1).await;
    assert_eq!(tags(&events), ["one"]);
    let expected = serde_json::json!({
        "action": "push",
        "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "size": 3, "length": 3, "repository": "team/a", "tag": "one",
        },
        "request": { "id": "r-1", "addr": "127.0.0.1:7", "host": "registry.example", "method": "PUT", "useragent": "x".repeat(256) },
        "actor": { "name": "alice" },
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&events[0][key], value, "{key}");
    }
    let (head, body) = receiver.got.lock().unwrap()[0].clone();
    for line in ["POST /hook HTTP/1.1", "content-type: application/vnd.docker.distribution.events.v1+json", "authorization: Bearer t0ken"] {
        assert!(head.contains(line), "{line} is not in {head}");
    }
    assert!(head.contains("x-cofferdam-signature: sha256="), "{head}");
    assert!(body["events"][0]["id"].as_str().unwrap().ends_with("-1"));
    webhooks.close().await;
    assert_eq!(store.count("events/").await.unwrap(), 0, "what was delivered is out of the queue");
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_and_order_is_kept() {
    let receiver = Receiver::start(&[503, 429]).await;
    let webhooks = Webhooks::start(vec![webhook(&receiver.url)], &store()).unwrap();
    for tag in ["one", "two", "three"] {
        webhooks.record(event(EventAction::Push, "team/a", tag));
    }
    assert_eq!(tags(&receiver.wait_for(3).await), ["one", "two", "three"]);
    webhooks.close().await;
}

#[tokio::test]
async fn what_was_recorded_outlives_the_process() {
    let store = store();
    // Nobody listens at a port that was just given back.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let webhooks = Webhooks::start(vec![webhook(&format!("http://{gone}/"))], &store).unwrap();
    webhooks.record(event(EventAction::Delete, "team/a", "one"));
    webhooks.close().await;
    assert_eq!(store.count("events/search/").await.unwrap(), 1);
    let receiver = Receiver::start(&[]).await;
    let webhooks = Webhooks::start(vec![webhook(&receiver.url)], &store).unwrap();
    assert_eq!(tags(&receiver.wait_for(1).await), ["one"]);
    webhooks.close().await;
}

#[tokio::test]
async fn of_two_processes_one_delivers_what_both_record() {
    let (store, receiver) = (store(), Receiver::start(&[]).await);
    let both = [(); 2].map(|()| Webhooks::start(vec![webhook(&receiver.url)], &store).unwrap());
    for at in 0..20 {
        both[at % 2].record(event(EventAction::Push, "team/a", &format!("t{at}")));
    }
    let events = receiver.wait_for(20).await;
    let mut seen = tags(&events);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), events.len()), (20, 20), "each event once");
    for webhooks in &both {
        webhooks.close().await;
    }
}

#[tokio::test]
async fn a_full_queue_drops_its_oldest() {
    let store = store();
    let queue = Queue::new(store.clone(), "search", "p", 10);
    for at in 1..=10 {
        assert_eq!(queue.add(Bytes::from(at.to_string()), 1, at).await.unwrap(), 0);
    }
    assert_eq!(queue.add(Bytes::from("eleven"), 1, 5).await.unwrap(), 2, "a tenth of the room is made at once");
    let left = queue.oldest().await.unwrap();
    assert_eq!((left.len(), queue.waiting()), (9, 9));
    assert_eq!(queue.body(&left[0]).await.unwrap().unwrap(), "3");
    assert_eq!(queue.body(&left[8]).await.unwrap().unwrap(), "eleven", "a clock that goes back changes no order");
    assert_eq!(Queue::new(store, "search", "q", 10).make_room().await.unwrap(), 0, "another process counts the same");
}
