//! Granted connections against servers of the test's own: what is opened, reused, closed and refused.
#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Connection, Connections};
use crate::call::{CallContext, Guards};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{AuthProtocol, ConnectionAuth, ConnectionGrant, SecretSource};
use crate::host::network::lookup::Lookup;
use crate::host::network::lookup::scripted::Names;

/// Long enough for anything on this machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that does `serve` with each connection.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, accepted, task }
    }

    /// One that says what it is told.
    async fn echo() -> Self {
        Self::start(echo).await
    }

    /// As [`Server::echo`]; tells of each connection that has ended.
    async fn echo_telling_ends() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (ended, ends) = mpsc::unbounded_channel();
        let server = Self::start(move |stream| {
            let ended = ended.clone();
            async move {
                echo(stream).await;
                ended.send(()).unwrap();
            }
        });
        (server.await, ends)
    }

    fn grant(&self) -> ConnectionGrant {
        let addresses = vec!["127.0.0.0/8".parse().unwrap()];
        ConnectionGrant { addresses, ..ConnectionGrant::new("backend", "127.0.0.1", self.address.port()) }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn echo(mut stream: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        if stream.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

fn mount(grant: ConnectionGrant) -> Connections {
    Connections::open(&[grant], &"mount".into()).unwrap()
}

fn call() -> CallContext {
    CallContext::new(Arc::<Guards>::default(), None)
}

/// Says `ping` and hears it.
async fn ping(connection: &mut Connection) {
    connection.write(&call(), b"ping").await.unwrap();
    assert_eq!(exactly(connection, 4).await, b"ping");
}

async fn exactly(connection: &mut Connection, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let more = connection.read(&call(), (count - bytes.len()) as u32).await.unwrap();
        assert!(!more.is_empty(), "it ends after {bytes:?}");
        bytes.extend(more);
    }
    bytes
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(|_| ()).unwrap_err().kind()
}

async fn refused(grant: ConnectionGrant) -> Error {
    mount(grant).get("backend", PATIENCE).await.unwrap_err()
}

#[tokio::test]
async fn a_connection_that_was_given_back_is_used_again() {
    let server = Server::echo().await;
    let connections = mount(server.grant());
    for _ in 0..3 {
        let mut connection = connections.get("backend", PATIENCE).await.unwrap();
        ping(&mut connection).await;
        connection.give_back().unwrap();
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn another_mount_has_connections_of_its_own() {
    let server = Server::echo().await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let connections = mount(server.grant());
        let mut connection = connections.get("backend", PATIENCE).await.unwrap();
        ping(&mut connection).await;
        connection.give_back().unwrap();
        streams.push(connections);
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_is_dropped_is_closed() {
    let (server, mut ends) = Server::echo_telling_ends().await;
    let connections = mount(server.grant());
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    ping(&mut connection).await;
    drop(connection);
    ends.recv().await.unwrap();
    ping(&mut connections.get("backend", PATIENCE).await.unwrap()).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn unread_bytes_close_a_connection_that_is_given_back() {
    let server = Server::echo().await;
    let connections = mount(server.grant());
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    connection.write(&call(), b"twelve bytes").await.unwrap();
    assert_eq!(exactly(&mut connection, 6).await, b"twelve");
    connection.give_back().unwrap();
    ping(&mut connections.get("backend", PATIENCE).await.unwrap()).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn an_idle_connection_that_its_server_has_closed_is_not_handed_out() {
    let (closed, mut closes) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let closed = closed.clone();
        async move {
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let connections = mount(server.grant());
    for _ in 0..3 {
        let mut connection = connections.get("backend", PATIENCE).await.unwrap();
        ping(&mut connection).await;
        connection.give_back().unwrap();
        closes.recv().await.unwrap();
    }
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn after_it_was_given_back_a_connection_is_of_no_use() {
    let server = Server::echo().await;
    let connections = mount(server.grant());
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    connection.give_back().unwrap();
    assert_eq!(kind(connection.give_back()), ErrorKind::InvalidArgument);
    assert_eq!(kind(connection.read(&call(), 1).await), ErrorKind::InvalidArgument);
    assert_eq!(kind(connection.write(&call(), b"x").await), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn only_empty_is_the_end() {
    let server = Server::start(|mut stream| async move { stream.write_all(b"bye").await.unwrap() }).await;
    let mut connection = mount(server.grant()).get("backend", PATIENCE).await.unwrap();
    assert_eq!(kind(connection.read(&call(), 0).await), ErrorKind::InvalidArgument);
    assert_eq!(exactly(&mut connection, 3).await, b"bye");
    assert_eq!(connection.read(&call(), 10).await.unwrap(), b"");
}

#[tokio::test]
async fn what_moves_is_progress() {
    let server = Server::echo().await;
    let mut connection = mount(server.grant()).get("backend", PATIENCE).await.unwrap();
    let call = call();
    let bytes = vec![7; 4 << 20];
    // The server's answers have to be taken, or neither would get on.
    let mut heard = 0;
    for piece in bytes.chunks(32 << 10) {
        connection.write(&call, piece).await.unwrap();
        let sent = heard + piece.len();
        while heard < sent {
            heard += connection.read(&call, u32::MAX).await.unwrap().len();
        }
    }
    assert_eq!(call.total(), 2 * bytes.len() as u64);
}

#[tokio::test]
async fn a_name_that_is_not_granted_is_refused() {
    let server = Server::echo().await;
    let error = mount(server.grant()).get("other", PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(
        error.message(),
        "no connection \"other\" is granted (the grant has \"backend\"): it needs a [[connection]] table with `name = \"other\"`"
    );
}

#[tokio::test]
async fn an_address_that_is_not_public_needs_its_range() {
    let server = Server::echo().await;
    let plain = || ConnectionGrant { addresses: Vec::new(), ..server.grant() };
    let error = refused(plain()).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(
        error.message(),
        "the connection \"backend\" leads to 127.0.0.1, a loopback address, which needs the line `addresses = [\"127.0.0.1\"]` in its [[connection]] table"
    );
    // A name that leads there, and every way to write the address.
    for host in ["localhost", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "127.1", "2130706433", "0.0.0.0"] {
        let error = refused(ConnectionGrant { host: host.to_owned(), ..plain() }).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{host}: {error}");
    }
    assert_eq!(server.accepted(), 0);
    // The range gives the address, also where it is written otherwise.
    let mapped = ConnectionGrant { host: "::ffff:127.0.0.1".to_owned(), ..server.grant() };
    ping(&mut mount(mapped).get("backend", PATIENCE).await.unwrap()).await;
}

#[tokio::test]
async fn a_name_that_changes_leads_only_where_the_grant_says() {
    let server = Server::echo().await;
    let grant = ConnectionGrant { host: "db.example".to_owned(), ..server.grant() };
    let names = Names::new(&["10.0.0.1 127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", ""]);
    let mount = Connections::open_with(&[grant], &"mount".into(), &(names.clone() as Arc<dyn Lookup>)).unwrap();
    // In use to the end, so that each of the next needs one of its own.
    let mut used = mount.get("backend", PATIENCE).await.unwrap();
    // The address that is given is the one that is connected to.
    ping(&mut used).await;
    for kind in [ErrorKind::PermissionDenied, ErrorKind::PermissionDenied, ErrorKind::Unavailable] {
        assert_eq!(mount.get("backend", PATIENCE).await.err().unwrap().kind(), kind);
    }
    assert_eq!((names.asked(), server.accepted()), (vec!["db.example".to_owned(); 4], 1));
}

#[tokio::test]
async fn a_metadata_address_is_not_reached_by_a_wide_range() {
    let addresses = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
    for host in ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200"] {
        let error = refused(ConnectionGrant { addresses: addresses.clone(), ..ConnectionGrant::new("backend", host, 80) }).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{host}: {error}");
        assert!(error.message().contains("a cloud's metadata address"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let server = Server::echo().await;
    let grant = server.grant();
    drop(server);
    let error = loop {
        // The listener closes when its task has ended.
        match mount(grant.clone()).get("backend", PATIENCE).await {
            Err(error) => break error,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let nowhere = ConnectionGrant { host: "no-such-host.invalid".to_owned(), ..grant };
    assert_eq!(refused(nowhere).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable_in_time() {
    let server = Server::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let quick = Duration::from_millis(50);
    let mut connection = mount(ConnectionGrant { timeout: quick, ..server.grant() }).get("backend", PATIENCE).await.unwrap();
    assert_eq!(kind(connection.read(&call(), 1).await), ErrorKind::Unavailable);
    // A late answer must not be taken for that of the next question.
    assert_eq!(kind(connection.write(&call(), b"x").await), ErrorKind::Unavailable);
    connection.give_back().unwrap();

    // The call's own patience is enough, too.
    let mut connection = mount(server.grant()).get("backend", quick).await.unwrap();
    assert_eq!(kind(connection.read(&call(), 1).await), ErrorKind::Unavailable);

    // Nor does opening take longer than it may.
    let tls = ConnectionGrant { tls: Some(crate::grant::Trust::WebRoots), connect_timeout: quick, ..server.grant() };
    let error = refused(tls).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("(`connect-timeout`)"), "{error}");
}

#[tokio::test]
async fn no_more_are_open_than_the_grant_allows() {
    let server = Server::echo().await;
    let connections = mount(ConnectionGrant { max_connections: 1, ..server.grant() });
    let mut first = connections.get("backend", PATIENCE).await.unwrap();
    let error = connections.get("backend", Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("`max-connections`"), "{error}");

    let waiting = tokio::spawn(async move { connections.get("backend", PATIENCE).await.map(drop) });
    ping(&mut first).await;
    first.give_back().unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn what_nobody_uses_is_closed() {
    let (server, mut ends) = Server::echo_telling_ends().await;
    let connections = mount(server.grant());
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    ping(&mut connection).await;
    connection.give_back().unwrap();
    connections.close_idle();
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    ping(&mut connection).await;
    assert_eq!(server.accepted(), 1, "its time has not come");

    let connections = mount(ConnectionGrant { idle: Duration::from_millis(1), ..server.grant() });
    let mut connection = connections.get("backend", PATIENCE).await.unwrap();
    ping(&mut connection).await;
    connection.give_back().unwrap();
    while ends.try_recv().is_err() {
        connections.close_idle();
        tokio::task::yield_now().await;
    }
}

/// A server that wants `AUTH` before it echoes.
async fn guarded(mut stream: TcpStream, expected: &'static [u8], answer: &'static [u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, expected);
    stream.write_all(answer).await.unwrap();
    echo(stream).await;
}

fn authenticated(server: &Server, user: Option<&str>, folder: &tempfile::TempDir) -> ConnectionGrant {
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let auth = ConnectionAuth { protocol: AuthProtocol::Redis, user: user.map(str::to_owned), password: SecretSource::File(file) };
    ConnectionGrant { auth: Some(auth), ..server.grant() }
}

#[tokio::test]
async fn the_host_authenticates_before_the_driver_has_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(Option<&str>, &'static [u8]); 2] =
        [(None, b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n"), (Some("cofferdam"), b"*3\r\n$4\r\nAUTH\r\n$9\r\ncofferdam\r\n$7\r\nhunter2\r\n")];
    for (user, expected) in cases {
        let server = Server::start(move |stream| guarded(stream, expected, b"+OK\r\n")).await;
        let mut connection = mount(authenticated(&server, user, &folder)).get("backend", PATIENCE).await.unwrap();
        // The first byte that the driver reads is its own.
        ping(&mut connection).await;
    }
}

#[tokio::test]
async fn credentials_that_are_refused_are_told_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let expected = b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n";
    let server = Server::start(move |stream| guarded(stream, expected, b"-WRONGPASS invalid hunter2\r\n")).await;
    let grant = authenticated(&server, None, &folder);
    let error = refused(grant.clone()).await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthenticated, Some("WRONGPASS")));
    assert!(!format!("{error} {error:?} {grant:?}").contains("hunter2"), "{error:?}");

    std::fs::remove_file(folder.path().join("password")).unwrap();
    let unusable = Connections::open(&[grant], &"mount".into()).unwrap_err().to_string();
    assert!(unusable.starts_with("the connection grant \"backend\" cannot be used: the secret's file "), "{unusable}");
}
