//! Runs the skeleton of every toolchain (`tests/skeletons/README.md`) under the host: each shape of the contract, in each language.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cofferdam::{
    AtomicKey, AtomicStore, ByteRange, Condition, Content, Driver, Engine, EntryKind, ErrorKind, Grant, Interface, ListOptions, LoadError, Mount,
    MountOptions, Prefix, StorePath, StreamingStore,
};
use cofferdam_tests::doubles::Doubles;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MIB: usize = 1 << 20;

/// The server behind the connection `backend`: answers `pong` to `ping`.
struct Backend {
    port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut heard = [0; 4];
                    while stream.read_exact(&mut heard).await.is_ok() && &heard == b"ping" {
                        stream.write_all(b"pong").await.unwrap();
                    }
                });
            }
        });
        Self { port, accepted }
    }

    /// The table that grants it.
    fn grant(&self) -> String {
        format!("[[connection]]\nname = \"backend\"\naddress = \"127.0.0.1:{}\"\naddresses = [\"127.0.0.1\"]\n", self.port)
    }
}

/// A skeleton, mounted.
struct Skeleton {
    mount: Mount,
    doubles: Doubles,
    backend: Backend,
    data: TempDir,
    toolchain: &'static str,
}

fn path(text: &str) -> StorePath {
    StorePath::new(text).unwrap()
}

/// The skeleton's component, or `None` if it was not built and nobody requires it.
fn component(toolchain: &str) -> Option<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/drivers/skeleton-{toolchain}.wasm"));
    let built = fs::read(&file).ok();
    if built.is_none() {
        let required = std::env::var_os("COFFERDAM_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required, "skeleton-{toolchain} was not built: `cargo xtask skeletons` says why");
        println!("skipped: skeleton-{toolchain} (not built: `cargo xtask skeletons` says why)");
    }
    built
}

impl Skeleton {
    /// Mounts it, after seeing that it refuses empty settings with a typed error.
    async fn mount(toolchain: &'static str) -> Option<Self> {
        let bytes = component(toolchain)?;
        let doubles = Doubles::default();
        let driver = Driver::load_extended(&Engine::shared().unwrap(), &bytes, None, &[&doubles]).unwrap();
        let data = tempfile::tempdir().unwrap();
        let backend = Backend::start().await;
        let tables = format!("[[directory]]\nname = \"/data\"\nhost = {:?}\naccess = \"read-write\"\n{}", data.path(), backend.grant());
        let grant = |settings: &str| Grant::parse(&format!("{tables}{settings}"), Path::new("grant.toml")).unwrap();

        match Mount::open(&driver, &grant(""), MountOptions::default()).await {
            Err(LoadError::Start(error)) => {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
                assert_eq!(error.message(), "`greeting` is missing");
            }
            Err(other) => panic!("another error than the driver's: {other}"),
            Ok(_) => panic!("empty settings were taken"),
        }
        let mount = Mount::open(&driver, &grant("[settings]\ngreeting = \"hello\"\n"), MountOptions::default()).await.unwrap();
        Some(Self { mount, doubles, backend, data, toolchain })
    }

    fn values(&self) -> &dyn AtomicStore {
        &self.mount
    }

    fn objects(&self) -> &dyn StreamingStore {
        &self.mount
    }

    async fn read(&self, object: &str) -> Bytes {
        let opened = self.objects().open(&path(object), ByteRange::Whole).await.unwrap();
        let bytes = opened.content.bytes(64 << 20).await.unwrap();
        assert_eq!(opened.info.size, bytes.len() as u64, "{object}");
        bytes
    }

    fn describes_itself(&self) {
        assert_eq!(self.mount.description().name, format!("skeleton-{}", self.toolchain));
        assert!(self.mount.claims().late_destination);
        for interface in [Interface::AtomicStore, Interface::Uploads, Interface::UploadListing, Interface::Generator] {
            assert!(self.mount.has(interface), "{interface:?}");
        }
    }

    async fn answers_values(&self) {
        let value = self.values().get(&AtomicKey::new("some/key").unwrap()).await.unwrap();
        assert_eq!(value.data, "some/key");
        assert_eq!(self.values().count("").await.unwrap_err().kind(), ErrorKind::Unsupported);
    }

