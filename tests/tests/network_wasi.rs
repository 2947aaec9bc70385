//! A component that speaks WASI alone is under the policy that the contract's own interfaces have: each way out is refused and audited.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use cofferdam::{Condition, Content, Grant, GrantKind, ImportKind, LoadError, Mount, MountOptions, Result, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::store_path;
use cofferdam_tests::log::Log;
use cofferdam_tests::web::Web;
use tokio::net::TcpListener;

/// Where refusals are logged.
const AUDIT: &str = "cofferdam::audit";

/// More than an instance may have in memory.
const MUCH: u64 = 32 << 20;

async fn open(text: &str) -> Result<Mount, LoadError> {
    let grant = Grant::parse(text, Path::new("/etc/grant.toml")).unwrap();
    Mount::open(&drivers::load("third-party"), &grant, MountOptions::default()).await
}

/// A mount with these rules, and too little memory for [`MUCH`].
async fn mount(rules: &str) -> Mount {
    let limits = "[limits]\nmemory = \"4 MiB\"\n";
    open(&format!("{limits}{rules}")).await.unwrap()
}

/// A rule for `web`, with `more` lines.
fn rule(web: &Web, more: &str) -> String {
    format!("[[http]]\nallow = \"{}\"\naddresses = [\"127.0.0.1\"]\n{more}\n", web.url(""))
}

/// What becomes of a command.
async fn run(mount: &Mount, command: &str) -> HashMap<String, String> {
    let info = mount.put(&store_path("/run"), Content::from_bytes(command.to_owned()), Condition::Unconditional).await;
    info.unwrap_or_else(|error| panic!("{command}: {error}")).attributes.into_iter().collect()
}

/// Sees that the command ends in `error`, and that the audit's log, which it had not before, has a line with `part`.
async fn refused(mount: &Mount, command: &str, error: &str, part: &str) {
    let log = Log::begin();
    let outcome = run(mount, command).await;
    assert!(outcome.get("error").is_some_and(|said| said.starts_with(error)), "{command}: {outcome:?}");
    let audited = log.of(AUDIT);
    assert!(audited.iter().any(|line| line.contains(part)), "{part:?} of {command} is not in {audited:?}");
}

#[tokio::test]
async fn a_request_by_wasi_http_arrives_and_its_answer_comes_back() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "")).await;
    let outcome = run(&mount, &format!("http {}\nheader x-own: yes", web.url("/hello?a=b%2Fc"))).await;
    assert_eq!((outcome["status"].as_str(), outcome["text"].as_str(), outcome["header.content-length"].as_str()), ("200", "hello", "5"));
    let head = web.heads().pop().unwrap();
    assert!(head.starts_with("GET /hello?a=b%2Fc HTTP/1.1\r\n") && head.contains("x-own: yes\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", web.address())), "{head}");
    // What frames the message is not the driver's to say.
    for header in ["host: evil", "transfer-encoding: chunked", "te: trailers", "connection: close", "expect: 100-continue"] {
        let outcome = run(&mount, &format!("http {}\nheader {header}", web.url("/"))).await;
        assert_eq!(outcome["header-error"], "HeaderError::Forbidden", "{header}");
    }
    assert_eq!(web.heads().len(), 1);
}

#[tokio::test]
async fn bodies_stream_both_ways_through_little_memory() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "")).await;
    let outcome = run(&mount, &format!("http {}", web.url(&format!("/download/{MUCH}")))).await;
    assert_eq!((outcome["bytes"].as_str(), outcome["regular"].as_str()), (MUCH.to_string().as_str(), "true"), "{outcome:?}");
    for (sized, header) in [("sized", format!("content-length: {MUCH}\r\n")), ("", "transfer-encoding: chunked\r\n".to_owned())] {
        let outcome = run(&mount, &format!("http {}\nmethod PUT\nbody {MUCH}\n{sized}", web.url("/upload"))).await;
        assert_eq!(outcome["text"], format!("{MUCH} true"), "{outcome:?}");
        let head = web.heads().pop().unwrap();
        assert!(head.contains(&header), "{head}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_held_back() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "first-byte-timeout = \"300ms\"")).await;
    let began = Instant::now();
    let outcome = run(&mount, &format!("http {}\nmethod PUT\nbody {MUCH}", web.url("/silent"))).await;
    // The driver is told when the request is given up, not when its client gets around to let go of the body.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let written: u64 = outcome["written"].parse().unwrap();
    // What the sockets of the system hold, and two pieces of ours.
    assert!(written < 16 << 20, "{written}");
}

