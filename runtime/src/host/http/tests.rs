//! Requests to a server of raw sockets, which answers whatever a test wants.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::call::CallContext;
use crate::error::ErrorKind;
use crate::grant::{Origin, SecretSource, Signing};
use crate::host::network::lookup::scripted::Names;

const PATIENCE: Duration = Duration::from_secs(5);

/// What a server was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// A server on a port of its own.
pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    pub(super) accepted: Arc<AtomicU64>,
}

impl Server {
    /// One that answers every request by `answer`, and goes on with the connection while that answers true.
    pub(super) fn new(answer: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, accepted, answer) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(AtomicU64::new(0)), Arc::new(answer));
        let (log, count) = (seen.clone(), accepted.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
                let (mut stream, log, answer) = (stream.unwrap(), log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(asked) = read(&mut reader) {
                        log.lock().unwrap().push(asked.clone());
                        if !answer(&asked, &mut stream) {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, seen, accepted }
    }

    /// One that answers every request with `text`.
    pub(super) fn saying(text: &'static str) -> Self {
        Self::new(move |_, stream| stream.write_all(text.as_bytes()).is_ok())
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A rule for it, with its address granted.
    pub(super) fn rule(&self) -> HttpRule {
        self.rule_named("127.0.0.1")
    }

    fn rule_named(&self, host: &str) -> HttpRule {
        let mut rule = HttpRule::new(Origin::parse(&format!("http://{host}:{}", self.address.port())).unwrap());
        rule.addresses = vec!["127.0.0.0/8".parse().unwrap()];
        rule
    }

    /// All that it was asked.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        seen.head += &line;
    }
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

pub(super) fn open(rules: &[HttpRule], names: &Arc<Names>) -> Http {
    Http::open_with(rules, "test".into(), PATIENCE, &(names.clone() as Arc<dyn Lookup>)).unwrap()
}

pub(super) fn no_names() -> Arc<Names> {
    Names::new(&["203.0.113.1"])
}

pub(super) fn call() -> CallContext {
    CallContext::new(Arc::default(), None)
}

pub(super) fn asked(method: &str, url: impl Into<String>) -> Asked {
    Asked { method: method.to_owned(), url: url.into(), headers: Vec::new(), first_byte: None }
}

pub(super) async fn get(http: &Http, url: impl Into<String>) -> Result<Answered> {
    http.send(&call(), asked("GET", url), None).await
}

#[tokio::test]
async fn a_request_arrives_as_it_was_asked_and_its_answer_comes_back() {
    let server = Server::saying("HTTP/1.1 404 Gone Home\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello");
    let http = open(&[server.rule()], &no_names());
    let mut request = asked("PUT", server.url("/a%20b?c=d%2Fe"));
    request.headers = vec![("X-Own".to_owned(), "yes".to_owned())];
    let answered = http.send(&call(), request, Some(Content::from_bytes("body"))).await.unwrap();
    let seen = server.last();
    assert!(seen.head.starts_with("PUT /a%20b?c=d%2Fe HTTP/1.1\r\n"), "{}", seen.head);
    assert!(seen.head.contains("x-own: yes\r\n") && seen.head.contains("content-length: 4\r\n"), "{}", seen.head);
    assert!(seen.head.contains(&format!("host: {}\r\n", server.address)));
    assert_eq!(seen.body, b"body");
    assert_eq!(answered.status, 404);
    assert_eq!(answered.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((answered.content.size(), answered.content.is_held()), (Some(5), false));
    assert_eq!(answered.content.bytes(9).await.unwrap(), "hello");
}

#[tokio::test]
async fn content_that_the_host_streams_has_its_length() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let http = open(&[server.rule()], &no_names());
    let frames = || futures::stream::iter([Ok("abc".into()), Ok("de".into())]);
    http.send(&call(), asked("PUT", server.url("/")), Some(Content::live(frames(), Some(5)))).await.unwrap();
    let seen = server.last();
    assert!(seen.head.contains("content-length: 5\r\n") && !seen.head.contains("transfer-encoding"), "{}", seen.head);
    assert_eq!(seen.body, b"abcde");
    for (size, more) in [(4, "more"), (6, "fewer")] {
        let error = http.send(&call(), asked("PUT", server.url("/")), Some(Content::live(frames(), Some(size)))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.message().contains(more), "{error}");
    }
    let unknown = http.send(&call(), asked("PUT", server.url("/")), Some(Content::live(frames(), None))).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_body_without_bytes_has_a_length_too() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let http = open(&[server.rule()], &no_names());
    let live = || Content::live(futures::stream::empty(), Some(0));
    let said = |method: &'static str, body: Option<Content>| {
        let (http, server) = (&http, &server);
        async move {
            http.send(&call(), asked(method, server.url("/")), body).await.unwrap();
            server.last().head.matches("content-length: 0\r\n").count()
        }
    };
    for method in ["PUT", "POST", "PATCH"] {
        assert_eq!(said(method, Some(Content::from_bytes(""))).await, 1, "{method}");
        assert_eq!(said(method, Some(live())).await, 1, "{method} of live content");
        assert_eq!(said(method, None).await, 1, "{method} without a body");
    }
    for method in ["GET", "HEAD", "DELETE"] {
        assert_eq!(said(method, None).await, 0, "{method}");
    }
}

#[tokio::test]
async fn connections_are_kept_and_bodies_outlive_the_mount_that_asked() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let http = open(&[server.rule()], &no_names());
    for _ in 0..5 {
        assert_eq!(get(&http, server.url("/")).await.unwrap().content.bytes(9).await.unwrap(), "ok");
    }
    assert_eq!(server.accepted.load(Ordering::Relaxed), 1);
    let other = open(&[server.rule()], &no_names());
    let content = get(&other, server.url("/")).await.unwrap().content;
    assert_eq!(server.accepted.load(Ordering::Relaxed), 2, "mounts share no connection");
    drop(other);
    assert_eq!(content.bytes(9).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_head_has_no_body_and_no_redirect_is_followed() {
    let server = Server::saying("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
    let http = open(&[server.rule()], &no_names());
    let answered = get(&http, server.url("/")).await.unwrap();
    assert_eq!(answered.status, 302);
    assert!(answered.texts().contains(&("location".to_owned(), "http://169.254.169.254/".to_owned())));
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    let http = open(&[server.rule()], &no_names());
    for _ in 0..2 {
        let answered = http.send(&call(), asked("HEAD", server.url("/")), None).await.unwrap();
        assert!(answered.texts().contains(&("content-length".to_owned(), "1234".to_owned())));
        assert_eq!(answered.content.bytes(9).await.unwrap(), "");
    }
}

#[tokio::test]
async fn what_no_rule_allows_is_refused_before_a_name_is_looked_up() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let mut rule = server.rule_named("allowed.example");
    rule.methods = Some(vec!["GET".to_owned()]);
    rule.path = Some("/bucket".to_owned());
    let names = Names::new(&["127.0.0.1"]);
    let http = open(&[rule], &names);
    let port = server.address.port();
    let url = |path: &str| format!("http://allowed.example:{port}{path}");
    for (method, url) in [
        ("GET", "http://allowed.example/bucket".to_owned()),
        ("GET", format!("https://allowed.example:{port}/bucket")),
        ("GET", format!("http://other.example:{port}/bucket")),
        ("PUT", url("/bucket/a")),
        ("GET", url("/bucketing")),
        ("GET", url("/bucket/../other")),
        ("GET", url("/bucket/%2e%2e/other")),
        ("GET", url("/bucket/..%2fother")),
    ] {
        let error = http.send(&call(), asked(method, url.as_str()), None).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("denied")), "{method} {url}");
        assert!(error.message().contains("[[http]]\nallow = \"http"), "{error}");
    }
    assert_eq!((names.asked().len(), server.accepted.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(get(&http, url("/bucket/a")).await.unwrap().status, 200);
}

#[tokio::test]
async fn special_addresses_are_refused_whoever_says_them() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let port = server.address.port();
    let rule = |host: &str| HttpRule::new(Origin::parse(&format!("http://{host}:{port}")).unwrap());
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254", "0.0.0.0", "2130706433", "0x7f.1", "10.0.0.1"] {
        let http = open(&[rule(host)], &no_names());
        let error = get(&http, format!("http://{host}:{port}/")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("denied")), "{host}");
        assert!(error.message().contains("addresses = [\""), "{error}");
    }
    for answer in ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "fd00:ec2::254", "10.0.0.1 192.168.0.1"] {
        let http = open(&[rule("name.example")], &Names::new(&[answer]));
        let error = get(&http, format!("http://name.example:{port}/")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("denied")), "{answer}");
        assert!(error.message().contains("name.example leads to"), "{error}");
    }
    assert_eq!(server.accepted.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let port = server.address.port();
    // Refused addresses beside a granted one are passed over; an answer that changes is checked again.
    let names = Names::new(&["10.0.0.1 127.0.0.1", "169.254.169.254"]);
    let http = open(&[server.rule_named("name.example")], &names);
    let url = format!("http://name.example:{port}/");
    assert_eq!(get(&http, url.as_str()).await.unwrap().status, 200);
    assert_eq!(names.asked().len(), 1);
    let error = get(&http, url.as_str()).await.unwrap_err();
    assert_eq!(error.code(), Some("denied"));
    assert_eq!((names.asked().len(), server.accepted.load(Ordering::Relaxed)), (2, 1));
}