    async fn opens_content_of_every_kind(&self) {
        assert_eq!(self.read("/inline").await, "hello");
        assert_eq!(self.read("/buffer").await, "made in pieces");
        assert_eq!(self.read("/zero/3000000").await, vec![7; 3_000_000]);
        assert_eq!(self.read("/http/example.test").await, "answer from http://example.test/");
        assert_eq!(self.read("/up/object").await, "/up/object");
        let handed_on = self.objects().open(&path("/up/object"), ByteRange::Last(6)).await.unwrap();
        assert_eq!(handed_on.info.attributes, [("from".to_owned(), "below".to_owned())]);
        assert_eq!(handed_on.content.bytes(100).await.unwrap(), "object");

        fs::write(self.data.path().join("file"), "of the host").unwrap();
        assert_eq!(self.read("/file").await, "of the host");
        let range = ByteRange::Bounded { offset: 3, length: 3 };
        let opened = self.objects().open(&path("/file"), range).await.unwrap();
        assert_eq!((opened.info.size, opened.content.bytes(100).await.unwrap()), (11, Bytes::from("the")));
        assert_eq!(self.objects().open(&path("/none"), range).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    async fn moves_16_mib(&self) {
        let bytes: Bytes = (0..16 * MIB).map(|index| (index % 251) as u8).collect::<Vec<_>>().into();
        let sha256 = Sha256::digest(&bytes);
        for object in ["/drain", "/send", "/written"] {
            let info = self.objects().put(&path(object), Content::from_bytes(bytes.clone()), Condition::Unconditional).await.unwrap();
            assert_eq!(info.size, bytes.len() as u64, "{object}");
            if object == "/written" {
                let hex = base16ct::lower::encode_string(&sha256);
                assert_eq!(info.attributes, [("sha256".to_owned(), hex)]);
            }
        }
        assert!(fs::read(self.data.path().join("written")).unwrap() == bytes, "the file differs");
        let sent = self.doubles.seen().sent;
        let put = sent.iter().find(|sent| sent.line == "PUT http://origin/").unwrap();
        assert_eq!(put.sha256.as_deref(), Some(&sha256[..]));
        assert_eq!(put.headers, [("x-skeleton".to_owned(), self.toolchain.to_owned())]);
    }

    async fn lists_and_removes(&self) {
        fs::create_dir(self.data.path().join("folder")).unwrap();
        let options = || ListOptions { start_after: Some("/file".to_owned()), ..ListOptions::default() };
        let page = self.objects().list(&Prefix::root(), options()).await.unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| (entry.path.as_str(), entry.kind)).collect();
        assert_eq!(found, [("/folder", EntryKind::Prefix), ("/written", EntryKind::Object)]);

        let removed = self.objects().remove(&[path("/file"), path("/none")]).await.unwrap();
        assert!(removed[0].is_ok());
        assert_eq!(removed[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!self.data.path().join("file").exists());
    }

    async fn asks_its_backend(&self) {
        for _ in 0..3 {
            self.mount.health().await.unwrap();
        }
        assert_eq!(self.backend.accepted.load(Ordering::SeqCst), 1, "what was given back is used again");
    }

    async fn refuses_what_it_does_not_do(&self) {
        let created = self.objects().create_upload(&path("/a")).await;
        assert_eq!(created.unwrap_err().kind(), ErrorKind::Unsupported);
        let renamed = self.objects().rename(&path("/a"), &path("/b"), Condition::Unconditional).await;
        assert_eq!(renamed.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(self.mount.stats().traps, 0);
    }
}

async fn run(toolchain: &'static str) {
    let Some(skeleton) = Skeleton::mount(toolchain).await else { return };
    skeleton.describes_itself();
    skeleton.answers_values().await;
    skeleton.opens_content_of_every_kind().await;
    skeleton.moves_16_mib().await;
    skeleton.lists_and_removes().await;
    skeleton.asks_its_backend().await;
    skeleton.refuses_what_it_does_not_do().await;
}

#[tokio::test]
async fn rust_can_say_the_whole_contract() {
    run("rust").await;
}

#[tokio::test]
async fn c_can_say_the_whole_contract() {
    run("c").await;
}

#[tokio::test]
async fn python_can_say_the_whole_contract() {
    run("python").await;
}

#[tokio::test]
async fn quickjs_can_say_the_whole_contract() {
    run("quickjs").await;
}

#[tokio::test]
async fn starlingmonkey_can_say_the_whole_contract() {
    run("starlingmonkey").await;
}

/// Opens `driver` on a directory with the file `own`, which is granted with `more` lines.
async fn mount_with(driver: &Driver, top: &str, more: &str) -> (Result<Mount, LoadError>, TempDir) {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("own"), "by its own means").unwrap();
    let backend = "[[connection]]\nname = \"backend\"\naddress = \"backend.invalid:1\"";
    let directory = format!("[[directory]]\nname = \"/data\"\nhost = {:?}\naccess = \"read-only\"\n{more}\n{backend}\n", data.path());
    let text = format!("{top}\n[settings]\ngreeting = \"hello\"\n{directory}");
    let grant = Grant::parse(&text, Path::new("grant.toml")).unwrap();
    (Mount::open(driver, &grant, MountOptions::default()).await, data)
}

#[tokio::test]
async fn a_languages_own_files_are_there_only_as_a_wasi_grant() {
    let Some(bytes) = component("python") else { return };
    let driver = Driver::load_extended(&Engine::shared().unwrap(), &bytes, None, &[&Doubles::default()]).unwrap();
    for (more, expected) in [("", Err(ErrorKind::PermissionDenied)), ("wasi = true", Ok(Bytes::from("by its own means")))] {
        let (mount, _data) = mount_with(&driver, "", more).await;
        let read = match mount.unwrap().open(&path("/own/own"), ByteRange::Whole).await {
            Ok(opened) => Ok(opened.content.bytes(100).await.unwrap()),
            Err(error) => Err(error.kind()),
        };
        assert_eq!(read, expected, "{more}");
    }
    let (mount, _data) = mount_with(&driver, "strict = true", "").await;
    let refusal = mount.unwrap_err();
    assert!(matches!(&refusal, LoadError::Strict { imports } if imports.iter().any(|import| import.starts_with("wasi:filesystem/"))), "{refusal}");
}
