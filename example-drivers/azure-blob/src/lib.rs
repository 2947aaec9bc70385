//! The Azure driver: stores to a container of Azure Blob Storage, as block blobs.
//!
//! The object `/a/b` is the blob `a/b`, behind the `prefix` of the settings. No byte of an object enters the driver: what is put goes
//! from the host to the server, and what is opened is the server's answer, handed on as it arrives. No secret does either: the grant's
//! rule signs every request after it has left. `README.md` has the grant that it needs.
//!
//! | module | its one job |
//! |---|---|
//! | `objects` | reading, writing, removing blobs |
//! | `lists` | lists in the contract's order |
//! | `uploads` | blobs made of staged blocks |
//! | `markers` | which uploads there are |
//! | `blocks` | the names of blocks, and lists of them |
//! | `copies` | copies by the server, in blocks above its limit |
//! | `errors`, `container`, `checksum` | the words of Azure |

mod blocks;
mod checksum;
mod container;
mod copies;
mod errors;
mod lists;
mod markers;
mod objects;
mod uploads;

use checksum::Checksum;
use cofferdam_guest::prelude::*;
use container::Container;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(AzureBlobDriver: StreamingStore, Uploads, UploadListing, Copying, Presigning);

// ---- Settings -----------------------------------------------------------------------------------------------------------

/// The most that Azure takes in one Put Blob: 5,000 MiB.
const BODY_MAX: u64 = 5000 << 20;

/// The largest block: 4,000 MiB.
const BLOCK_MAX: u64 = 4000 << 20;

/// The most that Azure copies in one request while the caller waits: 256 MiB.
const COPY_MAX: u64 = 256 << 20;

/// How many blocks a blob may have.
const BLOCKS_MAX: u32 = 50_000;

settings! {
    /// The settings of the Azure driver. There is no secret among them: the grant signs.
    pub struct Settings {
        /// The name of the storage account.
        pub account: String,
        /// The name of the container.
        pub container: String,
        /// The server, if it is not https://ACCOUNT.blob.core.windows.net: http://127.0.0.1:10000.
        pub endpoint: Option<String>,
        /// Whether the account's name comes first in the path of a URL instead of being in its host name, as emulators have it.
        pub path_style: bool = false,
        /// What the name of every blob begins with: registry/blobs. Empty: the whole container is the driver's.
        pub prefix: String = "",
        /// The access tier of what is written: Hot, Cool, Cold. Absent: the account's.
        pub access_tier: Option<String>,
        /// What the server compares a body with: crc64, md5 or none.
        pub checksum: String = "crc64",
        /// The largest object that one request writes, in bytes.
        pub put_max: u64 = 5_242_880_000,
        /// The largest object that one request copies, in bytes; a larger one is copied in blocks.
        pub copy_max: u64 = 268_435_456,
    }
}

/// The driver. It keeps nothing between calls, so that any instance can go on where another stopped.
pub struct AzureBlobDriver {
    container: Container,
    checksum: Checksum,
    access_tier: Option<String>,
    put_max: u64,
    copy_max: u64,
}

impl Driver for AzureBlobDriver {
    const NAME: &'static str = "azure-blob";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        if !(1..=BODY_MAX).contains(&settings.put_max) {
            return Err(refused("put-max", "is not from 1 to 5242880000 bytes"));
        }
        if !(1..=COPY_MAX).contains(&settings.copy_max) {
            return Err(refused("copy-max", "is not from 1 to 268435456 bytes"));
        }
        if settings.access_tier.as_ref().is_some_and(|tier| tier.is_empty() || !tier.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            return Err(refused("access-tier", "is no access tier, such as Cool"));
        }
        Ok(Self {
            container: Container::new(&settings)?,
            checksum: Checksum::of_setting(&settings.checksum)?,
            access_tier: settings.access_tier,
            put_max: settings.put_max,
            copy_max: settings.copy_max,
        })
    }

    fn claims(&self) -> Claims {
        Claims::new()
            .shared()
            .put_max(self.put_max)
            .put_if_absent()
            .put_if_match()
            .complete_if_absent()
            .parallel_parts()
            .out_of_order_parts()
            .part_max(BLOCK_MAX)
            .part_count_max(BLOCKS_MAX)
    }

    /// One round trip: a list of one blob.
    fn health(&mut self) -> Result<()> {
        let url = self.container.list(&[("maxresults", "1"), ("prefix", self.container.root().as_str())]);
        errors::document(container::get(url).send()?, "a list").map(drop)
    }
}
