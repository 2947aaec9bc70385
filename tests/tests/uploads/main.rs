//! Resumable uploads, over stores of every kind, against everything that can break off.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crashes;
mod ends;
mod owners;
mod sizes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cofferdam::layer::AtomicObjects;
use cofferdam::upload::{BlobDigest, Destination, DigestAlgorithm, UploadError, UploadId, UploadKey, UploadOptions, Uploads};
use cofferdam::{Access, AtomicStore, ByteRange, DirectoryGrant, Error, ErrorKind, Grant, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::faulty::{Faulty, Nature};
use futures::stream;

/// A kind of store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    name: &'static str,
    driver: &'static str,
    claims: &'static [(&'static str, &'static str)],
    nature: Nature,
    /// Its records are objects as well.
    records_are_objects: bool,
}

/// Where records are that are objects.
const RECORDS: &str = "/records";

const PLAIN: Nature = Nature { no_uploads: false, no_renaming: false };

pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "live parts to a late destination",
        driver: "filesystem",
        claims: &[("live-content", "true"), ("late-destination", "true"), ("parallel-parts", "true"), ("out-of-order-parts", "true")],
        nature: PLAIN,
        records_are_objects: false,
    },
    Kind { name: "held parts, renamed", driver: "memory", claims: &[], nature: PLAIN, records_are_objects: false },
    Kind {
        name: "parts of a least size, copied",
        driver: "memory",
        claims: &[("part-min", "100"), ("part-max", "300")],
        nature: Nature { no_uploads: false, no_renaming: true },
        records_are_objects: false,
    },
    Kind {
        name: "parts of one size, several at once",
        driver: "memory",
        claims: &[
            ("part-min", "64"),
            ("part-max", "64"),
            ("part-uniform", "true"),
            ("parallel-parts", "true"),
            ("out-of-order-parts", "true"),
            ("late-destination", "true"),
        ],
        nature: PLAIN,
        records_are_objects: false,
    },
    Kind {
        name: "few parts",
        driver: "memory",
        claims: &[("part-count-max", "4"), ("late-destination", "true")],
        nature: PLAIN,
        records_are_objects: false,
    },
    Kind {
        name: "no uploads at all",
        driver: "memory",
        claims: &[],
        nature: Nature { no_uploads: true, no_renaming: true },
        records_are_objects: false,
    },
    Kind {
        name: "records that are objects",
        driver: "memory",
        claims: &[("put-if-absent", "true"), ("put-if-match", "true"), ("late-destination", "true")],
        nature: PLAIN,
        records_are_objects: true,
    },
];

/// A store of one kind, and everything that lives as long.
pub(crate) struct Stage {
    pub(crate) kind: Kind,
    mount: Mount,
    key: UploadKey,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir_in(scratch()).unwrap();
        let directory = DirectoryGrant { name: "/data".to_owned(), host: folder.path().to_owned(), access: Access::ReadWrite, wasi: false };
        let directories = if kind.driver == "filesystem" { vec![directory] } else { Vec::new() };
        let grant = Grant { directories, ..Grant::default() };
        let mount = Mount::open(&drivers::load(kind.driver), &grant, MountOptions::default()).await.unwrap();
        Self { kind, mount, key: UploadKey::from_bytes(&[7; 32]).unwrap(), _folder: folder }
    }

    /// One more process over the store.
    pub(crate) fn process(&self) -> Process {
        self.process_with(Duration::from_millis(40), Duration::from_secs(10))
    }

    pub(crate) fn process_with(&self, lease: Duration, patience: Duration) -> Process {
        let store = Arc::new(Faulty::new(self.mount.clone(), self.kind.claims, self.kind.nature));
        let mut options = UploadOptions::new(StorePath::new("/uploads").unwrap());
        options.lease = lease;
        options.patience = patience;
        let records: Arc<dyn AtomicStore> = if self.kind.records_are_objects {
            Arc::new(AtomicObjects::new(store.clone(), StorePath::new(RECORDS).unwrap()).unwrap())
        } else {
            store.clone()
        };
        Process { uploads: Uploads::new(records, store.clone(), options).unwrap(), store }
    }

    pub(crate) fn id(&self) -> UploadId {
        self.key.issue("test", DigestAlgorithm::Sha256).unwrap()
    }

    /// What is stored at `path`, if anything is.
    pub(crate) async fn read(&self, path: &StorePath) -> Option<Bytes> {
        match self.mount.open(path, ByteRange::Whole).await {
            Ok(opened) => Some(opened.content.bytes(1 << 30).await.unwrap()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Every object of the store that is no record, by path.
    pub(crate) async fn objects(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let walked = cofferdam::fallback::walk(&self.mount, &cofferdam::Prefix::root());
        let paths: Vec<String> = walked.map_ok(|info| info.path.to_string()).try_collect().await.unwrap();
        paths.into_iter().filter(|path| !path.starts_with(RECORDS)).collect()
    }
}

/// Where fsync costs nothing: these tests kill processes, not machines.
fn scratch() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// One process that takes uploads.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) uploads: Uploads,
    pub(crate) store: Arc<Faulty>,
}

impl Process {
    pub(crate) async fn append(&self, id: &UploadId, offset: u64, bytes: &[u8]) -> Result<u64, UploadError> {
        self.uploads.append(id, Some(offset), Some(bytes.len() as u64), frames(bytes)).await
    }

    pub(crate) async fn finish(&self, id: &UploadId, whole: &[u8]) -> Result<(), UploadError> {
        self.finish_with(id, b"", whole).await
    }

    pub(crate) async fn finish_with(&self, id: &UploadId, last: &[u8], whole: &[u8]) -> Result<(), UploadError> {
        let digest = BlobDigest::of(DigestAlgorithm::Sha256, whole);
        let at = Destination::At(destination());
        let committed = self.uploads.finish(id, None, Some(last.len() as u64), frames(last), &digest, at).await?;
        assert_eq!((committed.path, committed.size), (destination(), whole.len() as u64));
        Ok(())
    }
}

pub(crate) fn destination() -> StorePath {
    StorePath::new("/blobs/one").unwrap()
}

/// The bytes as a client sends them: in frames of odd sizes.
pub(crate) fn frames(bytes: &[u8]) -> impl futures::Stream<Item = Result<Bytes, Error>> + Send + 'static + use<> {
    stream::iter(bytes.chunks(37).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect::<Vec<_>>())
}

/// `length` bytes that differ wherever they are.
pub(crate) fn content(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(u32::to_le_bytes).take(length).collect()
}
