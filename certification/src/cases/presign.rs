//! URLs at which a plain client reads an object itself: what it gets there, and for how long.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cofferdam::{ErrorKind, Mount, PresignedAccess, PresignedUrl, StorePath, StreamingStore};
use reqwest::{Certificate, Client, Method, StatusCode, redirect};

use crate::case::{PRESIGNING, STREAMING, WRITABLE, cases};
use crate::context::Context;
use crate::data::Data;
use crate::steps::{at, holds, write};
use crate::verdict::{Stop, Verdict, ensure, skip};

cases! {
    "presign.read", "at the URL of an object a plain client gets exactly its bytes by `GET`, and at that of nothing no success",
        [STREAMING, WRITABLE, PRESIGNING] => read;
    "presign.stat", "at the URL of an object a plain client gets success and its size by `HEAD`, and at that of nothing no success",
        [STREAMING, WRITABLE, PRESIGNING] => stat;
    "presign.only", "at the URL of an object a plain client that puts or deletes gets no success, and the object is as it was",
        [STREAMING, WRITABLE, PRESIGNING] => only;
    "presign.expires", "a URL works at once and as often as it is used, and from a few seconds after its time on no more",
        [STREAMING, WRITABLE, PRESIGNING] => expires;
}

/// Corners of the character set, several levels, and two that differ in case only.
const PATHS: &[&str] = &[
    "/presign/a",
    "/presign/A",
    "/presign/ab",
    "/presign/docker/registry/v2/blobs/sha256/0f/0f-1e/data",
    "/presign/.hidden/..._-",
    "/presign/x._-y/123.z.75/4",
];

/// As long as a registry's redirect is good for.
const LONG: Duration = Duration::from_secs(3600);

/// The life of the URL that is seen to end: the case must wait for that, and a busy machine must use the URL before.
const SHORT: Duration = Duration::from_secs(6);

/// How far the end may be from the time that was asked for: schemes count whole seconds, and the backend's clock is another one.
const TOLERANCE: Duration = Duration::from_secs(4);

/// How often the URL that is to end is tried.
const POLL: Duration = Duration::from_millis(500);

/// More than any object here has: a server's error page may be long.
const MOST: usize = 1 << 20;

/// A client as anybody has: no credentials, no redirects, and besides the usual roots those that the grant trusts.
struct Plain(Client);

/// What it got.
struct Got {
    status: StatusCode,
    /// As the answer says it.
    length: Option<u64>,
    /// At most [`MOST`] and what came with it.
    body: Vec<u8>,
}

impl Plain {
    fn new(context: &Context) -> Verdict<Self> {
        let unusable = |error: reqwest::Error| Stop::Failed(format!("the certifier's own client cannot be made: {error}"));
        let mut roots = Vec::new();
        for file in context.grant().http.iter().filter_map(|rule| rule.ca.as_ref()) {
            roots.extend(Certificate::from_pem_bundle(&std::fs::read(file)?).map_err(unusable)?);
        }
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(Duration::from_secs(30)).tls_certs_merge(roots);
        client.build().map(Self).map_err(unusable)
    }

    async fn ask(&self, method: Method, url: &PresignedUrl) -> Verdict<Got> {
        self.send(method, url, "").await
    }

    async fn send(&self, method: Method, url: &PresignedUrl, body: &'static str) -> Verdict<Got> {
        // Whoever reads the report must not get a URL that works.
        let broke = |error: reqwest::Error| Stop::Failed(format!("{method} of {url:?} by a plain client failed: {}", error.without_url()));
        let mut response = self.0.request(method.clone(), url.as_str()).body(body).send().await.map_err(broke)?;
        let length = response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        let mut got = Got { status: response.status(), length, body: Vec::new() };
        while got.body.len() <= MOST
            && let Some(chunk) = response.chunk().await.map_err(broke)?
        {
            got.body.extend_from_slice(&chunk);
        }
        Ok(got)
    }

    /// Whether `url` gives exactly the bytes of `data`.
    async fn reads(&self, url: &PresignedUrl, data: &Data, what: &str) -> Verdict {
        let got = self.ask(Method::GET, url).await?;
        ensure!(got.status == StatusCode::OK, "{what}: GET of {url:?} answers {}", got.status);
        ensure!(got.body.len() as u64 == data.size(), "{what}: GET of {url:?} gives {} bytes where {} were stored", got.body.len(), data.size());
        ensure!(got.body == data.bytes(), "{what}: GET of {url:?} gives other bytes than were stored");
        Ok(())
    }
}

/// A URL; with settings under which there are none, the case has nothing to ask.
async fn presigned(mount: &Mount, path: &StorePath, access: PresignedAccess, valid_for: Duration) -> Verdict<PresignedUrl> {
    match mount.presign(path, access, valid_for).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => skip(format!("there are no presigned URLs with these settings: {error}")),
        answered => Ok(answered?),
    }
}

