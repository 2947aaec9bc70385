//! A registry over the memory driver, served by a thread of this process.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use cofferdam::{Grant, Mount, MountOptions, StorePath};
use cofferdam_registry::{Api, ApiOptions, Layout, Listener, Registry, Rules, Server, ServerOptions, Stopped, Store, StoreOptions, TlsFiles};
use cofferdam_tests::client::{Client, Repository};
use cofferdam_tests::drivers;
use tokio::sync::oneshot;

/// What of a desk is not as usual.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) rules: Rules,
    pub(crate) api: ApiOptions,
    pub(crate) server: ServerOptions,
    pub(crate) tls: Option<TlsFiles>,
}

/// A running server. Dropped, it is stopped and waited for.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    /// The store of blobs, for its counts.
    pub(crate) blobs: Mount,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Stopped>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(Setup::default(), |api| api)
    }

    /// As `setup` says, with whatever `dress` adds to the surface.
    pub(crate) fn with(setup: Setup, dress: impl FnOnce(Api) -> Api + Send + 'static) -> Self {
        let (stop, stopping) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let (api, blobs) = surface(setup.rules, setup.api).await;
                let listener = Listener { address: ([127, 0, 0, 1], 0).into(), tls: setup.tls };
                let server = Server::bind(&[listener], Arc::new(dress(api)), setup.server).unwrap();
                ready.send((server.addresses()[0].socket, blobs)).unwrap();
                let stopping = async {
                    // Dropping the sender is the sign.
                    let _ = stopping.await;
                };
                server.run(stopping).await.unwrap()
            })
        });
        let (address, blobs) = started.recv().unwrap();
        Self { address, blobs, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address.to_string())
    }

    pub(crate) fn repository(&self) -> Repository {
        self.client().repository("library/thing")
    }

    /// Tells the server to stop.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops the server; answers how it ended.
    pub(crate) fn stop(mut self) -> Stopped {
        self.begin_stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn surface(rules: Rules, options: ApiOptions) -> (Api, Mount) {
    let driver = drivers::load("memory");
    let open = async || Mount::open(&driver, &Grant::default(), MountOptions::default()).await.unwrap();
    let (blobs, atomic) = (open().await, open().await);
    let options_of_store = StoreOptions::new(Layout::Indexed, StorePath::new("/uploads").unwrap());
    let store = Store::open(Arc::new(blobs.clone()), Arc::new(atomic), options_of_store).await.unwrap();
    (Api::new(Registry::new(store, rules), options), blobs)
}