#[tokio::test]
async fn no_request_leaves_its_rule() {
    let web = Web::start().await;
    let port = web.address().port();
    let mount = mount(&rule(&web, "methods = [\"GET\"]\npath = \"/hello\"")).await;
    for (command, target) in [
        (format!("http http://other.example:{port}/hello"), format!("GET http://other.example:{port}/hello")),
        (format!("http http://127.0.0.1:{}/hello", port ^ 1), format!("GET http://127.0.0.1:{}/hello", port ^ 1)),
        (format!("http https://127.0.0.1:{port}/hello"), format!("GET https://127.0.0.1:{port}/hello")),
        (format!("http {}\nmethod PUT", web.url("/hello")), format!("PUT {}", web.url("/hello"))),
        (format!("http {}\nmethod PURGE", web.url("/hello")), format!("PURGE {}", web.url("/hello"))),
        (format!("http {}", web.url("/helloes")), format!("GET {}", web.url("/helloes"))),
        (format!("http {}", web.url("/hello/../upload")), format!("GET {}", web.url("/upload"))),
        (format!("http {}", web.url("/hello/%2e%2e%2fupload")), format!("GET {}", web.url("/hello/%2e%2e%2fupload"))),
    ] {
        refused(&mount, &command, "ErrorCode::HttpRequestDenied", &format!("request=\"{target}\" why=\"no rule allows it\"")).await;
    }
    for (method, error) in [("CONNECT", "ErrorCode::HttpRequestMethodInvalid"), ("get", "ErrorCode::HttpRequestMethodInvalid")] {
        assert_eq!(run(&mount, &format!("http {}\nmethod {method}", web.url("/hello"))).await["error"], error, "{method}");
    }
    assert!(run(&mount, &format!("http http://me:secret@127.0.0.1:{port}/hello")).await.contains_key("error"));
    assert_eq!(web.heads(), Vec::<String>::new());
    assert_eq!(run(&mount, &format!("http {}", web.url("/hello"))).await["text"], "hello");
}

#[tokio::test]
async fn no_request_reaches_a_special_address() {
    let web = Web::start().await;
    let port = web.address().port();
    for (host, what) in [
        ("127.0.0.1", "a loopback address"),
        ("[::ffff:127.0.0.1]", "a loopback address"),
        ("localhost", "a loopback address"),
        ("2130706433", "a loopback address"),
        ("169.254.169.254", "a cloud's metadata address"),
        ("[::ffff:169.254.169.254]", "a cloud's metadata address"),
        ("10.0.0.1", "a private address"),
    ] {
        let mount = mount(&format!("[[http]]\nallow = \"http://{host}:{port}\"\n")).await;
        refused(&mount, &format!("http http://{host}:{port}/hello"), "ErrorCode::DestinationIpProhibited", what).await;
    }
    // Not by a redirect either: it is an answer, and where it leads is asked for like all else.
    let mount = mount(&rule(&web, "")).await;
    for to in ["http://169.254.169.254/", "http://[::ffff:127.0.0.1]/"] {
        let outcome = run(&mount, &format!("http {}", web.url(&format!("/redirect?{to}")))).await;
        assert_eq!((outcome["status"].as_str(), outcome["header.location"].as_str()), ("302", to));
        refused(&mount, &format!("http {to}"), "ErrorCode::HttpRequestDenied", "no rule allows it").await;
    }
    assert_eq!(web.heads().len(), 2);
}

#[tokio::test]
async fn the_host_signs_a_request_by_wasi_http_and_nobody_else_does() {
    let web = Web::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let token = scratch.path().join("token");
    std::fs::write(&token, "hidden-token").unwrap();
    let mount = mount(&rule(&web, &format!("sign = {{ scheme = \"bearer\", token-file = {token:?} }}"))).await;
    let outcome = run(&mount, &format!("http {}\nmethod PUT\nbody 1000", web.url("/upload"))).await;
    assert_eq!(outcome["text"], "1000 true");
    assert!(web.heads().pop().unwrap().contains("authorization: Bearer hidden-token\r\n"));
    assert!(!format!("{outcome:?}").contains("hidden"));
    let own = format!("http {}\nheader authorization: Bearer mine", web.url("/hello"));
    refused(&mount, &own, "ErrorCode::HttpRequestDenied", "sets `authorization`, which the host sets").await;
    assert_eq!(web.heads().len(), 1);
}

