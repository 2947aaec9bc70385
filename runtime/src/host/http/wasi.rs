//! `wasi:http`, for components that speak it: a request of theirs goes the way of one by the contract's own interface.
//!
//! What is here turns the one kind of request into the other, and an answer back. Whether it is allowed, where it goes and who
//! signs it is said where it always is.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{Error as Said, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

use super::failure::{Cause, Failure};
use super::request::is_ours;
use super::{Answered, Asked, Http};
use crate::call::CallContext;
use crate::content::Content;
use crate::error::{Error, ErrorKind, Result};

/// The most that a driver may write into a body at once: the host holds two such pieces.
const PIECE_MAX: usize = 64 << 10;

/// A task that goes on after a response was answered: the client has those that it needs.
type Afterwards = Box<dyn Future<Output = Result<(), Said>> + Send>;

/// What one instance has of `wasi:http`.
#[derive(Default)]
pub(crate) struct WasiHttp {
    context: WasiHttpCtx,
    hooks: Option<Hooks>,
}

struct Hooks {
    /// An error while the backends are taken away.
    http: Result<Http>,
    /// Counts the bytes that move.
    call: CallContext,
}

impl WasiHttp {
    /// For one host function, which works with `table`.
    pub(crate) fn view<'a>(&'a mut self, http: Result<Http>, call: CallContext, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: self.hooks.insert(Hooks { http, call }), table, ctx: &mut self.context }
    }
}

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        // The one thing about its frame that a driver may say is how long its body is; it is held to that.
        Arc::new(|name: &HeaderName| is_ours(name) && name != CONTENT_LENGTH)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE_MAX
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Afterwards,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Afterwards), Said>> + Send> {
        Box::new(send(self.http.clone(), self.call.clone(), request, options.unwrap_or_default()))
    }
}

async fn send(
    http: Result<Http>,
    call: CallContext,
    request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Result<(http::Response<WasiBody>, Afterwards), Said> {
    let (asked, written) = asked(request, &options)?;
    let body = written.as_ref().map(|written| Content::live(pieces(written.body.clone()), written.size));
    let answered = http.map_err(Failure::from)?.exchange(&call, &asked, body).await?;
    call.moved(1);
    if let Some(written) = written {
        written.goes_on();
    }
    let nothing: Afterwards = Box::new(std::future::ready(Ok(())));
    Ok((response(answered, call, options.between_bytes_timeout), nothing))
}

type Shared = Arc<Mutex<Option<WasiBody>>>;

/// A body that is being written. Dropping it lets go of the body, wherever that is: a client that gave up a request may hold its body
/// for long, and the driver would wait for it.
struct Written {
    body: Shared,
    size: Option<u64>,
}

impl Written {
    /// There is an answer: the body goes on without this.
    fn goes_on(mut self) {
        self.body = Shared::default();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(body);
    }
}

/// What the contract's own interface would have been asked; the body, and its size where that is known.
fn asked(request: http::Request<WasiBody>, options: &RequestOptions) -> Result<(Asked, Option<Written>), Failure> {
    let (mut parts, body) = request.into_parts();
    let size = parts.headers.remove(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let headers = texts(&parts.headers)?;
    // A connection comes about within the time until the first byte, or there is none.
    let first_byte = options.first_byte_timeout.map(|limit| limit.saturating_add(options.connect_timeout.unwrap_or_default()));
    let asked = Asked { method: parts.method.as_str().to_owned(), url: parts.uri.to_string(), headers, first_byte };
    let written = (!body.is_end_stream()).then(|| Written { body: Arc::new(Mutex::new(Some(body))), size });
    Ok((asked, written))
}

fn texts(headers: &HeaderMap) -> Result<Vec<(String, String)>, Failure> {
    let text = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let value = std::str::from_utf8(value.as_bytes()).map_err(|_| {
            let problem = format!("has a value of `{name}` that is no text");
            Failure::bad(Cause::Headers, &problem)
        })?;
        Ok((name.as_str().to_owned(), value.to_owned()))
    };
    headers.iter().map(text).collect()
}

/// The pieces of a body as it is written. One that the driver gives up, or ends with trailers, is an error: the server is not to
/// take it for whole.
fn pieces(body: Shared) -> impl Stream<Item = Result<Bytes>> + Send {
    futures::stream::poll_fn(move |context| {
        let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(body) = body.as_mut() else {
            return Poll::Ready(Some(Err(Error::invalid_argument("the request was given up"))));
        };
        Pin::new(body).poll_frame(context).map(|frame| {
            Some(match frame? {
                Ok(frame) => frame.into_data().map_err(|_| Error::unsupported("a request with trailers")),
                Err(said) => Err(Error::invalid_argument(format!("the request's body was given up: {said}"))),
            })
        })
    })
    // No bytes would look like the end.
    .filter(|piece| std::future::ready(!matches!(piece, Ok(bytes) if bytes.is_empty())))
}

fn response(answered: Answered, call: CallContext, between_bytes: Option<Duration>) -> http::Response<WasiBody> {
    let frames = futures::stream::unfold((answered.content.into_stream(), call), move |(mut content, call)| async move {
        let limit = between_bytes.unwrap_or(Duration::MAX);
        let next = match tokio::time::timeout(limit, content.next()).await {
            Ok(next) => next?.map_err(broken),
            Err(_) => Err(Said::ConnectionReadTimeout),
        };
        let frame = next.map(|bytes| {
            call.moved(bytes.len() as u64);
            Frame::data(bytes)
        });
        Some((frame, (content, call)))
    });
    let mut response = http::Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.headers;
    response
}

/// What became of an answer that did not come whole.
fn broken(error: Error) -> Said {
    if error.code() == Some("timeout") { Said::ConnectionReadTimeout } else { Said::HttpResponseIncomplete }
}

impl From<Failure> for Said {
    fn from(Failure { cause, error }: Failure) -> Self {
        match cause {
            Cause::Denied | Cause::Brokered => Self::HttpRequestDenied,
            Cause::Address => Self::DestinationIpProhibited,
            Cause::Method => Self::HttpRequestMethodInvalid,
            Cause::Url => Self::HttpRequestUriInvalid,
            Cause::UrlLength => Self::HttpRequestUriTooLong,
            Cause::Headers => Self::HttpRequestHeaderSectionSize(None),
            Cause::Length => Self::HttpRequestLengthRequired,
            Cause::Places => Self::ConnectionLimitReached,
            Cause::Name => Self::DnsError { rcode: None, info_code: None },
            Cause::ConnectionRefused => Self::ConnectionRefused,
            Cause::Unreachable => Self::DestinationUnavailable,
            Cause::ConnectTimeout => Self::ConnectionTimeout,
            Cause::Certificate => Self::TlsCertificateError,
            Cause::Tls => Self::TlsProtocolError,
            Cause::Timeout => Self::HttpResponseTimeout,
            Cause::Reset => Self::ConnectionTerminated,
            Cause::Own if error.kind() == ErrorKind::InvalidArgument => Self::HttpRequestBodySize(None),
            Cause::Own => Self::InternalError(Some(error.message().to_owned())),
        }
    }
}
