//! `s3s-fs`, an S3 server that keeps its objects in a directory, served by this process at a port of its own.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// The server, on threads of its own, so that what a test or a bench does on its thread is not in its way. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct S3sFs {
    /// `host:port`.
    address: String,
    /// Taken when the server stops.
    runtime: Option<Runtime>,
}

impl S3sFs {
    /// Serves what is in `root`, where each directory is a bucket, to who signs with these keys.
    ///
    /// # Panics
    /// It cannot listen on loopback, or `root` is not there.
    pub(crate) fn start(root: &Path, access_key: &str, secret_key: &str) -> Self {
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
        builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("s3s-fs").build().unwrap();
        // Here and not on the runtime's threads: who starts it may be on a runtime of their own, which must not wait for another.
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(serve(listener, builder.build()));
        Self { address, runtime: Some(runtime) }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for S3sFs {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait, which it must not where a test of tokio drops it.
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: std::net::TcpListener, service: S3Service) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        // Its own binary leaves Nagle's algorithm on: a small answer then waits 40 ms for an acknowledgement, and no client's speed can be seen.
        stream.set_nodelay(true).unwrap();
        let service = service.clone();
        tokio::spawn(async move { auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok() });
    }
}