/// Stores an object of its own size at each of [`PATHS`].
async fn stored(context: &Context, mount: &Mount) -> Verdict<Vec<(StorePath, Data)>> {
    let mut stored = Vec::new();
    for (index, path) in PATHS.iter().enumerate() {
        // The first is empty, which some servers answer in another way.
        let (path, data) = (at(path)?, context.data(context.fitting_put(100_000 * index as u64)));
        write(mount, &path, &data).await?;
        stored.push((path, data));
    }
    Ok(stored)
}

async fn read(context: &Context) -> Verdict {
    let (mount, client) = (context.mount().await?, Plain::new(context)?);
    let objects = stored(context, &mount).await?;
    let mut urls = Vec::new();
    for (path, _) in &objects {
        urls.push(presigned(&mount, path, PresignedAccess::Read, LONG).await?);
    }
    // Only now, so that a URL that is good for what was stored or asked for last shows.
    for ((path, data), url) in objects.iter().zip(&urls) {
        client.reads(url, data, &format!("the URL of {path}")).await?;
    }
    let nothing = presigned(&mount, &at("/presign/nothing")?, PresignedAccess::Read, LONG).await?;
    let got = client.ask(Method::GET, &nothing).await?;
    ensure!(!got.status.is_success(), "GET at the URL of a path where nothing is stored answers {}", got.status);
    Ok(())
}

async fn stat(context: &Context) -> Verdict {
    let (mount, client) = (context.mount().await?, Plain::new(context)?);
    for (path, data) in stored(context, &mount).await? {
        let url = presigned(&mount, &path, PresignedAccess::Stat, LONG).await?;
        let got = client.ask(Method::HEAD, &url).await?;
        ensure!(got.status == StatusCode::OK, "HEAD of {url:?} answers {}", got.status);
        ensure!(got.length == Some(data.size()), "HEAD of {url:?} tells the size {:?} of an object of {} bytes", got.length, data.size());
    }
    let nothing = presigned(&mount, &at("/presign/nothing")?, PresignedAccess::Stat, LONG).await?;
    let got = client.ask(Method::HEAD, &nothing).await?;
    ensure!(!got.status.is_success(), "HEAD at the URL of a path where nothing is stored answers {}", got.status);
    Ok(())
}

async fn only(context: &Context) -> Verdict {
    let (mount, client) = (context.mount().await?, Plain::new(context)?);
    let (path, data) = (at("/presign/only")?, context.data(context.fitting_put(1000)));
    write(&mount, &path, &data).await?;
    for access in [PresignedAccess::Read, PresignedAccess::Stat] {
        let url = presigned(&mount, &path, access, LONG).await?;
        for (method, body) in [(Method::PUT, "written by a reader"), (Method::DELETE, "")] {
            let got = client.send(method.clone(), &url, body).await?;
            ensure!(!got.status.is_success(), "{method} at a URL for {access:?} answers {}", got.status);
            holds(&mount, &path, &data, &format!("after {method} at a URL for {access:?}")).await?;
        }
    }
    Ok(())
}

async fn expires(context: &Context) -> Verdict {
    let (mount, client) = (context.mount().await?, Plain::new(context)?);
    let (path, data) = (at("/presign/expires")?, context.data(context.fitting_put(1000)));
    write(&mount, &path, &data).await?;
    let long = presigned(&mount, &path, PresignedAccess::Read, LONG).await?;
    let made = Instant::now();
    let short = presigned(&mount, &path, PresignedAccess::Read, SHORT).await?;
    client.reads(&short, &data, &format!("at once, with a URL that is good for {SHORT:?}")).await?;
    let ended = ends(&client, &short, &data.bytes(), made).await?;
    ensure!(ended + TOLERANCE >= SHORT, "a URL that is good for {SHORT:?} works no more after {ended:?}");
    client.reads(&long, &data, "with a URL that is good for an hour, while a shorter one has ended,").await
}

/// How long after `made` the URL was first refused: the backend's clock decides, which no case can turn, so it is tried until then.
async fn ends(client: &Plain, url: &PresignedUrl, bytes: &Bytes, made: Instant) -> Verdict<Duration> {
    loop {
        tokio::time::sleep(POLL).await;
        let asked = made.elapsed();
        let got = client.ask(Method::GET, url).await?;
        if !got.status.is_success() {
            let told = got.body.windows(bytes.len()).any(|window| window == bytes);
            ensure!(!told, "GET with a URL whose time is over answers {} with the bytes of the object", got.status);
            return Ok(asked);
        }
        ensure!(asked <= SHORT + TOLERANCE, "a URL that is good for {SHORT:?} still works after {asked:?}");
    }
}
