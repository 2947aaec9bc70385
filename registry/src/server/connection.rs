//! One connection, from its acceptance to its end: TLS, HTTP/1.1 or 2, time limits.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::ServerOptions;
use super::patience::Patience;
use super::worker::Accepted;
use crate::http::{Api, Peer};

/// The largest list of headers of an HTTP/2 request; HTTP/1 bounds a head by its buffer.
const HEAD_MAX: u32 = 64 << 10;

/// How much of an HTTP/1 connection is read at once, how long a head may be, and how little must be left of a frame of a blob before the next one is read.
/// The last is why it is not larger: a connection whose client has stopped reading holds one frame, and 200 of them 50 MiB.
const BUFFER_MAX: usize = 64 << 10;

/// How much of one upload an HTTP/2 client may send before it is taken. With the next, what one connection can make the server hold.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Frames of HTTP/2: four times the default, which makes a quarter of the headers and copies.
const FRAME_MAX: u32 = 64 << 10;

/// How many requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;

/// After how much silence an HTTP/2 client is asked whether it is there, and how long it may take to answer.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What the connections of one worker share.
pub(super) struct Connections {
    api: Arc<Api>,
    options: ServerOptions,
    builder: auto::Builder<TokioExecutor>,
    closing: watch::Receiver<()>,
}

impl Connections {
    pub(super) fn new(api: Arc<Api>, options: ServerOptions, closing: watch::Receiver<()>) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(options.head_timeout).max_buf_size(BUFFER_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_MAX)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEAD_MAX)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT);
        Self { api, options, builder, closing }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(&self, accepted: Accepted) {
        let Accepted { stream, peer, tls, place } = accepted;
        let ended = match prepare(stream) {
            Err(error) => Err(error.into()),
            Ok(stream) => match tls {
                None => self.speak(stream, Peer { address: peer, is_tls: false }).await,
                Some(tls) => self.shake_hands(stream, peer, tls).await,
            },
        };
        if let Err(error) = ended {
            // The client's fault or its going away, mostly: of interest only to who looks for it.
            tracing::debug!(%peer, error, "a connection ended early");
        }
        drop(place);
    }

    async fn shake_hands(&self, stream: TcpStream, peer: SocketAddr, tls: super::tls::Tls) -> Result<(), BoxError> {
        let mut closing = self.closing.clone();
        let stream = tokio::select! {
            // Nothing is in flight on a connection without a key.
            _ = closing.changed() => return Ok(()),
            shaken = tokio::time::timeout(self.options.handshake_timeout, tls.accept(stream)) => shaken??,
        };
        self.speak(stream, Peer { address: peer, is_tls: true }).await
    }

    /// HTTP/1.1 or 2, whichever the client begins with.
    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) -> Result<(), BoxError> {
        let api = self.api.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request, peer).await) }
        });
        let stream = Patience::new(stream, self.options.head_timeout, self.options.write_timeout);
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let mut closing = self.closing.clone();
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            _ = closing.changed() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A stream of this thread's runtime that sends what it is given at once.
fn prepare(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}
