//! Ways past an HTTP grant: each is refused before anything is sent, and told to the audit.

use std::net::TcpListener;

use cofferdam::{Condition, Content, Error, ErrorKind, Grant, Mount, MountOptions, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::hostile::{scratch, store_path};
use cofferdam_tests::log::Log;
use cofferdam_tests::proxy::{Fault, Proxy};
use tempfile::TempDir;

const SECRET: &str = "enters-no-sandbox";

/// A driver that asks for what it is told, with a grant of a part of one server, which notes what it is asked; and a neighbour of that.
struct Escape {
    mount: Mount,
    server: Proxy,
    neighbour: TcpListener,
    _folder: TempDir,
}

impl Escape {
    async fn with(host: &str, lines: &str) -> Self {
        let (folder, neighbour) = (scratch(), TcpListener::bind("127.0.0.1:0").unwrap());
        neighbour.set_nonblocking(true).unwrap();
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        let server = Proxy::start(neighbour.local_addr().unwrap(), Fault::Answer(answer));
        std::fs::write(folder.path().join("password"), SECRET).unwrap();
        let text = format!("[[http]]\nallow = \"http://{host}:{}\"\n{lines}\n", server.address().port());
        let grant = Grant::parse(&text, &folder.path().join("grant.toml")).unwrap();
        let mut options = MountOptions::default();
        options.name = Some("escape".to_owned());
        let mount = Mount::open(&drivers::load("hostile-network"), &grant, options).await.unwrap();
        Self { mount, server, neighbour, _folder: folder }
    }

    /// The usual grant: two methods, one path, and credentials.
    async fn usual() -> Self {
        let lines = "methods = [\"GET\", \"PUT\"]\npath = \"/granted\"\naddresses = [\"127.0.0.1/32\"]\n\
                     sign = { scheme = \"basic\", user = \"u\", password-file = \"password\" }";
        Self::with("127.0.0.1", lines).await
    }

    /// Tells the driver to ask; `HERE` stands for the server's port, `NEXT` for its neighbour's.
    async fn ask(&self, path: &str, told: &str) -> Result<String, Error> {
        let told = told.replace("HERE", &self.server.address().port().to_string());
        let told = told.replace("NEXT", &self.neighbour.local_addr().unwrap().port().to_string());
        let info = self.mount.put(&store_path(path), Content::from_bytes(told), Condition::Unconditional).await?;
        Ok(info.etag.unwrap().0)
    }

    /// That the host refuses what the driver is told, as `kind`, audits it as this mount's, and sends nothing.
    async fn refused(&self, path: &str, told: &str, kind: ErrorKind) -> Vec<String> {
        let (log, before) = (Log::begin(), self.server.accepted());
        let error = self.ask(path, told).await.map(|status| panic!("{told:?} was answered: {status}")).unwrap_err();
        assert_eq!(error.kind(), kind, "{told:?}: {error}");
        assert_eq!(error.code() == Some("denied"), kind == ErrorKind::PermissionDenied, "{told:?}: {error}");
        assert!(!format!("{error:?}").contains(SECRET));
        let audited = log.of("cofferdam::audit");
        assert_eq!(audited.len(), 1, "{told:?}: {audited:?}");
        assert!(audited[0].contains("mount=\"escape\"") && !audited[0].contains(SECRET), "{audited:?}");
        assert!(!audited[0].contains(['\r', '\n', '\u{1b}']), "{audited:?}");
        self.nothing_came(before, told);
        audited
    }

    fn nothing_came(&self, before: u64, told: &str) {
        assert_eq!(self.server.accepted(), before, "{told:?} reached the server");
        assert_eq!(self.neighbour.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{told:?} reached its neighbour");
    }
}

#[tokio::test]
async fn what_is_granted_arrives_with_the_hosts_credentials() {
    let escape = Escape::usual().await;
    assert_eq!(escape.ask("/a", "GET http://127.0.0.1:HERE/granted/a?b=c\nx-own: 1").await.unwrap(), "200");
    let heads = escape.server.heads();
    assert!(heads[0].starts_with("GET /granted/a?b=c HTTP/1.1\r\n") && heads[0].contains("x-own: 1"), "{heads:?}");
    assert_eq!(heads[0].matches("authorization: Basic ").count(), 1, "{heads:?}");
}

#[tokio::test]
async fn nothing_beside_the_grant_is_asked_for() {
    let escape = Escape::usual().await;
    for told in [
        // Another host, port, scheme, method.
        "GET http://example.invalid:HERE/granted",
        "GET http://localhost:HERE/granted",
        "GET http://127.0.0.1:NEXT/granted",
        "GET http://127.0.0.1/granted",
        "GET https://127.0.0.1:HERE/granted",
        "DELETE http://127.0.0.1:HERE/granted/a",
        "POST http://127.0.0.1:HERE/granted/a\n\nbody",
        // Another path, however it is written.
        "GET http://127.0.0.1:HERE/",
        "GET http://127.0.0.1:HERE/other",
        "GET http://127.0.0.1:HERE/grantedtoo",
        "GET http://127.0.0.1:HERE/GRANTED/a",
        "GET http://127.0.0.1:HERE//granted/a",
        "GET http://127.0.0.1:HERE/granted/../other",
        "GET http://127.0.0.1:HERE/granted/%2e%2e/other",
        "GET http://127.0.0.1:HERE/granted/%2E./other",
        "GET http://127.0.0.1:HERE/granted/..%2fother",
        "GET http://127.0.0.1:HERE/granted/a%2f..%2f..%2fother",
        "GET http://127.0.0.1:HERE/granted/..\\other",
        "GET http://127.0.0.1:HERE/granted/..%5cother",
        "GET http://127.0.0.1:HERE/granted%2f..%2fother",
        "GET http://127.0.0.1:HERE/gran\\tted/../other",
        // Another address, however it is written.
        "GET http://10.0.0.1:HERE/granted",
        "GET http://192.168.0.1/granted",
        "GET http://0.0.0.0:HERE/granted",
        "GET http://127.0.0.2:HERE/granted",
        "GET http://[::1]:HERE/granted",
        "GET http://[::ffff:127.0.0.1]:HERE/granted",
        "GET http://[64:ff9b::7f00:1]:HERE/granted",
        "GET http://[::127.0.0.1]:HERE/granted",
        "GET http://169.254.169.254/latest/meta-data/",
        "GET http://[fd00:ec2::254]/latest/meta-data/",
        "GET http://metadata.google.internal/computeMetadata/v1/",
        "GET http://0xa9fea9fe/latest/meta-data/",
        "GET http://2852039166/latest/meta-data/",
        "GET http://0251.0376.0251.0376/latest/meta-data/",
        "GET http://169.254.43518/latest/meta-data/",
        "GET http://0x7f000002:HERE/granted",
        "GET http://2130706434:HERE/granted",
        "GET http://0177.0.0.2:HERE/granted",
        "GET http://127.2:HERE/granted",
        // Where the host ends is not where it seems to.
        "GET http://example.invalid\\@127.0.0.1:HERE/granted",
        "GET http:\\\\example.invalid\\granted",
        "GET http:///example.invalid/granted",
        "GET http://127.0.0.1:HERE.example.invalid/granted",
    ] {
        let kind = if told.contains("HERE.example") { ErrorKind::InvalidArgument } else { ErrorKind::PermissionDenied };
        let audited = escape.refused("/a", told, kind).await;
        // Who, what, and why not.
        assert!(audited[0].contains("request=") && audited[0].contains("why="), "{audited:?}");
    }
    assert_eq!(escape.server.heads(), Vec::<String>::new());
    // The mount is none the worse for it.
    assert_eq!(escape.ask("/a", "GET http://127.0.0.1:HERE/granted").await.unwrap(), "200");
}

#[tokio::test]
async fn what_is_the_hosts_to_say_is_refused() {
    let escape = Escape::usual().await;
    for line in [
        "Authorization: Basic bWluZTptaW5l",
        "aUTHORIZATION: Bearer mine",
        "Host: example.invalid",
        "hOST: 169.254.169.254",
        "Proxy-Authorization: Basic bWluZTptaW5l",
        "Proxy-Connection: keep-alive",
        "Connection: authorization",
        "Upgrade: h2c",
        "Transfer-Encoding: chunked",
        "Content-Length: 0",
        "Expect: 100-continue",
        "TE: trailers",
        "Trailer: authorization",
        "Keep-Alive: timeout=1",
        // One header that would be two, or a request of its own.
        "x-a: 1\\r\\nHost: example.invalid",
        "x-a: 1\\nx-b: 2",
        "x-a: 1\\r\\n\\r\\nGET /other HTTP/1.1",
        "x-a\\r\\nHost: example.invalid",
        "x a: 1",
        ": 1",
    ] {
        escape.refused("/a", &format!("GET http://127.0.0.1:HERE/granted\n{line}"), ErrorKind::InvalidArgument).await;
    }
    for told in [
        "GET http://u:p@127.0.0.1:HERE/granted",
        "GET http://127.0.0.1:HERE@example.invalid/granted",
        "GET http://127.0.0.1:HERE#@example.invalid/granted",
        "GET http://127.0.0.1:HERE/granted#fragment",
        "GET file:///etc/passwd",
        "GET ftp://127.0.0.1:HERE/granted",
        "GET /granted",
        "GET //127.0.0.1:HERE/granted",
        "GET http://[::1/granted",
        "GET http://127.0.0.1:HERE:1/granted",
        "GET http://127.0.0.1%00:HERE/granted",
        "GET http://1.2.3.4.5/granted",
        "CONNECT http://127.0.0.1:HERE/granted",
        "TRACE http://127.0.0.1:HERE/granted",
        "get http://127.0.0.1:HERE/granted",
        "GET\\thttp://127.0.0.1:HERE/granted",
        "GET\\r\\nHost:\\texample.invalid http://127.0.0.1:HERE/granted",
        " http://127.0.0.1:HERE/granted",
    ] {
        escape.refused("/a", told, ErrorKind::InvalidArgument).await;
    }
    assert_eq!(escape.server.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_else_is_sent_where_the_driver_may_not_go() {
    let escape = Escape::usual().await;
    escape.refused("/presign", "GET http://127.0.0.1:HERE/other", ErrorKind::PermissionDenied).await;
    escape.refused("/presign", "GET http://169.254.169.254/", ErrorKind::PermissionDenied).await;
    escape.refused("/presign", "GET http://127.0.0.1:HERE/granted\nAuthorization: mine", ErrorKind::InvalidArgument).await;
}

#[tokio::test]
async fn forms_of_the_granted_address_are_the_granted_address() {
    let escape = Escape::usual().await;
    for host in ["0x7f000001", "2130706433", "0177.1", "127.1", "127.0.0.1.", "127\u{3002}0\u{3002}0\u{3002}1", "\u{ff11}27.0.0.1"] {
        assert_eq!(escape.ask("/a", &format!("GET http://{host}:HERE/granted")).await.unwrap(), "200", "{host}");
    }
    // Nothing of a URL becomes a line of its own, nor does it lead out of the path.
    assert_eq!(escape.ask("/a", "GET http://127.0.0.1:HERE/gran\\r\\nted/a%0d%0aHost:%20b").await.unwrap(), "200");
    let heads = escape.server.heads();
    assert!(heads.iter().all(|head| head.matches("host: 127.0.0.1:").count() == 1 && head.contains("GET /granted")), "{heads:?}");
    assert!(heads.last().unwrap().starts_with("GET /granted/a%0d%0aHost:%20b HTTP/1.1\r\n"), "{heads:?}");
}

#[tokio::test]
async fn names_that_look_alike_are_other_names() {
    let escape = Escape::with("apple.localhost", "addresses = [\"127.0.0.1/32\"]").await;
    for host in
        ["apple.localhost.", "\u{430}pple.localhost", "xn--pple-43d.localhost", "apple.localhost.example.invalid", "localhost", "a.apple.localhost"]
    {
        let audited = escape.refused("/a", &format!("GET http://{host}:HERE/"), ErrorKind::PermissionDenied).await;
        // Written as it is, not as it looks.
        assert!(!audited[0].contains('\u{430}'), "{audited:?}");
    }
    // A dot that is none has no place in a name.
    escape.refused("/a", "GET http://apple\u{2024}localhost.invalid:HERE/", ErrorKind::InvalidArgument).await;
}

#[tokio::test]
async fn a_granted_name_that_leads_inside_is_refused_with_the_line_that_would_allow_it() {
    let escape = Escape::with("localhost", "methods = [\"GET\"]").await;
    let audited = escape.refused("/a", "GET http://localhost:HERE/", ErrorKind::PermissionDenied).await;
    assert!(audited[0].contains("localhost leads to") && audited[0].contains("a loopback address"), "{audited:?}");
    let error = escape.ask("/a", "GET http://localhost:HERE/").await.unwrap_err();
    assert!(error.message().contains("addresses = [\""), "{error}");
}
