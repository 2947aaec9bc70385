//! A small HTTP/1.1 server in this process, which streams both ways and remembers what it was asked.
//!
//! | path | what it answers |
//! |---|---|
//! | `/hello` | `hello` |
//! | `/download/N` | N bytes, byte `n` is `n % 251`, in chunks |
//! | `/upload` | how many bytes came, and whether they were such |
//! | `/redirect` | a redirect to what the query says |
//! | `/short` | a length, and fewer bytes |
//! | `/token` | an OAuth access token, [`TOKEN`], whoever asks |
//! | `/silent` | nothing, ever; a body is not read |
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Byte `n` of a body is `n % PERIOD`.
const PERIOD: u64 = 251;

/// The access token of `/token`.
pub const TOKEN: &str = "ya29.Zq7XhV-2wNc_kT9uLrE4sDgJm";

/// A running server: it goes with the runtime that it was started on.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// Starts one on 127.0.0.1.
    ///
    /// # Panics
    /// There is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = web.heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let heads = heads.clone();
                // A client may go at any time.
                tokio::spawn(async move { serve(BufReader::new(stream), &heads).await.is_ok() });
            }
        });
        web
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, with `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: BufReader<TcpStream>, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
        let path = head.split(' ').nth(1).unwrap_or_default();
        if path == "/silent" {
            return std::future::pending().await;
        }
        let (bytes, regular) = body(&mut stream, &head.to_ascii_lowercase()).await?;
        let plain = |text: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        let answer = match (path, path.split_once('?'), path.strip_prefix("/download/")) {
            (_, _, Some(length)) => {
                download(&mut stream, length.parse().unwrap()).await?;
                continue;
            }
            (_, Some(("/redirect", to)), _) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"),
            ("/short", _, _) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await?;
                return Ok(());
            }
            ("/token", _, _) => plain(&format!("{{\"access_token\":\"{TOKEN}\",\"token_type\":\"Bearer\",\"expires_in\":3600}}")),
            ("/upload", _, _) => plain(&format!("{bytes} {regular}")),
            _ => plain("hello"),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Reads a request's body; answers its length, and whether it is what bodies are here.
async fn body(stream: &mut BufReader<TcpStream>, head: &str) -> io::Result<(u64, bool)> {
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (mut bytes, mut regular) = (0, true);
    if header("transfer-encoding:").is_none() {
        let length = header("content-length:").map_or(0, |length| length.parse().unwrap());
        take(stream, length, &mut bytes, &mut regular).await?;
        return Ok((bytes, regular));
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        take(stream, length, &mut bytes, &mut regular).await?;
        stream.read_line(&mut line).await?;
        if length == 0 {
            return Ok((bytes, regular));
        }
    }
}

async fn take(stream: &mut BufReader<TcpStream>, mut length: u64, bytes: &mut u64, regular: &mut bool) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    while length > 0 {
        let room = length.min(buffer.len() as u64) as usize;
        let count = stream.read(&mut buffer[..room]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *regular &= buffer[..count].iter().zip(*bytes..).all(|(byte, n)| u64::from(*byte) == n % PERIOD);
        *bytes += count as u64;
        length -= count as u64;
    }
    Ok(())
}

async fn download(stream: &mut BufReader<TcpStream>, length: u64) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    let mut sent = 0;
    while sent < length {
        let piece: Vec<u8> = (sent..length.min(sent + (100 << 10))).map(|n| (n % PERIOD) as u8).collect();
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        stream.write_all(&piece).await?;
        stream.write_all(b"\r\n").await?;
        sent += piece.len() as u64;
    }
    stream.write_all(b"0\r\n\r\n").await
}
