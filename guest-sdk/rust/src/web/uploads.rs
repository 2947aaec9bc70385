//! Uploads: tokens that say all that is needed to go on, and parts that join.

use std::hash::Hasher;

use fnv::FnvHasher;

use crate::error::Result;
use crate::path::StorePath;
use crate::types::{Error, Span, WrittenPart};

/// The longest name of an upload that is taken; S3's have some 130 characters.
const UPLOAD_MAX: usize = 2048;

/// What this form of a token begins with: another form will begin with another number.
const VERSION: &str = "1";

/// `told` with a check behind it.
///
/// The check tells a text that was cut or put together from one that is ours, without asking the server. It is no secret: whoever
/// has a mount may write to all of it anyway.
pub fn sealed(told: &str) -> String {
    format!("{told}:{:016x}", check(told))
}

/// What [`sealed`] was told.
pub fn unsealed(text: &str) -> Option<&str> {
    let (told, found) = text.rsplit_once(':')?;
    (found == format!("{:016x}", check(told))).then_some(told)
}

fn check(told: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(told.as_bytes());
    hasher.finish()
}

/// What a token is where an upload belongs to a path: `1:<path>:<the server's name of the upload>:<check>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Where the upload goes.
    pub path: StorePath,
    /// What tells it from others to the same path.
    pub upload: String,
}

impl Token {
    /// As text.
    pub fn text(&self) -> String {
        sealed(&format!("{VERSION}:{}:{}", self.path, self.upload))
    }

    /// Reads what [`Token::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, upload) = unsealed(text)?.strip_prefix(VERSION)?.strip_prefix(':')?.split_once(':')?;
        let legal = !upload.is_empty() && upload.len() <= UPLOAD_MAX;
        StorePath::new(path).ok().filter(|_| legal).map(|path| Self { path, upload: upload.to_owned() })
    }

    /// Reads a token that a caller gives.
    ///
    /// # Errors
    /// `invalid-argument` for what is none.
    pub fn of_caller(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(not_a_token)
    }
}

/// The error for a token that is none of this driver's.
pub fn not_a_token() -> Error {
    Error::invalid_argument("the upload token is none of this driver's")
}

/// Checks that `parts`, which are in the order of their numbers, join without a gap, and that only the last is below `least` bytes.
///
/// # Errors
/// `invalid-argument`, naming the part.
pub fn check_joined(parts: &[WrittenPart], least: u64) -> Result<()> {
    let mut end = 0;
    for (index, part) in parts.iter().enumerate() {
        if part.offset != end || (index > 0 && parts[index - 1].number == part.number) {
            return Err(Error::invalid_argument(format!("part {} begins at {} where {end} is due", part.number, part.offset)));
        }
        if part.length < least && index + 1 < parts.len() {
            return Err(Error::invalid_argument(format!("part {} has {} bytes, below the {least} that the server joins", part.number, part.length)));
        }
        end = part.offset.saturating_add(part.length);
    }
    Ok(())
}

/// `size` bytes in pieces of `most` bytes, which is at least 1, and a shorter last one: the number of each, from 1, and where it is.
pub fn pieces(size: u64, most: u64) -> impl Iterator<Item = (u32, Span)> {
    let offsets = std::iter::successors(Some(0_u64), move |offset| offset.checked_add(most)).take_while(move |offset| *offset < size);
    (1..).zip(offsets.map(move |offset| Span { offset, length: most.min(size - offset) }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is() {
        let token = Token { path: StorePath::new("/a/b").unwrap(), upload: "x:y/z.~".to_owned() };
        let text = token.text();
        assert_eq!(Token::parse(&text), Some(token));
        let cut = &text[..text.len() - 1];
        for garbage in ["", "/", "../x", "1:/a:x", cut, &format!("{text}x"), &format!("{text}/../{text}"), &text.replace("/a/b", "/a/c")] {
            assert_eq!(Token::parse(garbage), None, "{garbage}");
        }
        assert_eq!(Token::of_caller("x").unwrap_err().kind, ErrorKind::InvalidArgument);
    }

    #[test]
    fn pieces_are_all_of_it_and_no_more() {
        let shown = |size, most| pieces(size, most).map(|(number, Span { offset, length })| (number, offset, length)).collect::<Vec<_>>();
        assert_eq!(shown(10, 4), [(1, 0, 4), (2, 4, 4), (3, 8, 2)]);
        assert_eq!(shown(8, 4), [(1, 0, 4), (2, 4, 4)]);
        assert_eq!(shown(3, u64::MAX), [(1, 0, 3)]);
        assert_eq!(shown(0, 4), []);
    }

    #[test]
    fn parts_join_without_a_gap() {
        let part = |number, offset, length| WrittenPart { number, offset, length, writer: 1, id: "i".to_owned() };
        assert!(check_joined(&[], 5).is_ok() && check_joined(&[part(1, 0, 5), part(7, 5, 1)], 5).is_ok());
        for (wrong, least) in [
            ([part(1, 0, 5), part(2, 6, 1)], 1),
            ([part(1, 0, 5), part(2, 4, 1)], 1),
            ([part(1, 1, 5), part(2, 6, 1)], 1),
            ([part(1, 0, 5), part(1, 5, 1)], 1),
            ([part(1, 0, 4), part(2, 4, 1)], 5),
            ([part(1, 0, u64::MAX), part(2, 0, 1)], 1),
        ] {
            assert_eq!(check_joined(&wrong, least).unwrap_err().kind, ErrorKind::InvalidArgument, "{wrong:?}");
        }
    }
}
