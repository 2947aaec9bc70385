//! The least of an HTTP/1.1 client: one connection, kept alive, whose cost both sides share.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

/// Asks `HEAD` of `path` for so long, over four connections a thread on two threads; answers how many a second were answered with 200.
///
/// wrk cannot: it waits for the body that a `HEAD`'s length promises.
pub(crate) fn heads(address: &str, path: &str, length: Duration) -> Result<f64> {
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\n\r\n");
    let started = Instant::now();
    let asked = thread::scope(|scope| {
        let ask = || -> Result<u64> {
            let mut connections = (0..4).map(|_| Connection::open(address)).collect::<Result<Vec<_>>>()?;
            let mut asked = 0;
            while started.elapsed() < length {
                for connection in &mut connections {
                    connection.stream.get_mut().write_all(request.as_bytes())?;
                }
                for connection in &mut connections {
                    connection.skip_head("HTTP/1.1 200")?;
                    asked += 1;
                }
            }
            Ok(asked)
        };
        let threads = [scope.spawn(ask), scope.spawn(ask)];
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client has failed"))?).sum::<Result<u64>>()
    })?;
    Ok(asked as f64 / started.elapsed().as_secs_f64())
}

/// What matters of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Where an upload goes on: a path and query.
    pub(crate) location: String,
    length: u64,
}

impl Connection {
    /// Connects to `host:port`.
    pub(crate) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { address: address.to_owned(), stream: BufReader::new(stream) })
    }

    /// Sends a request and reads the whole answer, which must have the status `expected`.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str, body: &[u8], expected: u16) -> Result<Answer> {
        self.send(method, target, headers, body.len(), body)?;
        let answer = self.head()?;
        let mut rest = vec![0; usize::try_from(answer.length)?];
        self.stream.read_exact(&mut rest)?;
        ensure!(answer.status == expected, "{method} {target} answered {}: {}", answer.status, String::from_utf8_lossy(&rest));
        Ok(answer)
    }

    /// Sends a request that promises `length` bytes, and `part` of them.
    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &str, length: usize, part: &[u8]) -> Result<()> {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n{headers}\r\n", self.address);
        let stream = self.stream.get_mut();
        if part.len() > 64 << 10 {
            stream.write_all(head.as_bytes())?;
            return Ok(stream.write_all(part)?);
        }
        Ok(stream.write_all(&[head.as_bytes(), part].concat())?)
    }

    /// Reads an answer's head.
    pub(crate) fn head(&mut self) -> Result<Answer> {
        let mut answer = Answer::default();
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        answer.status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(|| format!("no answer: {line:?}"))?;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the connection ended in a head");
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else { return Ok(answer) };
            if name.eq_ignore_ascii_case("content-length") {
                answer.length = value.parse()?;
            } else if name.eq_ignore_ascii_case("location") {
                let path = value.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
                answer.location = path.unwrap_or(value).to_owned();
            }
        }
    }

    /// Reads an answer that is a head alone and must begin so, as it comes: in one piece, with nothing after it.
    fn skip_head(&mut self, start: &str) -> Result<()> {
        let buffer = self.stream.fill_buf()?;
        let whole = buffer.starts_with(start.as_bytes()) && buffer.ends_with(b"\r\n\r\n");
        ensure!(whole, "HEAD was answered {:?}", String::from_utf8_lossy(buffer));
        let length = buffer.len();
        self.stream.consume(length);
        Ok(())
    }

    /// Reads `length` bytes of a body.
    pub(crate) fn read(&mut self, length: usize) -> Result<()> {
        let mut part = vec![0; length];
        Ok(self.stream.read_exact(&mut part)?)
    }

    /// Begins an upload in `repository`; answers where it goes on.
    pub(crate) fn begin(&mut self, repository: &str) -> Result<String> {
        Ok(self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), "", b"", 202)?.location)
    }

    /// Closes the upload at `location`.
    pub(crate) fn finish(&mut self, location: &str, digest: &str, rest: &[u8]) -> Result<()> {
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={digest}");
        self.ask("PUT", &target, "Content-Type: application/octet-stream\r\n", rest, 201)?;
        Ok(())
    }

    /// Pushes a blob as POST and PUT.
    pub(crate) fn push(&mut self, repository: &str, digest: &str, blob: &[u8]) -> Result<()> {
        let location = self.begin(repository)?;
        self.finish(&location, digest, blob)
    }
}
