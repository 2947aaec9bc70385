//! The server itself: shutdown, limits, clients that dawdle.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cofferdam_tests::client::{Answer, Method, noise, sha256};
use cofferdam_tests::wait::until;

use crate::desk::{Desk, Setup};

/// Longer than any test takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

fn connected(desk: &Desk) -> TcpStream {
    let stream = TcpStream::connect(desk.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn get(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
}

/// Reads a head, byte by byte, so that nothing of the body is read.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Whether the server has closed the connection, having sent nothing more.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_lets_a_download_end_and_takes_no_more() {
    let mut desk = Desk::new();
    let blob = noise(1, 32 << 20);
    let digest = desk.repository().push(blob.clone()).await;
    let (mut reading, mut idle) = (connected(&desk), connected(&desk));
    get(&mut idle, "/v2/");
    assert!(head(&mut idle).starts_with("HTTP/1.1 200"));
    idle.read_exact(&mut [0; 2]).unwrap();
    get(&mut reading, &format!("/v2/library/thing/blobs/{digest}"));
    assert!(head(&mut reading).starts_with("HTTP/1.1 200"));
    desk.begin_stop();
    // Nothing is in flight there.
    assert!(is_closed(&mut idle));
    let address = desk.address;
    until("it listens no more", || TcpStream::connect(address).err());
    let mut received = vec![0; blob.len()];
    reading.read_exact(&mut received).unwrap();
    assert!(received == blob);
    assert!(is_closed(&mut reading));
    assert_eq!(desk.stop().cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_lets_an_upload_end() {
    let mut desk = Desk::new();
    let blob = noise(2, 1 << 20);
    let location = desk.repository().start().await;
    let path = location.strip_prefix(&format!("http://{}", desk.address)).unwrap_or(&location).to_owned();
    let mut stream = connected(&desk);
    write!(stream, "PUT {path}?digest={} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", sha256(&blob), blob.len())
        .unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 100"));
    stream.write_all(&blob[..blob.len() / 2]).unwrap();
    desk.begin_stop();
    let address = desk.address;
    until("it listens no more", || TcpStream::connect(address).err());
    stream.write_all(&blob[blob.len() / 2..]).unwrap();
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(desk.stop().cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_has_a_deadline() {
    let mut setup = Setup::default();
    setup.server.shutdown_deadline = Duration::from_millis(100);
    let desk = Desk::with(setup, |api| api);
    let digest = desk.repository().push(noise(3, 32 << 20)).await;
    let mut stream = connected(&desk);
    get(&mut stream, &format!("/v2/library/thing/blobs/{digest}"));
    head(&mut stream);
    // It never reads on.
    assert_eq!(desk.stop().cut_off, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_cut_off_and_holds_no_instance() {
    let mut setup = Setup::default();
    setup.server.write_timeout = Duration::from_secs(2);
    let write_timeout = setup.server.write_timeout;
    let desk = Desk::with(setup, |api| api);
    let digest = desk.repository().push(noise(4, 32 << 20)).await;
    let mut stream = connected(&desk);
    let asked = Instant::now();
    get(&mut stream, &format!("/v2/library/thing/blobs/{digest}"));
    head(&mut stream);
    // The head may be here a moment before its call has put the instance back.
    until("the instance is idle", || {
        let stats = desk.blobs.stats();
        (stats.instances_live == stats.instances_idle).then_some(())
    });
    assert!(asked.elapsed() < write_timeout, "only cutting the client off let the instance go");
    // Others are served meanwhile, whole.
    assert_eq!(desk.repository().blob(&digest).await.len(), 32 << 20);
    let mut rest = Vec::new();
    until("the connection is closed", || stream.write(b"x").err());
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 32 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_hung_up_on() {
    let mut setup = Setup::default();
    setup.server.head_timeout = Duration::from_millis(200);
    let desk = Desk::with(setup, |api| api);
    let (mut silent, mut halting) = (connected(&desk), connected(&desk));
    halting.write_all(b"GET /v2/ HTTP/1.1\r\nHost:").unwrap();
    assert!(is_closed(&mut silent));
    let mut answer = Vec::new();
    let _ = halting.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    desk.client().get("/v2/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_ends_the_request_and_not_the_upload() {
    let mut setup = Setup::default();
    setup.api.body_timeout = Duration::from_millis(200);
    let desk = Desk::with(setup, |api| api);
    let repository = desk.repository();
    let location = repository.start().await;
    let path = location.strip_prefix(&format!("http://{}", desk.address)).unwrap_or(&location).to_owned();
    let mut stream = connected(&desk);
    write!(stream, "PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nfour").unwrap();
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(repository.offset(&location).await, 4);
    repository.finish(&location, &sha256(b"four"), "").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait() {
    let mut setup = Setup::default();
    setup.server.connections_max = 2;
    let desk = Desk::with(setup, |api| api);
    let (mut first, mut second, mut third) = (connected(&desk), connected(&desk), connected(&desk));
    for stream in [&mut first, &mut second] {
        get(stream, "/v2/");
        assert!(head(stream).starts_with("HTTP/1.1 200"));
        stream.read_exact(&mut [0; 2]).unwrap();
    }
    get(&mut third, "/v2/");
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(matches!(third.read(&mut [0]), Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)));
    drop(first);
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(head(&mut third).starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_one_packet_are_answered_in_order() {
    let desk = Desk::new();
    let digest = desk.repository().push("in order").await;
    let mut stream = connected(&desk);
    let path = format!("/v2/library/thing/blobs/{digest}");
    let pipelined = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(20) + "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(pipelined.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("in order").count(), 20);
    assert!(answers.ends_with("{}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once_are_served_by_all_workers() {
    let desk = Desk::new();
    let blob = noise(5, 100_000);
    let digest = desk.repository().push(blob.clone()).await;
    let pulls = (0..200).map(|_| {
        let repository = desk.repository();
        let digest = digest.clone();
        tokio::spawn(async move { repository.blob(&digest).await })
    });
    for pull in pulls.collect::<Vec<_>>() {
        assert!(pull.await.unwrap() == blob);
    }
    Answer::of(desk.client().request(Method::GET, "/v2/")).await.expect(200);
}
