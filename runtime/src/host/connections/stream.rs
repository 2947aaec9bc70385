//! The bytes of an open connection, plain or in TLS.

use std::io;
use std::mem::MaybeUninit;

use bytes::BufMut;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A TLS record has 16 KiB, and rustls hands out what it has decrypted: more would stay empty.
const TLS_READ: usize = 16 << 10;

/// An open connection.
pub(super) enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Reads what is there, `max` bytes at most, waiting for the first; empty is the end.
    ///
    /// # Errors
    /// The system's, or TLS's: its peer cut it off, say.
    ///
    /// # Cancel safety
    /// Nothing is lost: bytes that were not answered are read the next time.
    pub(super) async fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(tcp) => {
                // Not before there is something: a connection that waits holds no buffer.
                tcp.readable().await?;
                let mut bytes = Vec::with_capacity(max);
                tcp.read_buf(&mut (&mut bytes).limit(max)).await?;
                Ok(bytes)
            }
            Self::Tls(tls) => {
                let mut bytes = vec![0; max.min(TLS_READ)];
                let count = tls.read(&mut bytes).await?;
                bytes.truncate(count);
                Ok(bytes)
            }
        }
    }

    /// Writes some of `bytes`; answers how many.
    ///
    /// # Errors
    /// The system's, or TLS's.
    ///
    /// # Cancel safety
    /// Nothing was written.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes).await,
            Self::Tls(tls) => tls.write(bytes).await,
        }
    }

    /// Hands everything that was written to the system.
    ///
    /// # Errors
    /// As [`Stream::write`].
    ///
    /// # Cancel safety
    /// It can be called again.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush().await,
        }
    }

    /// Whether the connection lives and has nothing to read: only then may another call have it.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(tcp) => is_silent(tcp),
            Self::Tls(tls) => {
                let (tcp, session) = tls.get_mut();
                is_silent(tcp) && session.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() == 0)
            }
        }
    }
}

/// Whether the system has neither bytes nor an end for a reader. The socket itself is asked: what tokio remembers may be old.
fn is_silent(tcp: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    SockRef::from(tcp).peek(&mut byte).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
