//! What is around the endpoints: the version check, methods, names, both versions of HTTP, hostile requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use cofferdam_tests::client::{Answer, Client, Method, noise};
use cofferdam_tests::images;
use cofferdam_tests::server::Served;

use crate::served;

#[tokio::test]
async fn the_registry_says_that_it_is_one() {
    let Served { server, .. } = &served();
    for path in ["/v2/", "/v2"] {
        let answer = server.client().get(path).await;
        assert!(answer.status == 200 || (path == "/v2" && matches!(answer.status, 301 | 307 | 308)), "{path}: {}", answer.status);
    }
    assert_eq!(server.client().get("/v2/").await.header("docker-distribution-api-version"), Some("registry/2.0"));
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let Served { server, .. } = &served();
    for path in ["/", "/v1/", "/v3/", "/v2/a", "/v2/a/b/c", "/v2/library/thing/blobs", "/v2/library/thing/manifests/"] {
        server.client().get(path).await.expect(404);
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let Served { repository, .. } = &served();
    for (method, path) in [(Method::POST, "manifests/latest"), (Method::DELETE, "tags/list"), (Method::PATCH, "manifests/latest")] {
        let answer = Answer::of(repository.request(method.clone(), path)).await.expect(405);
        assert!(answer.header("allow").is_some(), "{method} {path}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let Served { server, .. } = &served();
    for name in ["UPPER", "-a", "a..b", "a___b", "a/-b", ".hidden", &"long/".repeat(60), &"n".repeat(256)] {
        let path = format!("/v2/{name}/tags/list");
        let answer = server.client().get(&path).await;
        assert!(matches!(answer.status, 400 | 404), "{name}: {}", answer.status);
        let push = server.client().request(Method::POST, &format!("/v2/{name}/blobs/uploads/")).header("content-length", 0);
        let answer = Answer::of(push).await;
        assert!(matches!(answer.status, 400 | 404), "{name}: {}", answer.status);
    }
}

#[tokio::test]
async fn long_names_of_many_parts_are_names() {
    let Served { server, .. } = &served();
    let deep = ["a"; 60].join("/");
    for name in ["a", "0", "a.b_c__d-e---f", &deep, "blobs/uploads", "manifests/tags", &format!("x/{}", "n".repeat(120))] {
        let repository = server.client().repository(name);
        let digest = repository.push(noise(1, 10)).await;
        assert_eq!(repository.blob(&digest).await, noise(1, 10), "{name}");
        images::push(&repository, "v1", 5).await;
        assert_eq!(repository.get("tags/list").await.expect(200).json()["name"], name);
    }
}

#[tokio::test]
async fn everything_works_over_http_2() {
    let Served { server, .. } = &served();
    let repository = Client::http2(server.address()).repository("library/two");
    let blob = noise(1, 3_000_000);
    let digest = repository.push(blob.clone()).await;
    assert!(repository.blob(&digest).await == blob);
    let manifest = images::push(&repository, "latest", 9).await;
    assert_eq!(repository.get("manifests/latest").await.expect(200).body, manifest);
}

#[tokio::test]
async fn an_upload_may_be_announced_with_expect_continue() {
    let Served { repository, server, .. } = &served();
    let location = repository.start().await;
    let path = location.split_once("://").map_or(&*location, |(_, rest)| &rest[rest.find('/').unwrap()..]);
    let mut stream = connect(server.address());
    write!(stream, "PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 100"));
    stream.write_all(b"bytes").unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 202"));
}

#[tokio::test]
async fn a_request_that_is_none_does_not_stop_the_server() {
    let Served { repository, server, .. } = &served();
    let hostile: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v2/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v2/%2e%2e/%2e%2e/blobs/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v2/a%00b/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    ];
    for request in hostile {
        let mut stream = connect(server.address());
        stream.write_all(request).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        // A reset is an answer too.
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200") && !answer.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&answer));
    }
    let huge = format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(2 << 20));
    let mut stream = connect(server.address());
    let _ = stream.write_all(huge.as_bytes());
    drop(stream);
    assert!(repository.has(&repository.push("still here").await).await);
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_their_order() {
    let Served { server, .. } = &served();
    let mut stream = connect(server.address());
    let request = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/none/manifests/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let statuses: Vec<_> = answers.match_indices("HTTP/1.1 ").map(|(at, prefix)| &answers[at + prefix.len()..][..3]).collect();
    assert_eq!(statuses, ["200", "404"]);
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Reads up to the empty line that ends a head, and the body that some answers have after it.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}
