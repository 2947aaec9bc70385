//! What an upload's token is made of: the key and S3's name of the upload, so that any instance can go on with it.

use std::hash::Hasher;

use cofferdam_guest::prelude::*;
use fnv::FnvHasher;

/// The longest name of an upload that is taken; S3's have some 130 characters.
const UPLOAD_MAX: usize = 2048;

/// What this form of a token begins with: another form will begin with another number.
const VERSION: &str = "1";

/// A token: `1:<path>:<S3's name of the upload>:<check>`.
///
/// The check tells a token that was cut or put together from one that is ours, without asking the server. It is no secret: whoever
/// has a mount may write to all of it anyway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) path: StorePath,
    pub(crate) upload: String,
}

impl Token {
    /// As text.
    pub(crate) fn text(&self) -> String {
        let told = format!("{VERSION}:{}:{}", self.path, self.upload);
        format!("{told}:{:016x}", check(&told))
    }

    /// Reads what [`Token::text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (told, found) = text.rsplit_once(':')?;
        if found != format!("{:016x}", check(told)) {
            return None;
        }
        let (path, upload) = told.strip_prefix(VERSION)?.strip_prefix(':')?.split_once(':')?;
        let legal = !upload.is_empty() && upload.len() <= UPLOAD_MAX;
        StorePath::new(path).ok().filter(|_| legal).map(|path| Self { path, upload: upload.to_owned() })
    }

    /// Reads a token that a caller gives.
    ///
    /// # Errors
    /// `invalid-argument` for what is none.
    pub(crate) fn of_caller(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::invalid_argument("the upload token is none of this driver's"))
    }
}

fn check(told: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(told.as_bytes());
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
}
