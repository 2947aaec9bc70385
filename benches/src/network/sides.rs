//! The two clients: the driver `s3` in its sandbox, and the crate `object_store`.

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::{ByteRange, Condition, Content, Driver, Engine, EngineOptions, Mount, MountOptions, StorePath, StreamingStore};
use cofferdam_tests::drivers;
use cofferdam_tests::s3::{ACCESS_KEY, BUCKET, S3Server, SECRET_KEY};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};

/// A client of the server. Each writes to names of its own.
#[async_trait(?Send)]
pub(crate) trait Side {
    /// Stores object `n`.
    async fn put(&self, n: usize, bytes: Bytes) -> Result<()>;

    /// Reads object `n`; answers how many bytes it has.
    async fn get(&self, n: usize) -> Result<usize>;
}

/// The driver in its sandbox.
pub(crate) struct Sandboxed {
    mount: Mount,
}

impl Sandboxed {
    pub(crate) async fn open(server: &S3Server) -> Result<Self> {
        let engine = Engine::new(EngineOptions::default())?;
        let driver = Driver::load_file(&engine, &drivers::path("s3"), None).context("build the drivers first: cargo xtask build")?;
        let mount = Mount::open(&driver, &server.grant("checksum = \"none\""), MountOptions::default()).await?;
        Ok(Self { mount })
    }

    fn path(n: usize) -> Result<StorePath> {
        Ok(StorePath::new(format!("/sandboxed/{n}"))?)
    }
}

#[async_trait(?Send)]
impl Side for Sandboxed {
    async fn put(&self, n: usize, bytes: Bytes) -> Result<()> {
        StreamingStore::put(&self.mount, &Self::path(n)?, Content::from_bytes(bytes), Condition::Unconditional).await?;
        Ok(())
    }

    async fn get(&self, n: usize) -> Result<usize> {
        let opened = self.mount.open(&Self::path(n)?, ByteRange::Whole).await?;
        Ok(opened.content.into_stream().try_fold(0, async |size, bytes| Ok(size + bytes.len())).await?)
    }
}

/// The crate, as a native program has it.
pub(crate) struct Native {
    store: AmazonS3,
}

impl Native {
    pub(crate) fn open(server: &S3Server) -> Result<Self> {
        let builder = AmazonS3Builder::new().with_endpoint(server.endpoint()).with_bucket_name(BUCKET).with_region("us-east-1").with_allow_http(true);
        Ok(Self { store: builder.with_access_key_id(ACCESS_KEY).with_secret_access_key(SECRET_KEY).build()? })
    }

    fn path(n: usize) -> object_store::path::Path {
        format!("native/{n}").into()
    }
}

#[async_trait(?Send)]
impl Side for Native {
    async fn put(&self, n: usize, bytes: Bytes) -> Result<()> {
        self.store.put(&Self::path(n), bytes.into()).await?;
        Ok(())
    }

    async fn get(&self, n: usize) -> Result<usize> {
        let stream = self.store.get(&Self::path(n)).await?.into_stream();
        Ok(stream.try_fold(0, async |size, bytes| Ok(size + bytes.len())).await?)
    }
}
