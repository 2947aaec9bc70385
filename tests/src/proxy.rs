//! A TCP proxy that does to connections what networks and servers do: it delays, resets, cuts off, trickles, refuses, or says nothing.
//!
//! It knows no HTTP beyond where a request ends. What it does holds from a connection's first byte, so a test that wants something else opens
//! another mount.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// How much is passed on at a time.
const PIECE: usize = 64 << 10;

/// What happens to a connection.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Each piece, in both directions, arrives so much later.
    Latency(Duration),
    /// It is reset when so many bytes of requests have passed.
    ResetRequest(usize),
    /// It is reset when so many bytes of answers have passed.
    ResetAnswer(usize),
    /// It is closed in good order when so many bytes of answers have passed.
    CutAnswer(usize),
    /// After so many bytes answers arrive byte by byte, one each time.
    Trickle(usize, Duration),
    /// Each request is answered with this, by nobody else.
    Answer(String),
    /// Requests are taken and never answered.
    Silence,
}

/// A running proxy. It ends, with all connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    accepted: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    heads: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What one connection is told.
#[derive(Clone)]
struct Line {
    server: SocketAddr,
    fault: Option<Fault>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy before `server` whose every connection suffers `fault`.
    ///
    /// # Panics
    /// There is no port.
    pub fn start(server: SocketAddr, fault: Fault) -> Self {
        Self::start_for(server, fault, u64::MAX)
    }

    /// A proxy before `server` whose first `times` connections suffer `fault`.
    ///
    /// # Panics
    /// There is no port.
    pub fn start_for(server: SocketAddr, fault: Fault, times: u64) -> Self {
        let (accepted, open, heads) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (stop, stopped) = oneshot::channel();
        let (count, alive, line) = (accepted.clone(), open.clone(), Line { server, fault: Some(fault), heads: heads.clone() });
        let (tell, told) = std::sync::mpsc::channel();
        let accept = async move {
            let listener = listen();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let suffers = count.fetch_add(1, Ordering::SeqCst) < times;
                let (line, alive) = (Line { fault: line.fault.clone().filter(|_| suffers), ..line.clone() }, alive.clone());
                alive.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // What breaks is the purpose.
                    let _ = line.serve(client).await;
                    alive.fetch_sub(1, Ordering::SeqCst);
                });
            }
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().unwrap();
        Self { address, accepted, open, heads, stop: Some(stop), thread: Some(thread) }
    }

    /// Its URL, without a `/` at the end.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there were so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    /// The heads of the requests that it answered itself.
    ///
    /// # Panics
    /// Never.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Line {
    async fn serve(self, mut client: TcpStream) -> io::Result<()> {
        match &self.fault {
            Some(Fault::Silence) => tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(drop),
            Some(Fault::Answer(text)) => {
                let head = request(&mut client).await?;
                self.heads.lock().unwrap().push(head);
                client.write_all(text.as_bytes()).await?;
                client.shutdown().await
            }
            _ => self.pass(client).await,
        }
    }

    /// Passes on in both directions until one ends or the fault ends it.
    async fn pass(self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let fault = self.fault.as_ref();
        let delay = match fault {
            Some(Fault::Latency(delay)) => *delay,
            _ => Duration::ZERO,
        };
        let (up, down) = match fault {
            Some(Fault::ResetRequest(most)) => (*most, usize::MAX),
            Some(Fault::ResetAnswer(most) | Fault::CutAnswer(most)) => (usize::MAX, *most),
            _ => (usize::MAX, usize::MAX),
        };
        let trickle = match fault {
            Some(Fault::Trickle(after, each)) => Some((*after, *each)),
            _ => None,
        };
        let broken = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            tokio::select! {
                broken = pump(from_client, to_server, up, delay, None) => broken?,
                broken = pump(from_server, to_client, down, delay, trickle) => broken?,
            }
        };
        if broken && !matches!(fault, Some(Fault::CutAnswer(_))) {
            // Without this a close is an orderly one.
            for stream in [&client, &server] {
                socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
            }
            return Ok(());
        }
        client.shutdown().await
    }
}

/// Passes on at most so many bytes. Answers whether there were more.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, most: usize, delay: Duration, trickle: Option<(usize, Duration)>) -> io::Result<bool> {
    let (mut buffer, mut passed) = (vec![0; PIECE], 0);
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(false);
        }
        sleep_until(Instant::now() + delay).await;
        let piece = &buffer[..length.min(most - passed)];
        let at_once = trickle.map_or(piece.len(), |(after, _)| piece.len().min(after.saturating_sub(passed)));
        to.write_all(&piece[..at_once]).await?;
        for byte in &piece[at_once..] {
            sleep_until(Instant::now() + trickle.map_or(Duration::ZERO, |(_, each)| each)).await;
            to.write_all(&[*byte]).await?;
        }
        passed += piece.len();
        if piece.len() < length {
            return Ok(true);
        }
    }
}

/// Reads a request to its end; answers its head.
async fn request(client: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            if bytes.len() - end - 4 >= length.unwrap_or(0) {
                return Ok(head);
            }
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A listener whose connections keep little that was not passed on: what a client could send looks then like what has arrived, nearly.
fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(PIECE as u32).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(1024).unwrap()
}
