//! What networks and servers do wrong, done to the driver `webdav` in its sandbox: nothing that was acknowledged is lost, each error is typed and
//! comes in bounded time, and no instance is left hanging.
//!
//! What is said of single requests, names whose addresses change between lookup and connection among it, is tested where the host's own lookups
//! can be replaced: in `runtime/src/host/http/tests.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cofferdam::layer::{LayerOptions, Stack, stack};
use cofferdam::{ByteRange, Condition, Content, Error, ErrorKind, Grant, ListOptions, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_tests::client::noise;
use cofferdam_tests::log::Log;
use cofferdam_tests::proxy::{Fault, Proxy};
use cofferdam_tests::wait::until_async;
use cofferdam_tests::webdav::WebDavServer;
use cofferdam_tests::{drivers, tools};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Large enough that no buffer of the system holds it.
const SIZE: usize = 8 << 20;

/// Bounds of a mount that are short, so that a test is.
const IMPATIENT: &str = "connect-timeout = \"500ms\"\nfirst-byte-timeout = \"500ms\"\nidle-timeout = \"500ms\"";

/// Far more than any of these bounds, and less than a default of them.
const BOUNDED: Duration = Duration::from_secs(15);

/// A server that has an object of old bytes, asked as it is.
struct World {
    server: WebDavServer,
    plain: Mount,
    old: Bytes,
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

async fn open(grant: &Grant) -> Mount {
    Mount::open(&drivers::load("webdav"), grant, MountOptions::default()).await.unwrap()
}

impl World {
    async fn start() -> Option<Self> {
        let server = WebDavServer::apache()?;
        let (plain, old) = (open(&server.grant("")).await, noise(1, SIZE));
        for at in ["/object", "/in/here"] {
            plain.put(&path(at), Content::from_bytes(old.clone()), Condition::Unconditional).await.unwrap();
        }
        Some(Self { server, plain, old })
    }

    /// A mount of the same objects through `proxy`.
    async fn through(&self, proxy: &Proxy) -> Mount {
        open(&self.server.grant_through(&proxy.origin(), "", IMPATIENT)).await
    }

    /// That the object has `bytes`, whoever asks.
    async fn has(&self, bytes: &Bytes) {
        let opened = self.plain.open(&path("/object"), ByteRange::Whole).await.unwrap();
        assert!(opened.content.bytes(1 << 30).await.unwrap() == bytes, "the object is neither old nor new");
    }
}

/// That no call holds an instance of `mount` any more.
async fn idle(mount: &Mount) {
    let stats = || mount.stats();
    until_async("all instances are idle", async || (stats().instances_live == stats().instances_idle && stats().waiting == 0).then_some(())).await;
}

async fn put(store: &(impl StreamingStore + ?Sized), bytes: &Bytes) -> Result<(), Error> {
    store.put(&path("/object"), Content::from_bytes(bytes.clone()), Condition::Unconditional).await.map(drop)
}

async fn get(store: &(impl StreamingStore + ?Sized)) -> Result<Bytes, Error> {
    store.open(&path("/object"), ByteRange::Whole).await?.content.bytes(1 << 30).await
}

async fn list(store: &(impl StreamingStore + ?Sized)) -> Result<usize, Error> {
    let page = store.list(&cofferdam::Prefix::new("/in").unwrap(), ListOptions { limit: 10, ..ListOptions::default() }).await?;
    Ok(page.entries.len())
}

fn layered(mount: &Mount) -> Stack {
    let mut options = LayerOptions::default();
    options.retry.wait = Duration::from_millis(5);
    stack(mount.clone(), "main", &options)
}

#[track_caller]
fn is<T>(outcome: Result<T, Error>, kind: ErrorKind, code: &str) {
    let error = outcome.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{error}");
}

#[tokio::test]
async fn latency_makes_things_slow_and_nothing_else() {
    let Some(world) = World::start().await else { return };
    // Sending it takes longer than any of the mount's timeouts, and never stands still. What the system keeps of it on its way, up to 4 MiB, does not.
    let proxy = Proxy::start(world.server.address(), Fault::Latency(Duration::from_millis(4)));
    let (mount, new) = (world.through(&proxy).await, noise(2, 4 * SIZE));
    put(&mount, &new).await.unwrap();
    assert!(get(&mount).await.unwrap() == new);
    assert_eq!(list(&mount).await.unwrap(), 1);
    world.has(&new).await;
    idle(&mount).await;
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_put_leaves_the_old_object_whole() {
    let Some(world) = World::start().await else { return };
    let fault = Fault::ResetRequest(SIZE / 2);
    let (proxy, new) = (Proxy::start(world.server.address(), fault.clone()), noise(2, SIZE));
    let mount = world.through(&proxy).await;
    is(put(&mount, &new).await, ErrorKind::Unavailable, "reset");
    world.has(&world.old).await;
    idle(&mount).await;
    // The layers make it again from the first byte, and what they acknowledge is there.
    let proxy = Proxy::start_for(world.server.address(), fault, 2);
    let mount = world.through(&proxy).await;
    put(&*layered(&mount).streaming, &new).await.unwrap();
    assert!(proxy.accepted() >= 3, "{}", proxy.accepted());
    world.has(&new).await;
    idle(&mount).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_taken_for_the_whole() {
    let Some(world) = World::start().await else { return };
    for fault in [Fault::ResetAnswer(SIZE / 2), Fault::CutAnswer(SIZE / 2), Fault::CutAnswer(SIZE)] {
        let proxy = Proxy::start(world.server.address(), fault);
        let mount = world.through(&proxy).await;
        is(get(&mount).await, ErrorKind::Unavailable, "reset");
        idle(&mount).await;
        // Those that are as good as new are kept for its next call.
        drop(mount);
        until_async("no connection is left", async || (proxy.open() == 0).then_some(())).await;
    }
    // In its head, and in the middle of a document.
    for most in [10, 400] {
        let proxy = Proxy::start(world.server.address(), Fault::CutAnswer(most));
        let mount = world.through(&proxy).await;
        is(list(&mount).await, ErrorKind::Unavailable, "reset");
        idle(&mount).await;
    }
    world.has(&world.old).await;
}

/// An answer without a body, which ends its connection.
fn refusal(status: u16, headers: &str) -> Fault {
    Fault::Answer(format!("HTTP/1.1 {status} Storm\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"))
}

#[tokio::test]
async fn a_storm_of_refusals_is_outlived_or_told_and_loses_nothing() {
    let Some(world) = World::start().await else { return };
    for (status, headers, kind) in
        [(500, "", ErrorKind::Unavailable), (503, "Retry-After: 0\r\n", ErrorKind::Unavailable), (429, "Retry-After: 0\r\n", ErrorKind::RateLimited)]
    {
        let began = Instant::now();
        let new = noise(u64::from(status), SIZE);
        // One that passes, while the layers try.
        let proxy = Proxy::start_for(world.server.address(), refusal(status, headers), 2);
        let mount = world.through(&proxy).await;
        let store = layered(&mount).streaming;
        put(&*store, &new).await.unwrap();
        assert!(get(&*store).await.unwrap() == new);
        world.has(&new).await;
        // One that does not.
        let proxy = Proxy::start(world.server.address(), refusal(status, headers));
        let mount = world.through(&proxy).await;
        let store = layered(&mount).streaming;
        is(put(&*store, &world.old).await, kind, &status.to_string());
        is(get(&*store).await, kind, &status.to_string());
        is(list(&mount).await, kind, &status.to_string());
        assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
        world.has(&new).await;
        idle(&mount).await;
    }
}

#[tokio::test]
async fn a_server_that_trickles_holds_nobody() {
    let Some(world) = World::start().await else { return };
    let began = Instant::now();
    let each = Duration::from_millis(20);
    // Its head: every answer of this server has one of more than 25 bytes.
    let proxy = Proxy::start(world.server.address(), Fault::Trickle(0, each));
    let mount = world.through(&proxy).await;
    is(get(&mount).await, ErrorKind::Unavailable, "timeout");
    is(list(&mount).await, ErrorKind::Unavailable, "timeout");
    idle(&mount).await;
    // Its body, to the one who reads an object and to the driver that reads a document.
    let proxy = Proxy::start(world.server.address(), Fault::Trickle(600, each));
    let mount = world.through(&proxy).await;
    let opened = mount.open(&path("/object"), ByteRange::Whole).await.unwrap();
    idle(&mount).await;
    is(opened.content.bytes(1 << 30).await, ErrorKind::Unavailable, "timeout");
    is(list(&mount).await, ErrorKind::Unavailable, "timeout");
    idle(&mount).await;
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    until_async("no connection is left", async || (proxy.open() == 0).then_some(())).await;
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nobody() {
    let Some(world) = World::start().await else { return };
    let began = Instant::now();
    let proxy = Proxy::start(world.server.address(), Fault::Silence);
    let (mount, new) = (world.through(&proxy).await, noise(2, SIZE));
    is(put(&mount, &new).await, ErrorKind::Unavailable, "timeout");
    is(get(&mount).await, ErrorKind::Unavailable, "timeout");
    is(list(&mount).await, ErrorKind::Unavailable, "timeout");
    is(mount.health().await, ErrorKind::Unavailable, "timeout");
    // With retries as well.
    is(get(&*layered(&mount).streaming).await, ErrorKind::Unavailable, "timeout");
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    idle(&mount).await;
    until_async("no connection is left", async || (proxy.open() == 0).then_some(())).await;
    world.has(&world.old).await;
}

#[tokio::test]
async fn a_redirect_is_followed_nowhere() {
    let Some(world) = World::start().await else { return };
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    for location in
        ["http://169.254.169.254/latest/meta-data/".to_owned(), format!("http://[::ffff:127.0.0.1]:{port}/"), format!("http://127.0.0.1:{port}/")]
    {
        for status in [301, 302, 303, 307, 308] {
            let proxy = Proxy::start(world.server.address(), refusal(status, &format!("Location: {location}\r\n")));
            let (mount, log) = (world.through(&proxy).await, Log::begin());
            let code = status.to_string();
            is(get(&mount).await, ErrorKind::InvalidArgument, &code);
            is(put(&mount, &world.old).await, ErrorKind::InvalidArgument, &code);
            is(list(&mount).await, ErrorKind::InvalidArgument, &code);
            // Nothing was refused to the driver, since it asked nothing of that place; and nobody was told the password there.
            assert_eq!(log.of("cofferdam::audit"), Vec::<String>::new());
            assert!(proxy.heads().iter().all(|head| head.contains(" /dav/") && head.contains("authorization: Basic ")), "{:?}", proxy.heads());
            idle(&mount).await;
        }
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    world.has(&world.old).await;
}

/// A server of HTTP/2 over TLS that answers every request with `bytes` between frames that have none: so many before each byte, or without end.
async fn empty_frames(folder: &TempDir, openssl: &Path, bytes: &'static [u8], before_each: Option<usize>) -> SocketAddr {
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    let mut command = Command::new(openssl);
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    tools::run(command.arg("-out").arg(&certificate).arg("-keyout").arg(&key));
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let head =
                        http::Response::builder().header("last-modified", "Tue, 24 Nov 2026 23:45:16 GMT").header("content-length", bytes.len());
                    let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                    tokio::spawn(async move {
                        for byte in bytes {
                            let mut count = 0;
                            while before_each.is_none_or(|most| count < most) {
                                if body.send_data(Bytes::new(), false).is_err() {
                                    return;
                                }
                                count += 1;
                                tokio::task::yield_now().await;
                            }
                            body.send_data(Bytes::copy_from_slice(&[*byte]), false).unwrap();
                        }
                        body.send_data(Bytes::new(), true).unwrap();
                    });
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn empty_frames_are_neither_the_end_nor_endless() {
    let Some(openssl) = tools::find("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (before_each, whole) in [(Some(10), true), (None, false)] {
        let address = empty_frames(&folder, &openssl, b"hello", before_each).await;
        let text = format!(
            "[settings]\nurl = \"https://{address}/dav\"\n[[http]]\nallow = \"https://{address}\"\naddresses = [\"127.0.0.1/32\"]\nca = \"server.pem\"\n{IMPATIENT}\n"
        );
        let mount = open(&Grant::parse(&text, &folder.path().join("grant.toml")).unwrap()).await;
        let began = Instant::now();
        let got = get(&mount).await;
        match whole {
            true => assert_eq!(got.unwrap(), "hello"),
            // The client counts them.
            false => is(got, ErrorKind::Unavailable, "reset"),
        }
        assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
        idle(&mount).await;
    }
}
