//! The GCS driver: stores to a bucket of Google Cloud Storage, by its JSON API.
//!
//! The object `/a/b` has the name `a/b`, behind the `prefix` of the settings; its etag is its generation. No byte of an object enters the
//! driver: what is put goes from the host to the server, and what is opened is the server's answer, handed on as it arrives. No secret
//! does either: the grant's rule signs every request after it has left. `README.md` has the grant that it needs, and why uploads are
//! composed.
//!
//! | module | its one job |
//! |---|---|
//! | `objects` | reading, writing, removing objects |
//! | `lists` | lists in the contract's order |
//! | `copies` | copies by the server |
//! | `uploads` | objects composed of parts |
//! | `parts` | where parts are, which uploads there are, and cleaning up |
//! | `bucket`, `errors`, `resources` | the words of GCS |

mod bucket;
mod copies;
mod errors;
mod lists;
mod objects;
mod parts;
mod resources;
mod uploads;

use bucket::Bucket;
use cofferdam_guest::prelude::*;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(GcsDriver: StreamingStore, Uploads, UploadListing, Copying, Presigning);

// ---- Settings -----------------------------------------------------------------------------------------------------------

/// The largest object: 5 TiB.
const OBJECT_MAX: u64 = 5 << 40;

/// How many parts an upload may have: three rounds of composing.
const PARTS_MAX: u32 = 10_000;

settings! {
    /// The settings of the GCS driver. There is no secret among them: the grant signs.
    pub struct Settings {
        /// The name of the bucket.
        pub bucket: String,
        /// The server, if it is not Google's: http://127.0.0.1:9023.
        pub endpoint: String = "https://storage.googleapis.com",
        /// What the name of every object begins with: registry/blobs. Empty: the whole bucket is the driver's.
        pub prefix: String = "",
        /// The largest object that one request writes, in bytes.
        pub put_max: u64 = 5_497_558_138_880,
    }
}

/// The driver. It keeps nothing between calls that another instance would have to know.
pub struct GcsDriver {
    bucket: Bucket,
    put_max: u64,
    /// Whether this server was found to say of what it downloads neither its generation nor its time. Google's says both.
    says_little: bool,
}

impl Driver for GcsDriver {
    const NAME: &'static str = "gcs";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        if !(1..=OBJECT_MAX).contains(&settings.put_max) {
            return Err(refused("put-max", "is not from 1 to 5497558138880 bytes"));
        }
        Ok(Self { bucket: Bucket::new(&settings)?, put_max: settings.put_max, says_little: false })
    }

    fn claims(&self) -> Claims {
        Claims::new()
            .shared()
            .put_max(self.put_max)
            .put_if_absent()
            .put_if_match()
            .complete_if_absent()
            .late_destination()
            .parallel_parts()
            .out_of_order_parts()
            .part_max(OBJECT_MAX)
            .part_count_max(PARTS_MAX)
    }

    /// One round trip: a list of one object.
    fn health(&mut self) -> Result<()> {
        self.bucket.list(&[("maxResults", "1"), ("prefix", self.bucket.root().as_str())], "a list").map(drop)
    }
}
