//! Everything that a driver commonly needs: `use cofferdam_guest::prelude::*`.

pub use crate::claims::Claims;
pub use crate::driver::{AtomicStore, ContentStore, Copying, Driver, Generator, Presigning, Renaming, StreamingStore, UploadListing, Uploads};
pub use crate::error::{Result, ResultExt};
pub use crate::host::connections::Connection;
pub use crate::host::data::{Buffer, Content};
pub use crate::host::files::{self, CommitMode, FileInfo, FileKind, WriteMode};
pub use crate::host::http::{self, Request, Response};
pub use crate::host::system;
pub use crate::host::walk::{ENTRIES_MAX, Walk};
pub use crate::list::PageBuilder;
pub use crate::path::{Key, Prefix, StorePath, is_component};
pub use crate::settings;
pub use crate::settings::{Secret, refused};
pub use crate::types::{
    Access, ByteRange, Condition, EntryKind, Error, ErrorKind, Found, FoundPart, Keys, ListOptions, ObjectInfo, Opened, Page, Part, Span, VALUE_MAX,
    Value, WrittenPart,
};