#[tokio::test]
async fn what_is_the_hosts_to_say_is_refused() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let http = open(&[server.rule()], &no_names());
    let refused = async |request: Asked| http.send(&call(), request, None).await.unwrap_err().kind() == ErrorKind::InvalidArgument;
    for name in ["Host", "content-length", "Connection", "Expect", "Transfer-Encoding", "TE", "Upgrade", "Proxy-Authorization", "bad name", ""] {
        let headers = vec![(name.to_owned(), "1".to_owned())];
        assert!(refused(Asked { headers, ..asked("GET", server.url("/")) }).await, "{name}");
    }
    let headers = vec![("x".to_owned(), "a\r\nHost: evil".to_owned())];
    assert!(refused(Asked { headers, ..asked("GET", server.url("/")) }).await);
    assert!(refused(Asked { headers: vec![("x".to_owned(), String::new()); 101], ..asked("GET", server.url("/")) }).await);
    assert!(refused(Asked { headers: vec![("x".to_owned(), "y".repeat(65 << 10))], ..asked("GET", server.url("/")) }).await);
    for method in ["CONNECT", "TRACE", "get", "", "G T"] {
        assert!(refused(asked(method, server.url("/"))).await, "{method}");
    }
    for url in ["", "/", "ftp://a/", "http://u:p@127.0.0.1/", "http://127.0.0.1/#a", "http://127.0.0.1:99999/"] {
        assert!(refused(asked("GET", url)).await, "{url}");
    }
    assert!(server.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn credentials_are_added_after_the_request_has_left_the_driver() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("secret");
    std::fs::write(&file, "hidden-token\n").unwrap();
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let source = || SecretSource::File(file.clone());
    let keys = scratch.path().join("keys");
    std::fs::write(&keys, "[default]\naws_access_key_id = AKID\naws_secret_access_key = hidden-key\n").unwrap();
    let credentials = crate::grant::AwsCredentials::Profile { file: keys, name: "default".to_owned() };
    let account = scratch.path().join("account");
    std::fs::write(&account, "aGlkZGVuLWtleQ==").unwrap();
    let key = SecretSource::File(account);
    for (signing, expected) in [
        (Signing::Bearer { token: source() }, "authorization: Bearer hidden-token\r\n"),
        (Signing::Basic { user: "u".to_owned(), password: source() }, "authorization: Basic dTpoaWRkZW4tdG9rZW4=\r\n"),
        (Signing::AwsSigV4 { region: "r".to_owned(), service: "s3".to_owned(), credentials }, "authorization: AWS4-HMAC-SHA256 Credential=AKID/"),
        (Signing::AzureSharedKey { account: "store1".to_owned(), key }, "authorization: SharedKey store1:"),
    ] {
        let presigns = matches!(signing, Signing::AwsSigV4 { .. } | Signing::AzureSharedKey { .. });
        let is_aws = matches!(signing, Signing::AwsSigV4 { .. });
        let http = open(&[HttpRule { signing: Some(signing), ..server.rule() }], &no_names());
        http.send(&call(), asked("PUT", server.url("/")), Some(Content::from_bytes("body"))).await.unwrap();
        let head = server.last().head;
        assert!(head.contains(expected) && !head.contains("hidden-key"), "{head}");
        // Over plain HTTP the body is signed too.
        let digest = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
        assert_eq!(head.contains(&format!("x-amz-content-sha256: {digest}")), is_aws, "{head}");
        let headers = vec![("Authorization".to_owned(), "mine".to_owned())];
        let error = http.send(&call(), Asked { headers, ..asked("GET", server.url("/")) }, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let presigned = http.presign(asked("GET", server.url("/a/b")), 60).await;
        assert_eq!(presigned.map_err(|error| error.kind()).is_ok(), presigns);
    }
    let http = open(&[server.rule()], &no_names());
    assert_eq!(http.presign(asked("GET", server.url("/a")), 60).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(http.presign(asked("GET", "http://other.example/"), 60).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_driver_sends_nobody_where_it_may_not_go() {
    let granted = "[[http]]\nallow = \"https://store.example\"\nmethods = [\"GET\"]\npath = \"/bucket\"";
    let rule = crate::grant::Grant::parse(granted, std::path::Path::new("grant.toml")).unwrap().http;
    let http = open(&rule, &no_names());
    let led = |method: &str, url: &str| http.may_lead_to(method, url).map_err(|error| error.kind());
    assert_eq!(led("GET", "https://store.example/bucket/a%20b?signature=x").unwrap(), "https://store.example/bucket/a%20b?signature=x");
    // What a browser would read in its own way is handed out as it was read here.
    assert_eq!(led("GET", "https://store.example/\tbucket/a").unwrap(), "https://store.example/bucket/a");
    for url in [
        "https://evil.example/bucket/a",
        "http://store.example/bucket/a",
        "https://store.example/other",
        "https://store.example\\@evil.example/bucket/",
    ] {
        assert_eq!(led("GET", url), Err(ErrorKind::PermissionDenied), "{url}");
    }
    assert_eq!(led("HEAD", "https://store.example/bucket/a"), Err(ErrorKind::PermissionDenied));
    for url in ["", "/bucket/a", "javascript:alert(1)", "https://user@store.example/bucket/a", "https://store.example/bucket/a#b"] {
        assert_eq!(led("GET", url), Err(ErrorKind::Misbehaved), "{url}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_sent_and_shown_nowhere() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("token");
    std::fs::write(&file, "sv=2022-11-02&sig=hidden").unwrap();
    // It ends the connection without a word, and a client's error has the URL.
    let server = Server::new(|_, _| false);
    let signing = Signing::AzureSas { token: SecretSource::File(file) };
    let http = open(&[HttpRule { signing: Some(signing), ..server.rule() }], &no_names());
    let error = get(&http, server.url("/c?comp=list")).await.unwrap_err();
    assert!(server.last().head.starts_with("GET /c?comp=list&sv=2022-11-02&sig=hidden HTTP/1.1\r\n"));
    assert!(error.code() == Some("reset") && !format!("{error} {error:?}").contains("hidden"), "{error:?}");
    assert_eq!(http.presign(asked("GET", server.url("/c/b")), 60).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_server_that_breaks_off_says_so_and_keeps_nobody() {
    let began = Instant::now();
    let code = async |http: &Http, url: String| get(http, url).await.unwrap_err().code().unwrap().to_owned();
    let silent = Server::new(|_, _| true);
    let rule = HttpRule { first_byte_timeout: Duration::from_millis(50), ..silent.rule() };
    assert_eq!(code(&open(&[rule], &no_names()), silent.url("/")).await, "timeout");
    let closing = Server::new(|_, _| false);
    assert_eq!(code(&open(&[closing.rule()], &no_names()), closing.url("/")).await, "reset");
    let babbling = Server::saying("this is no HTTP\r\n\r\n");
    assert_eq!(code(&open(&[babbling.rule()], &no_names()), babbling.url("/")).await, "reset");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rule = HttpRule { addresses: vec!["127.0.0.1".parse().unwrap()], ..HttpRule::new(Origin::parse(&format!("http://{gone}")).unwrap()) };
    assert_eq!(code(&open(&[rule], &no_names()), format!("http://{gone}/")).await, "connect");
    let speaking_first = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = speaking_first.local_addr().unwrap();
    std::thread::spawn(move || speaking_first.accept().unwrap().0.write_all(b"no TLS at all, whatever is asked\n").unwrap());
    let rule = HttpRule { addresses: vec!["127.0.0.1".parse().unwrap()], ..HttpRule::new(Origin::parse(&format!("https://{address}")).unwrap()) };
    assert_eq!(code(&open(&[rule], &no_names()), format!("https://{address}/")).await, "tls");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_driver_may_be_less_patient_than_its_grant() {
    let silent = Server::new(|_, _| true);
    for (granted, said) in [(PATIENCE, 50), (Duration::from_millis(50), 60_000)] {
        let began = Instant::now();
        let http = open(&[HttpRule { first_byte_timeout: granted, ..silent.rule() }], &no_names());
        let request = Asked { first_byte: Some(Duration::from_millis(said)), ..asked("GET", silent.url("/")) };
        assert_eq!(http.send(&call(), request, None).await.unwrap_err().code(), Some("timeout"));
        assert!(began.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn a_body_that_ends_early_or_stalls_is_an_error() {
    let short = Server::new(|_, stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").is_err());
    let content = get(&open(&[short.rule()], &no_names()), short.url("/")).await.unwrap().content;
    let error = content.bytes(99).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("reset")));
    let stalling = Server::new(|_, stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").is_ok());
    let rule = HttpRule { idle_timeout: Duration::from_millis(50), ..stalling.rule() };
    let content = get(&open(&[rule], &no_names()), stalling.url("/")).await.unwrap().content;
    let error = content.bytes(99).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("timeout")));
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let rule = HttpRule { connections: 1, ..server.rule() };
    let names = no_names();
    let http = Http::open_with(&[rule], "test".into(), Duration::from_millis(50), &(names as Arc<dyn Lookup>)).unwrap();
    let unread = get(&http, server.url("/")).await.unwrap();
    let error = get(&http, server.url("/")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("connect")));
    drop(unread);
    assert_eq!(get(&http, server.url("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_of_too_many_headers_is_an_error() {
    let server = Server::new(|_, stream| {
        let headers: String = (0..HEADERS_MAX + 1).map(|n| format!("x-{n}: 1\r\n")).collect();
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes()).is_ok()
    });
    let error = get(&open(&[server.rule()], &no_names()), server.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn certificates_and_credentials_that_are_not_there_are_errors_of_the_grant() {
    let scratch = tempfile::tempdir().unwrap();
    let mut rule = HttpRule::new(Origin::parse("https://a.example").unwrap());
    rule.ca = Some(scratch.path().join("ca.pem"));
    let said = |rule: &HttpRule| Http::open(std::slice::from_ref(rule), "test".into(), PATIENCE).map(drop).unwrap_err().to_string();
    assert!(said(&rule).contains("https://a.example") && said(&rule).contains("ca.pem cannot be used"));
    std::fs::write(scratch.path().join("ca.pem"), "nothing").unwrap();
    assert!(said(&rule).contains("no `BEGIN CERTIFICATE` in it"), "{}", said(&rule));
    rule.ca = None;
    rule.signing = Some(Signing::Bearer { token: SecretSource::File(scratch.path().join("token")) });
    assert!(said(&rule).contains("the HTTP rule for https://a.example: the secret's file"));
}