#[tokio::test]
async fn failures_of_a_server_have_their_codes() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "first-byte-timeout = \"200ms\"")).await;
    assert_eq!(run(&mount, &format!("http {}", web.url("/silent"))).await["error"], "ErrorCode::HttpResponseTimeout");
    let short = run(&mount, &format!("http {}", web.url("/short"))).await;
    assert_eq!((short["status"].as_str(), short["bytes"].as_str()), ("200", "3"));
    assert!(short["broke"].contains("incomplete HTTP response"), "{short:?}");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rules = format!("[[http]]\nallow = \"http://{gone}\"\naddresses = [\"127.0.0.1\"]\n[[http]]\nallow = \"http://no-such-name.invalid\"\n");
    let mount = self::mount(&rules).await;
    assert_eq!(run(&mount, &format!("http http://{gone}/")).await["error"], "ErrorCode::ConnectionRefused");
    let unresolved = run(&mount, "http http://no-such-name.invalid/").await;
    assert!(unresolved["error"].starts_with("ErrorCode::DnsError"), "{unresolved:?}");
}

#[tokio::test]
async fn a_driver_may_be_less_patient_than_its_grant_by_wasi_http_too() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "")).await;
    let outcome = run(&mount, &format!("http {}\nfirst-byte 100", web.url("/silent"))).await;
    assert_eq!(outcome["error"], "ErrorCode::HttpResponseTimeout");
}

#[tokio::test]
async fn who_waits_by_wasi_does_not_compute() {
    let web = Web::start().await;
    let mount = open(&format!("[limits]\ncpu = \"200ms\"\n{}", rule(&web, ""))).await.unwrap();
    // Each wait is longer than the clock's tick: forty of them would be twice the budget.
    let outcome = run(&mount, &format!("http {}\nfirst-byte 15\nrepeat 40", web.url("/silent"))).await;
    assert_eq!(outcome["error"], "ErrorCode::HttpResponseTimeout");
    assert!(!web.heads().is_empty());
}

#[tokio::test]
async fn backends_that_are_taken_away_are_not_reached_by_wasi_either() {
    let web = Web::start().await;
    let mount = mount(&rule(&web, "")).await;
    mount.set_backends_reachable(false);
    assert!(run(&mount, &format!("http {}", web.url("/hello"))).await.contains_key("error"));
    assert_eq!(web.heads(), Vec::<String>::new());
    mount.set_backends_reachable(true);
    assert_eq!(run(&mount, &format!("http {}", web.url("/hello"))).await["text"], "hello");
}

#[tokio::test]
async fn without_a_rule_a_component_that_asks_by_wasi_http_does_not_load() {
    let driver = drivers::load("third-party");
    assert_eq!(driver.inspection().needs(), [GrantKind::Http]);
    let kind = |name: &str| driver.inspection().imports.iter().find(|import| import.interface.interface == name).unwrap().kind;
    assert_eq!((kind("outgoing-handler"), kind("streams")), (ImportKind::Http, ImportKind::Wasi));
    let error = open("").await.unwrap_err();
    let LoadError::NotGranted { imports, remedy } = &error else { panic!("another error: {error}") };
    assert_eq!(*imports, ["`wasi:http/outgoing-handler@0.2.12` (handle)"]);
    open(remedy).await.unwrap();
    let strict = open(&format!("strict = true\n{remedy}")).await.unwrap_err();
    assert!(matches!(&strict, LoadError::Strict { imports } if imports.iter().any(|import| import.starts_with("wasi:http/outgoing-handler"))));
}

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.is_ok()
            });
        }
    });
    address
}

/// A rule for the server `host`, and one for HTTP, without which the component does not load.
fn socket_rule(host: &str, port: u16, more: &str) -> String {
    format!("[[http]]\nallow = \"https://unused.example\"\n[[socket]]\nallow = \"tcp://{host}:{port}\"\n{more}\n")
}

const LOOPBACK: &str = "addresses = [\"127.0.0.0/8\", \"::1\"]";

#[tokio::test]
async fn a_granted_server_is_looked_up_and_connected_to() {
    let port = echo().await.port();
    let mount = mount(&socket_rule("localhost", port, LOOPBACK)).await;
    let outcome = run(&mount, &format!("connect localhost {port} {MUCH}")).await;
    assert_eq!((outcome["bytes"].as_str(), outcome["regular"].as_str()), (MUCH.to_string().as_str(), "true"), "{outcome:?}");
    // The instance was told that address, so it may use it again.
    assert_eq!(run(&mount, &format!("dial 127.0.0.1 {port} 4")).await["bytes"], "4");
    // A server that the grant names by its address has no name to look up.
    let mount = self::mount(&socket_rule("127.0.0.1", port, LOOPBACK)).await;
    assert_eq!(run(&mount, &format!("dial 127.0.0.1 {port} 4")).await["bytes"], "4");
}

