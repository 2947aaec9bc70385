//! Stand-ins for host interfaces, answered from memory: for one that the runtime does not serve yet, and for servers that the skeletons name
//! and nobody has.
//!
//! | interface | answers |
//! |---|---|
//! | `http` | 200 to everything; a `GET` with `answer from URL`, as live content |
//! | `signing` | the URL with its time appended |
//! | `upstream` | one store, `below`, in which each object is its own path |

use std::sync::{Arc, Mutex, PoisonError};

pub use cofferdam::Content;
use cofferdam::{ByteRange, Extension, State};
use sha2::{Digest, Sha256};
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};
use wasmtime::{AsContextMut, StoreContextMut};

#[allow(missing_docs, unreachable_pub, reason = "generated; the documentation is in wit/")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package cofferdam:doubles;

            world doubles {
                import cofferdam:storage/http@1.0.0;
                import cofferdam:storage/upstream@1.0.0;
            }
        ",
        world: "cofferdam:doubles/doubles",
        // Not `cofferdam::Content`: a generated module has that name.
        with: { "cofferdam:storage/data.content": crate::doubles::Content },
    });
}

use bindings::cofferdam::storage::data::Opened;
use bindings::cofferdam::storage::http::{Request, Response};
use bindings::cofferdam::storage::store_types as wit;

type Body = Option<Resource<Content>>;
type Answer<T> = wasmtime::Result<(Result<T, wit::Error>,)>;

const HTTP: &str = "cofferdam:storage/http@1.0.0";
const SIGNING: &str = "cofferdam:storage/signing@1.0.0";
const UPSTREAM: &str = "cofferdam:storage/upstream@1.0.0";

/// A store as a guest holds it: no handle means more than another.
struct Handle;

/// A request that a driver sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `PUT http://origin/`
    pub line: String,
    /// The headers that the driver set.
    pub headers: Vec<(String, String)>,
    /// The body's digest, if there was one.
    pub sha256: Option<Vec<u8>>,
}

/// What drivers did with the doubles.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// By `http.send`.
    pub sent: Vec<Sent>,
}

/// All doubles of one driver.
#[derive(Clone, Default)]
pub struct Doubles {
    seen: Arc<Mutex<Seen>>,
}

impl Doubles {
    /// What drivers did so far.
    pub fn seen(&self) -> Seen {
        self.note(|seen| seen.clone())
    }

    fn note<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn http(&self, mut http: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
        let doubles = self.clone();
        http.func_wrap_async("send", move |store, (request, body): (Request, Body)| Box::new(send(doubles.clone(), store, request, body)))?;
        let doubles = self.clone();
        http.func_wrap_async("send-all", move |store, (requests,): (Vec<Request>,)| Box::new(send_all(doubles.clone(), store, requests)))
    }
}

impl Extension for Doubles {
    fn interfaces(&self) -> &[&str] {
        &[HTTP, SIGNING, UPSTREAM]
    }

    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        self.http(linker.instance(HTTP)?)?;
        linker.instance(SIGNING)?.func_wrap("presign", |_, (request, seconds): (Request, u32)| -> Answer<String> {
            Ok((Ok(format!("{}?seconds={seconds}", request.url)),))
        })?;
        upstream(linker.instance(UPSTREAM)?)
    }
}

async fn send(doubles: Doubles, mut store: StoreContextMut<'_, State>, request: Request, body: Body) -> Answer<Response> {
    let body = match body {
        None => None,
        Some(handle) => store.data().content(&handle)?.try_clone(),
    };
    let sha256 = match body {
        None => None,
        Some(content) => match content.bytes(u64::MAX).await {
            Ok(bytes) => Some(Sha256::digest(&bytes).to_vec()),
            Err(_) => return Ok((Err(error(wit::ErrorKind::Unavailable)),)),
        },
    };
    let answer = if request.method == "GET" { format!("answer from {}", request.url) } else { String::new() };
    doubles.note(|seen| {
        seen.sent.push(Sent { line: format!("{} {}", request.method, request.url), headers: request.headers, sha256 });
    });
    let size = answer.len() as u64;
    let content = Content::live(futures::stream::once(async { Ok(answer.into()) }), Some(size));
    Ok((Ok(Response { status: 200, headers: Vec::new(), content: store.data_mut().give_content(content)? }),))
}

async fn send_all(
    doubles: Doubles,
    mut store: StoreContextMut<'_, State>,
    requests: Vec<Request>,
) -> wasmtime::Result<(Vec<Result<Response, wit::Error>>,)> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(send(doubles.clone(), store.as_context_mut(), request, None).await?.0);
    }
    Ok((answers,))
}

fn upstream(mut upstream: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Store = Resource<Handle>;
    upstream.resource("store", ResourceType::host::<Handle>(), |_, _| Ok(()))?;
    upstream.func_wrap("names", |_, (): ()| Ok((vec!["below".to_owned()],)))?;
    upstream.func_wrap("[static]store.named", |_, (name,): (String,)| -> Answer<Store> {
        Ok((if name == "below" { Ok(Resource::new_own(0)) } else { Err(error(wit::ErrorKind::NotFound)) },))
    })?;
    upstream.func_wrap("[method]store.stat", |_, (_, path): (Store, String)| -> Answer<wit::ObjectInfo> { Ok((Ok(info(path)),)) })?;
    upstream.func_wrap("[method]store.open", |mut store, (_, path, range): (Store, String, wit::ByteRange)| -> Answer<Opened> {
        let range = match range {
            wit::ByteRange::Whole => ByteRange::Whole,
            wit::ByteRange::StartingAt(offset) => ByteRange::StartingAt(offset),
            wit::ByteRange::Bounded(wit::Span { offset, length }) => ByteRange::Bounded { offset, length },
            wit::ByteRange::Last(length) => ByteRange::Last(length),
        };
        let (offset, length) = range.within(path.len() as u64);
        let bytes = path.as_bytes()[offset as usize..(offset + length) as usize].to_vec();
        let content = store.data_mut().give_content(Content::from_bytes(bytes))?;
        Ok((Ok(Opened { info: info(path), content }),))
    })?;
    upstream.func_wrap(
        "[method]store.put",
        |_, (_, _path, _content, _condition): (Store, String, Resource<Content>, wit::Condition)| -> Answer<wit::ObjectInfo> {
            Ok((Err(error(wit::ErrorKind::PermissionDenied)),))
        },
    )?;
    upstream.func_wrap("[method]store.list", |_, (_, _prefix, _options): (Store, String, wit::ListOptions)| -> Answer<wit::Page> {
        Ok((Err(error(wit::ErrorKind::Unsupported)),))
    })?;
    upstream.func_wrap("[method]store.remove", |_, (_, paths): (Store, Vec<String>)| {
        Ok((paths.iter().map(|_| Err(error(wit::ErrorKind::PermissionDenied))).collect::<Vec<Result<(), _>>>(),))
    })
}

/// The object at `path` of the store below: its bytes are its path.
fn info(path: String) -> wit::ObjectInfo {
    wit::ObjectInfo {
        size: path.len() as u64,
        path,
        kind: wit::EntryKind::Object,
        modified: Some(1),
        etag: Some("below".to_owned()),
        attributes: vec![("from".to_owned(), "below".to_owned())],
    }
}

fn error(kind: wit::ErrorKind) -> wit::Error {
    wit::Error { kind, code: Some("double".to_owned()), message: "a double refuses".to_owned(), retry_after_ms: None }
}
