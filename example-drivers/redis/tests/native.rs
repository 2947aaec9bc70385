//! The driver run natively against a server of canned answers: what it asks, and what it makes of answers that no test can have of
//! a real server. The contract as a whole, and a real Redis, are the certifier's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use cofferdam_guest::prelude::*;
use cofferdam_guest::testing::Harness;
use redis_driver::RedisDriver;

type Redis = Harness<RedisDriver>;

/// A server that gives the answers in their order, whatever is asked on whichever connection.
struct Canned {
    address: SocketAddr,
    asked: Receiver<(usize, Vec<String>)>,
}

impl Canned {
    fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        let answers: Vec<_> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        thread::spawn(move || {
            let mut answers = answers.into_iter();
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = BufReader::new(stream.unwrap());
                while let Some(words) = command(&mut stream) {
                    let Some(answer) = answers.next() else { return };
                    let _ = tell.send((number, words));
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { address, asked }
    }

    /// The next command, and on which connection it came.
    fn asked(&self) -> (usize, Vec<String>) {
        self.asked.recv().unwrap()
    }

    /// On which connections the next two commands came.
    fn connections(&self) -> (usize, usize) {
        (self.asked().0, self.asked().0)
    }
}

/// The words of the next command, or `None` at the end.
fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let words = count(stream)?;
    let mut word = || {
        let mut bytes = vec![0; count(stream)? + 2];
        stream.read_exact(&mut bytes).ok()?;
        bytes.truncate(bytes.len() - 2);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    (0..words).map(|_| word()).collect()
}

/// The number behind `*` or `$`.
fn count(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    line[1..].trim_end().parse().ok()
}

fn start(settings: &[(&str, &str)], answers: &[&str]) -> (Redis, Canned) {
    let (driver, server) = (Redis::start(settings).unwrap(), Canned::new(answers));
    driver.connect("redis", server.address);
    (driver, server)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn a_value_is_one_command_on_a_connection_that_is_kept() {
    let (mut driver, server) = start(&[], &["*2\r\n$2\r\ne1\r\n$5\r\n1\r\n\r\n\r\n", "*2\r\n$-1\r\n$-1\r\n", "*2\r\n$2\r\ne1\r\n$-1\r\n"]);
    let value = driver.get(&key("a/b")).unwrap();
    assert_eq!((&value.data[..], value.etag.as_str()), (&b"1\r\n\r\n"[..], "e1"));
    assert_eq!(driver.get(&key("a")).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(driver.get(&key("a")).unwrap_err().kind, ErrorKind::Corrupted);
    assert_eq!(server.asked(), (0, ["HMGET", "{cofferdam}:value:a/b", "etag", "data"].map(str::to_owned).to_vec()));
    assert_eq!(server.connections(), (0, 0));
}

#[test]
fn a_condition_goes_with_its_write() {
    let (mut driver, server) = start(&[("prefix", "x")], &["+OK\r\n", "+PRESENT\r\n", "+CHANGED\r\n", "+OK\r\n"]);
    let etag = driver.put(&key("a"), b"1", Condition::Unconditional).unwrap();
    assert_eq!(driver.put(&key("a"), b"1", Condition::IfAbsent).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(driver.put(&key("a"), b"1", Condition::IfMatch("old".to_owned())).unwrap_err().kind, ErrorKind::PreconditionFailed);
    driver.remove(&key("a"), Condition::IfMatch("old".to_owned())).unwrap();
    assert_eq!(driver.remove(&key("a"), Condition::IfAbsent).unwrap_err().kind, ErrorKind::InvalidArgument);

    let words = || server.asked().1.split_off(2).join(" ");
    assert_eq!(words(), format!("2 {{x}}:value:a {{x}}:keys 0 a   {etag} 1"));
    assert!(words().starts_with("2 {x}:value:a {x}:keys 0 a absent  "));
    assert!(words().starts_with("2 {x}:value:a {x}:keys 0 a match old "));
    assert_eq!(words(), "2 {x}:value:a {x}:keys 0 a match old");
}

#[test]
fn a_page_begins_behind_a_key_and_ends_with_its_prefix() {
    let (mut driver, server) = start(&[], &["*2\r\n$2\r\nab\r\n$2\r\nac\r\n", "*0\r\n", ":7\r\n"]);
    let page = AtomicStore::list(&mut *driver, "a", Some("aa"), 1).unwrap();
    assert_eq!((page.keys, page.more), (vec!["ab".to_owned()], true));
    let page = AtomicStore::list(&mut *driver, "b", Some("aa"), u32::MAX).unwrap();
    assert_eq!((page.keys.len(), page.more), (0, false));
    assert_eq!(AtomicStore::count(&mut *driver, "").unwrap(), 7);
    // What no text can have is shown as a replacement: the byte behind every key.
    assert_eq!(server.asked().1.join(" "), "ZRANGEBYLEX {cofferdam}:keys (aa (a\u{fffd} LIMIT 0 2");
    assert_eq!(server.asked().1.join(" "), "ZRANGEBYLEX {cofferdam}:keys [b (b\u{fffd} LIMIT 0 1001");
    assert_eq!(server.asked().1.join(" "), "ZLEXCOUNT {cofferdam}:keys [ (\u{fffd}");
}

#[test]
fn what_is_no_answer_of_redis_closes_the_connection() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "$99999999999\r\n", "*2\r\n*1\r\n*1\r\n", ":x\r\n", "*2\r\n$1\r\nabc", "+\r\n+\r\n"] {
        let (mut driver, server) = start(&[], &[answer, "+PONG\r\n"]);
        let error = driver.health().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal), "{answer:?}: {}", error.message);
        driver.health().unwrap();
        assert_eq!(server.connections(), (0, 1), "{answer:?}");
    }
}

#[test]
fn an_error_of_redis_keeps_its_name_and_the_connection() {
    let (mut driver, server) = start(&[], &["-LOADING Redis is loading the dataset in memory\r\n", "-OOM used\r\n"]);
    let error = driver.health().unwrap_err();
    assert_eq!((error.kind, error.code.as_deref(), error.retry_after_ms), (ErrorKind::Unavailable, Some("LOADING"), Some(1000)));
    let error = driver.put(&key("a"), b"1", Condition::Unconditional).unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::QuotaExceeded, Some("OOM")));
    assert_eq!(server.connections(), (0, 0));
}

#[test]
fn settings_and_reachability() {
    for (name, value) in [("prefix", ""), ("prefix", "a{b}"), ("connection", ""), ("database", "-1")] {
        let error = Redis::start(&[(name, value)]).err().unwrap();
        assert!(error.kind == ErrorKind::InvalidArgument && error.message.contains(name), "{}", error.message);
    }
    let mut driver = Redis::start(&[]).unwrap();
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::PermissionDenied);
    let (mut driver, _server) = start(&[], &[]);
    driver.set_reachable(false);
    assert_eq!(driver.health().unwrap_err().kind, ErrorKind::Unavailable);
}
