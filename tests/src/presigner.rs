//! The server of the fixture `presigner`: objects in memory, and URLs that are good for one method and for a while.
//!
//! What comes without a query is the driver's own. A query `access=GET&until=MS` is a presigned URL's: of that method (`ANY`: of all), and until that time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cofferdam::{ByteRange, Grant};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A running server without objects. It ends when it is dropped.
#[derive(Debug)]
pub struct PresignerServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// By path: when an object was written, its number among all that were, and its bytes.
#[derive(Debug, Default)]
struct Objects(Mutex<(u64, BTreeMap<String, Object>)>);

#[derive(Clone, Debug)]
struct Object {
    modified: u128,
    etag: u64,
    bytes: Bytes,
}

type Answer = Response<Full<Bytes>>;

impl PresignerServer {
    /// Starts it on a port of its own.
    ///
    /// # Panics
    /// There is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, accepting: tokio::spawn(accept(listener)) }
    }

    /// A grant for the driver with this `fault`.
    pub fn grant(&self, fault: &str) -> Grant {
        let origin = format!("http://{}", self.address);
        let text = format!(
            "[settings]\nendpoint = \"{origin}\"\nfault = \"{fault}\"\n[[http]]\nallow = \"{origin}\"\naddresses = [\"127.0.0.1/32\"]\nconnections = 256\n"
        );
        Grant::parse(&text, Path::new("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

impl Drop for PresignerServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener) {
    // They end with it.
    let mut connections = JoinSet::new();
    let objects = Arc::<Objects>::default();
    while let Ok((stream, _)) = listener.accept().await {
        let objects = objects.clone();
        let service = service_fn(move |request| {
            let objects = objects.clone();
            async move { Ok::<_, Infallible>(objects.answer(request).await) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

impl Objects {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.uri().query().is_some_and(|query| !permits(query, request.method())) {
            return says(403, Bytes::new());
        }
        let path = request.uri().path().to_owned();
        match *request.method() {
            Method::GET | Method::HEAD => {
                let Some(object) = self.0.lock().unwrap().1.get(&path).cloned() else { return says(404, Bytes::new()) };
                let range = request.headers().get("x-span").map_or(ByteRange::Whole, |span| range(span.to_str().unwrap()));
                let (offset, length) = range.within(object.bytes.len() as u64);
                let bytes = object.bytes.slice(offset as usize..(offset + length) as usize);
                describes(&object, if request.method() == Method::HEAD { None } else { Some(bytes) })
            }
            Method::PUT => match request.into_body().collect().await {
                Ok(body) => describes(&self.put(path, body.to_bytes()), Some(Bytes::new())),
                // It broke off: what is there stays.
                Err(_) => says(400, Bytes::new()),
            },
            Method::DELETE => {
                self.0.lock().unwrap().1.remove(&path);
                says(200, Bytes::new())
            }
            _ => says(405, Bytes::new()),
        }
    }

    fn put(&self, path: String, bytes: Bytes) -> Object {
        let mut objects = self.0.lock().unwrap();
        objects.0 += 1;
        let object = Object { modified: now().as_nanos(), etag: objects.0, bytes };
        objects.1.insert(path, object.clone());
        object
    }
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Whether a presigned URL with this query is good for `method`, now.
fn permits(query: &str, method: &Method) -> bool {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let until = value("until").and_then(|until| until.parse::<u128>().ok()).unwrap_or_default();
    value("access").is_some_and(|access| access == method.as_str() || access == "ANY") && now().as_millis() < until
}

/// The range that the driver asks for: `7-`, `7+10`, `-5`.
fn range(text: &str) -> ByteRange {
    let number = |text: &str| text.parse::<u64>().unwrap();
    if let Some(last) = text.strip_prefix('-') {
        ByteRange::Last(number(last))
    } else if let Some((offset, length)) = text.split_once('+') {
        ByteRange::Bounded { offset: number(offset), length: number(length) }
    } else {
        ByteRange::StartingAt(number(text.trim_end_matches('-')))
    }
}

fn says(status: u16, body: Bytes) -> Answer {
    Response::builder().status(status).body(Full::new(body)).unwrap()
}

/// An answer that says what the object is, with these bytes of it, or as a head.
fn describes(object: &Object, bytes: Option<Bytes>) -> Answer {
    let answer =
        Response::builder().header("x-size", object.bytes.len()).header("x-modified", object.modified.to_string()).header("etag", object.etag);
    match bytes {
        Some(bytes) => answer.body(Full::new(bytes)).unwrap(),
        None => answer.header("content-length", object.bytes.len()).body(Full::default()).unwrap(),
    }
}
