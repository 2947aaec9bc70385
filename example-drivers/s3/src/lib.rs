//! The S3 driver: stores to a bucket, of Amazon's S3 or of a server that speaks as it does.
//!
//! The object `/a/b` has the key `a/b`, behind the `prefix` of the settings. No byte of an object enters the driver: what is put goes
//! from the host to the server, and what is opened is the server's answer, handed on as it arrives. No secret does either: the grant's
//! rule signs every request after it has left. `README.md` has the grant that it needs.
//!
//! | module | its one job |
//! |---|---|
//! | `objects` | reading, writing, removing objects |
//! | `lists` | lists in the contract's order |
//! | `copies` | copies by the server, in parts above its limit |
//! | `uploads` | objects made of parts |
//! | `errors`, `url`, `checksum` | the words of S3 |

mod checksum;
mod copies;
mod errors;
mod lists;
mod objects;
mod uploads;
mod url;

use checksum::Checksum;
use cofferdam_guest::prelude::*;
use url::Bucket;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(S3Driver: StreamingStore, Uploads, UploadListing, Copying, Presigning);

// ---- Settings -----------------------------------------------------------------------------------------------------------

/// The most that S3 takes in one body, and in one copy: 5 GiB.
const BODY_MAX: u64 = 5 << 30;

/// The smallest part of an upload that is not its last: 5 MiB.
const PART_MIN: u64 = 5 << 20;

/// How many parts an upload may have.
const PARTS_MAX: u32 = 10_000;

settings! {
    /// The settings of the S3 driver. There is no secret among them: the grant signs.
    pub struct Settings {
        /// The name of the bucket.
        pub bucket: String,
        /// The region of the bucket, which is in Amazon's host names.
        pub region: String = "us-east-1",
        /// The server, if it is not Amazon's: https://s3.example.org:9000.
        pub endpoint: Option<String>,
        /// What the key of every object begins with: registry/blobs. Empty: the whole bucket is the driver's.
        pub prefix: String = "",
        /// Whether the bucket's name goes into the path of a URL instead of its host name. Most servers other than Amazon's need it.
        pub path_style: bool = false,
        /// Whether the server keeps If-None-Match and If-Match of a write. Certify it before you rely on it; health warns.
        pub conditional_put: bool = false,
        /// The storage class of what is written: STANDARD_IA.
        pub storage_class: Option<String>,
        /// How the server encrypts what is written: AES256 or aws:kms. Absent: as the bucket says.
        pub server_side_encryption: Option<String>,
        /// The key of aws:kms. Absent: the bucket's.
        pub kms_key: Option<String>,
        /// What the server compares a body with: sha256, crc32c, crc64nvme, md5 or none.
        pub checksum: String = "sha256",
        /// The largest object that one request writes, in bytes.
        pub put_max: u64 = 5_368_709_120,
        /// The largest object that one request copies, in bytes; a larger one is copied in parts.
        pub copy_max: u64 = 5_368_709_120,
    }
}

/// The driver. It keeps nothing between calls, so that any instance can go on where another stopped.
pub struct S3Driver {
    bucket: Bucket,
    checksum: Checksum,
    /// What goes with everything that is written.
    written_with: Vec<(&'static str, String)>,
    conditional_put: bool,
    put_max: u64,
    copy_max: u64,
}

impl Driver for S3Driver {
    const NAME: &'static str = "s3";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        if !(1..=BODY_MAX).contains(&settings.put_max) {
            return Err(refused("put-max", "is not from 1 to 5368709120 bytes"));
        }
        if !(PART_MIN..=BODY_MAX).contains(&settings.copy_max) {
            return Err(refused("copy-max", "is not from 5242880 to 5368709120 bytes"));
        }
        Ok(Self {
            bucket: Bucket::new(&settings)?,
            checksum: Checksum::of_setting(&settings.checksum)?,
            written_with: written_with(&settings)?,
            conditional_put: settings.conditional_put,
            put_max: settings.put_max,
            copy_max: settings.copy_max,
        })
    }

    fn claims(&self) -> Claims {
        let claims = Claims::new()
            .shared()
            .put_max(self.put_max)
            .parallel_parts()
            .out_of_order_parts()
            .part_min(PART_MIN)
            .part_max(BODY_MAX)
            .part_count_max(PARTS_MAX);
        if self.conditional_put { claims.put_if_absent().put_if_match().complete_if_absent() } else { claims }
    }

    /// One round trip: a list of one key; or, where conditional writes are claimed, a write under a condition that cannot hold, which a
    /// server that keeps conditions refuses. One that does not is warned of.
    fn health(&mut self) -> Result<()> {
        if !self.conditional_put {
            let url = self.bucket.all(&[("list-type", "2"), ("max-keys", "1"), ("prefix", self.bucket.root().as_str())]);
            return errors::document(Request::get(url).send()?, "a list").map(drop);
        }
        // No path has this key.
        let probe = self.bucket.object(&self.bucket.root().key("+cofferdam/probe"), &[]);
        let never = Request::put(&probe).header("if-match", "\"no-object-has-this-etag\"");
        match errors::succeed(never.send_with(&Content::from_bytes(b""))?, "a conditional write") {
            Err(error) if matches!(error.kind, ErrorKind::PreconditionFailed | ErrorKind::NotFound) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                system::log(system::Level::Warn, "the server ignores If-Match, so that writers overwrite each other: say `conditional-put = false`");
                errors::succeed(Request::delete(probe).send()?, "a removal").map(drop)
            }
        }
    }
}

/// The headers that go with everything that is written.
fn written_with(settings: &Settings) -> Result<Vec<(&'static str, String)>> {
    let mut headers = Vec::new();
    if let Some(class) = &settings.storage_class {
        if class.is_empty() || !class.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte)) {
            return Err(refused("storage-class", "is no storage class, such as STANDARD_IA"));
        }
        headers.push(("x-amz-storage-class", class.clone()));
    }
    match settings.server_side_encryption.as_deref() {
        None if settings.kms_key.is_some() => return Err(refused("kms-key", "is for `server-side-encryption = \"aws:kms\"`")),
        None => {}
        Some(way @ ("AES256" | "aws:kms")) => headers.push(("x-amz-server-side-encryption", way.to_owned())),
        Some(_) => return Err(refused("server-side-encryption", "is neither AES256 nor aws:kms")),
    }
    if let Some(key) = &settings.kms_key {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("kms-key", "is no name of a key"));
        }
        headers.push(("x-amz-server-side-encryption-aws-kms-key-id", key.clone()));
    }
    Ok(headers)
}
