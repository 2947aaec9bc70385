//! Uploads: blocks that are staged for the blob that they will be, and a marker that says the upload is not over.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::uploads::{Token, check_joined};
use cofferdam_guest::web::{sized, unheld};

use crate::container::put;
use crate::errors::succeed;
use crate::{AzureBlobDriver, BLOCK_MAX, BLOCKS_MAX, blocks};

impl Uploads for AzureBlobDriver {
    fn create(&mut self, path: &StorePath) -> Result<String> {
        let token = Token { path: path.clone(), upload: blocks::new_upload() };
        self.mark(&token).map_err(|error| unheld(error, &Condition::Unconditional, path))?;
        Ok(token.text())
    }

    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String> {
        let token = Token::of_caller(token)?;
        if !(1..=BLOCKS_MAX).contains(&part.number) {
            return Err(Error::invalid_argument(format!("the number of a part is from 1 to {BLOCKS_MAX}, not {}", part.number)));
        }
        if sized(&content, BLOCK_MAX)? == 0 {
            return Err(Error::invalid_argument("a part has at least one byte"));
        }
        self.check_marked(&token)?;
        let name = blocks::name(&token.upload, &part);
        let request = self.checksum.of_body(put(self.block_url(&token.path, &name)), &content)?;
        succeed(request.send_with(&content)?, "a part").map_err(|error| unheld(error, &Condition::Unconditional, &token.path))?;
        Ok(name)
    }

    fn complete(&mut self, token: &str, mut parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let token = Token::of_caller(token)?;
        if token.path != *destination {
            return Err(Error::unsupported(format!("an upload to {} completes there, not at {destination}", token.path)));
        }
        if matches!(condition, Condition::IfMatch(_)) {
            return Err(Error::unsupported("an upload completes unconditionally or with `if-absent`"));
        }
        parts.sort_by_key(|part| part.number);
        check_joined(&parts, 1)?;
        for WrittenPart { number, offset, writer, id, .. } in &parts {
            if *id != blocks::name(&token.upload, &Part { number: *number, offset: *offset, writer: *writer }) {
                return Err(Error::invalid_argument(format!("part {number} was never written with this id")));
            }
        }
        self.check_marked(&token)?;
        let size = parts.iter().map(|part| part.length).sum();
        let names: Vec<_> = parts.into_iter().map(|part| part.id).collect();
        let info = self.commit(&token.path, &token.upload, &names, size, &condition)?;
        // The object is made: an upload that still shows as unfinished is removed by whoever looks for such.
        drop(self.unmark(&token));
        Ok(info)
    }

    /// What was staged stays until the blob is written or a week has gone by: Azure has no way to throw it away.
    fn abort(&mut self, token: &str) -> Result<()> {
        self.unmark(&Token::of_caller(token)?)
    }
}
