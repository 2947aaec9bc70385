//! Clients that ask and do not read: they hold a socket, and nothing of the driver.

use std::io::{Read, Write};
use std::net::TcpStream;

use cofferdam_tests::client::{Client, noise};
use cofferdam_tests::server::Served;
use cofferdam_tests::wait::until_async;

const INSTANCES: &str = "cofferdam_mount_instances";

/// More than there are instances, calls in flight or threads.
const SILENT: usize = 200;

/// The sum of the samples of `metric` whose labels have `label`.
async fn metric(client: &Client, metric: &str, label: &str) -> Option<f64> {
    let text = String::from_utf8(client.get("/metrics").await.expect(200).body.to_vec()).unwrap();
    let samples = text.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label)));
    samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).reduce(|sum, sample| sum + sample)
}

#[tokio::test]
async fn a_client_that_stops_reading_holds_no_driver_instance() {
    let Served { repository, server, .. } = &Served::fresh();
    let blob = noise(1, 32 << 20);
    let digest = repository.push(blob.clone()).await;
    let request = format!("GET /v2/library/thing/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut silent: Vec<_> = (0..SILENT).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    for stream in &mut silent {
        stream.write_all(request.as_bytes()).unwrap();
        // The first byte has come: the blob is open.
        stream.read_exact(&mut [0]).unwrap();
    }
    let client = server.client();
    until_async("every instance is idle", async || {
        let live = metric(&client, INSTANCES, "state=\"live\"").await?;
        let idle = metric(&client, INSTANCES, "state=\"idle\"").await?;
        (live == idle).then_some(())
    })
    .await;
    // Others are served, in both directions.
    assert_eq!(repository.push(noise(2, 100_000)).await.len(), digest.len());
    assert!(repository.blob(&digest).await == blob);
    // And who reads after all gets the rest.
    let mut late = silent.pop().unwrap();
    let mut rest = vec![0; 16 << 20];
    late.read_exact(&mut rest).unwrap();
}

#[tokio::test]
async fn a_client_that_sends_nothing_holds_up_nobody() {
    let Served { repository, server, .. } = &Served::fresh();
    let location = repository.start().await;
    let path = location.split_once("://").map_or(&*location, |(_, rest)| &rest[rest.find('/').unwrap()..]);
    let mut silent: Vec<_> = (0..SILENT).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    for (at, stream) in silent.iter_mut().enumerate() {
        let head = format!("PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        // Some stop in the head, some right after it, some in the body.
        let part = [&head[..20], &head, &format!("{head}some of it")][at % 3].to_owned();
        stream.write_all(part.as_bytes()).unwrap();
    }
    for seed in 0..20 {
        repository.push(noise(seed, 20_000)).await;
    }
}