#[tokio::test]
async fn no_connection_goes_where_no_name_led() {
    let port = echo().await.port();
    let other = echo().await.port();
    let mount = mount(&socket_rule("localhost", port, LOOPBACK)).await;
    let denied = "access-denied";
    // An address that was not looked up, though it is the one.
    refused(&mount, &format!("dial 127.0.0.1 {port} 4"), denied, &format!("a connection to 127.0.0.1:{port}")).await;
    // The right name, another port.
    refused(&mount, &format!("connect localhost {other} 4"), denied, &format!("127.0.0.1:{other}")).await;
    // Another name, and an address in the place of one.
    for name in ["other.example", "localhost.", "127.0.0.1", "metadata.google.internal", ""] {
        refused(&mount, &format!("lookup {name}"), denied, &format!("a lookup of \\\"{name}\\\"")).await;
    }
    for ip in ["169.254.169.254", "10.0.0.1", "fd00::1", "64:ff9b::7f00:1"] {
        refused(&mount, &format!("dial {ip} {port} 4"), denied, "a connection to").await;
    }
    // An IPv4 address in the form of an IPv6 one is refused by wasmtime, before anybody is asked.
    assert!(run(&mount, &format!("dial ::ffff:127.0.0.1 {port} 4")).await["error"].starts_with("invalid-argument"));
    assert_eq!(run(&mount, &format!("connect localhost {port} 4")).await["bytes"], "4");
}

#[tokio::test]
async fn special_addresses_need_their_range_by_sockets_too() {
    let port = echo().await.port();
    let denied = "access-denied";
    let mount = mount(&socket_rule("localhost", port, "")).await;
    refused(&mount, &format!("connect localhost {port} 4"), denied, "a loopback address").await;
    let mount = self::mount(&socket_rule("127.0.0.1", port, "")).await;
    refused(&mount, &format!("dial 127.0.0.1 {port} 4"), denied, "it is a loopback address").await;
    let mount = self::mount(&socket_rule("169.254.169.254", 80, "addresses = [\"169.254.0.0/16\"]")).await;
    refused(&mount, "dial 169.254.169.254 80 4", denied, "it is a cloud's metadata address").await;
    let mount = self::mount(&socket_rule("no-such-name.invalid", 80, "")).await;
    assert!(run(&mount, "lookup no-such-name.invalid").await["error"].starts_with("name-unresolvable"));
}

#[tokio::test]
async fn nobody_listens_and_no_datagram_is_sent() {
    let mount = mount(&socket_rule("localhost", 9, LOOPBACK)).await;
    let denied = "access-denied";
    refused(&mount, "bind 127.0.0.1 0", denied, "a socket bound to 127.0.0.1:0").await;
    refused(&mount, "bind 0.0.0.0 8080", denied, "a socket bound to 0.0.0.0:8080").await;
    refused(&mount, "listen", denied, "a socket that listens at").await;
    refused(&mount, "udp", denied, "a UDP socket").await;
    // Without any rule there is not even a socket.
    let mount = self::mount("[[http]]\nallow = \"https://unused.example\"\n").await;
    refused(&mount, "dial 127.0.0.1 9 4", denied, "no rule allows one").await;
    refused(&mount, "lookup localhost", denied, "no rule allows it").await;
}

#[tokio::test]
async fn sockets_are_counted() {
    let mount = mount(&socket_rule("localhost", 9, "connections = 3")).await;
    for _ in 0..2 {
        let outcome = run(&mount, "hoard 10").await;
        assert_eq!(outcome["sockets"], "3", "{outcome:?}");
        assert!(outcome["error"].starts_with("new-socket-limit"), "{outcome:?}");
    }
}

#[tokio::test]
async fn backends_that_are_taken_away_are_not_connected_to() {
    let port = echo().await.port();
    let mount = mount(&socket_rule("localhost", port, LOOPBACK)).await;
    assert_eq!(run(&mount, &format!("connect localhost {port} 4")).await["bytes"], "4");
    mount.set_backends_reachable(false);
    assert!(run(&mount, "lookup localhost").await["error"].starts_with("temporary-resolver-failure"));
    assert!(run(&mount, &format!("dial 127.0.0.1 {port} 4")).await["error"].starts_with("access-denied"));
}
