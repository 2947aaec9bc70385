//! Markers: a small blob for each unfinished upload. Azure itself knows blocks of a blob, and nothing of whose they are.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::uploads::Token;
use cofferdam_guest::web::{dates, malformed};

use crate::AzureBlobDriver;
use crate::container::{get, head, put};
use crate::errors::{document, succeed};

/// Where markers are, below the root: no path has this key.
const MARKERS: &str = "+cofferdam/uploads/";

/// Where a marker says to which path its upload goes: a name of Azure's metadata, which is a header and in lists.
const PATH: &str = "path";

/// How many markers are asked for at most.
const PAGE_MAX: u32 = 1000;

impl AzureBlobDriver {
    fn marker(&self, upload: &str) -> String {
        self.container.root().key(format!("{MARKERS}{upload}"))
    }

    /// Makes the marker of an upload.
    pub(crate) fn mark(&self, token: &Token) -> Result<()> {
        let request = put(self.container.blob(&self.marker(&token.upload), &[])).header("x-ms-blob-type", "BlockBlob");
        let request = request.header(&format!("x-ms-meta-{PATH}"), token.path.as_str());
        // Its bytes are for people who look into the container.
        succeed(request.send_with(&Content::from_bytes(token.path.as_str().as_bytes()))?, token.path.as_str()).map(drop)
    }

    /// Checks that an upload has not come to its end.
    ///
    /// # Errors
    /// `upload-expired` if it has.
    pub(crate) fn check_marked(&self, token: &Token) -> Result<()> {
        let answer = succeed(head(self.container.blob(&self.marker(&token.upload), &[])).send()?, "an upload").found()?;
        answer.map(drop).ok_or_else(Error::upload_expired)
    }

    /// Removes the marker of an upload, if it is there.
    pub(crate) fn unmark(&self, token: &Token) -> Result<()> {
        self.remove_blob(&self.marker(&token.upload), "an upload")
    }
}

impl UploadListing for AzureBlobDriver {
    fn find(&mut self, cursor: Option<&str>, limit: u32) -> Result<(Vec<Found>, Option<String>)> {
        let unknown = || Error::invalid_argument("the cursor is of no page of uploads");
        let last = cursor.map(|cursor| Token::parse(cursor).ok_or_else(unknown)).transpose()?;
        let (markers, limit) = (self.marker(""), limit.min(PAGE_MAX).to_string());
        // Every name has the same length, so this comes right after the last.
        let start = last.map(|last| format!("{}-", self.marker(&last.upload)));
        let mut marker = None::<String>;
        loop {
            let mut query = vec![("maxresults", limit.as_str()), ("include", "metadata"), ("prefix", &markers)];
            query.extend(start.as_deref().map(|start| ("startFrom", start)));
            query.extend(marker.as_deref().map(|marker| ("marker", marker)));
            let answer = document(get(self.container.list(&query)).send()?, "a list of uploads")?;
            let blobs = answer.first("Blobs").into_iter().flat_map(|blobs| blobs.all("Blob"));
            let found: Vec<_> = blobs
                .filter_map(|blob| {
                    let upload = blob.text("Name").strip_prefix(&markers)?.to_owned();
                    let path = StorePath::new(blob.first("Metadata")?.text(PATH)).ok()?;
                    let created = dates::http(blob.first("Properties")?.text("Last-Modified"));
                    Some(Found { token: Token { path, upload }.text(), created })
                })
                .collect();
            let next = Some(answer.text("NextMarker").to_owned()).filter(|next| !next.is_empty());
            if next.is_none() || !found.is_empty() {
                let cursor = found.last().filter(|_| next.is_some()).map(|last| last.token.clone());
                return Ok((found, cursor));
            }
            // A page of others' blobs only. To ask the same again would never end.
            if next == marker {
                return Err(malformed());
            }
            marker = next;
        }
    }

    fn written(&mut self, token: &str) -> Result<Vec<FoundPart>> {
        let token = Token::of_caller(token)?;
        self.check_marked(&token)?;
        self.staged(&token.path, &token.upload)
    }
}
