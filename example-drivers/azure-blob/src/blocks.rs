//! Blocks: a blob's staged pieces. Their names say which upload they are of and where they go, and lists of them make blobs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cofferdam_guest::prelude::*;
use cofferdam_guest::web::{malformed, unheld};

use crate::AzureBlobDriver;
use crate::container::{get, put};
use crate::errors::{document, succeed};

/// How many hexadecimal digits the name of an upload has.
const UPLOAD_DIGITS: usize = 16;

/// How many the name of a block has: the upload's, 8 of the number, 16 of the offset, 16 of the writer. All of a blob's must have one
/// length, of at most 64 bytes.
const DIGITS: usize = UPLOAD_DIGITS + 40;

/// What Azure calls a list with a block that was never staged, or is staged no more.
const UNKNOWN_BLOCK: &str = "InvalidBlockList";

/// A new name for an upload.
pub(crate) fn new_upload() -> String {
    system::random_hex(UPLOAD_DIGITS as u32 / 2)
}

/// The name of the block that is `part` of `upload`; it is the part's id too.
pub(crate) fn name(upload: &str, part: &Part) -> String {
    format!("{upload}{:08x}{:016x}{:016x}", part.number, part.offset, part.writer)
}

/// Which part the block `name` is, if it is one of `upload`.
pub(crate) fn part(upload: &str, name: &str) -> Option<Part> {
    let rest = name.strip_prefix(upload).filter(|_| name.len() == DIGITS && name.is_ascii())?;
    let number = |from: usize, to: usize| u64::from_str_radix(&rest[from..to], 16).ok();
    Some(Part { number: u32::try_from(number(0, 8)?).ok()?, offset: number(8, 24)?, writer: number(24, 40)? })
}

impl AzureBlobDriver {
    /// Where the block `name` of the blob at `path` goes.
    pub(crate) fn block_url(&self, path: &StorePath, name: &str) -> String {
        self.container.blob(&self.container.root().key(path), &[("comp", "block"), ("blockid", &STANDARD.encode(name))])
    }

    /// Makes the blob at `path`, of `size` bytes, of the blocks that were staged for `upload` under these names.
    ///
    /// # Errors
    /// `invalid-argument` if one of them was never staged; `upload-expired` if none is there any more.
    pub(crate) fn commit(&mut self, path: &StorePath, upload: &str, names: &[String], size: u64, condition: &Condition) -> Result<ObjectInfo> {
        // Only what is staged: blocks that make up the present blob are another object's.
        let listed: String = names.iter().map(|name| format!("<Uncommitted>{}</Uncommitted>", STANDARD.encode(name))).collect();
        let body = Content::from_bytes(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{listed}</BlockList>").as_bytes());
        let url = self.container.blob(&self.container.root().key(path), &[("comp", "blocklist")]);
        let request = self.writing(put(url).header("content-type", "application/xml"), condition);
        match succeed(self.checksum.of_body(request, &body)?.send_with(&body)?, path.as_str()) {
            Ok(response) => self.written(&response, path, size),
            Err(error) if error.code.as_deref() == Some(UNKNOWN_BLOCK) => Err(self.not_staged(path, upload, error, condition)),
            Err(error) => Err(unheld(error, condition, path)),
        }
    }

    /// Why blocks are not staged: they never were, or somebody else wrote the blob, which throws away whatever is staged for it.
    fn not_staged(&mut self, path: &StorePath, upload: &str, error: Error, condition: &Condition) -> Error {
        if *condition == Condition::IfAbsent && self.stat(path).is_ok() {
            return Error { code: error.code, ..Error::already_exists(path) };
        }
        match self.staged(path, upload) {
            Ok(staged) if staged.is_empty() => Error { code: error.code, ..Error::upload_expired() },
            Ok(_) => error,
            Err(error) => error,
        }
    }

    /// What is staged for `upload` to `path`, by number.
    pub(crate) fn staged(&self, path: &StorePath, upload: &str) -> Result<Vec<FoundPart>> {
        let url = self.container.blob(&self.container.root().key(path), &[("comp", "blocklist"), ("blocklisttype", "uncommitted")]);
        let Some(answer) = document(get(url).send()?, path.as_str()).found()? else { return Ok(Vec::new()) };
        let mut staged = Vec::new();
        for block in answer.all("UncommittedBlocks").flat_map(|blocks| blocks.all("Block")) {
            let name = STANDARD.decode(block.text("Name")).ok().and_then(|name| String::from_utf8(name).ok()).unwrap_or_default();
            let Some(Part { number, .. }) = part(upload, &name) else { continue };
            let length = block.text("Size").parse().map_err(|_| malformed())?;
            staged.push(FoundPart { number, length, id: name });
        }
        staged.sort_by_key(|part| part.number);
        Ok(staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_all_of_a_part_and_belongs_to_one_upload() {
        let first = Part { number: 17, offset: 5 << 40, writer: u64::MAX };
        let name = name("0123456789abcdef", &first);
        assert_eq!(name.len(), DIGITS);
        let read = part("0123456789abcdef", &name).map(|part| (part.number, part.offset, part.writer));
        assert_eq!(read, Some((17, 5 << 40, u64::MAX)));
        for (upload, name) in
            [("0123456789abcdee", name.as_str()), ("0123456789abcdef", &name[..50]), ("0123456789abcdef", "x"), ("", &"ä".repeat(28))]
        {
            assert!(part(upload, name).is_none(), "{upload} {name}");
        }
    }
}
