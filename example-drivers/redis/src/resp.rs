//! Commands and replies on the wire: RESP2, the protocol that every Redis speaks from the start.

use cofferdam_guest::prelude::*;

/// The longest line: errors are the longest that Redis has.
const LINE_MAX: usize = 64 << 10;

/// The longest text: a value of the contract, and room for what others may have stored.
const BULK_MAX: usize = 2 * VALUE_MAX;

/// The most replies in one: a page, and the key that says that more follow.
const ARRAY_MAX: usize = 4096;

/// How deep replies are in replies: this driver asks nothing that nests.
const DEPTH_MAX: u32 = 2;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A word: `+OK`.
    Simple(String),
    /// An error: its code, then words.
    Error(String),
    /// A number.
    Integer(i64),
    /// Bytes, or that there are none.
    Bulk(Option<Vec<u8>>),
    /// Several, or that there are none.
    Array(Option<Vec<Self>>),
}

/// A command on the wire.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The next reply.
///
/// # Errors
/// What the connection answers; `unavailable` for what no Redis says, after which the connection is of no use.
pub(crate) fn reply(connection: &mut Connection) -> Result<Reply> {
    nested(connection, DEPTH_MAX)
}

fn nested(connection: &mut Connection, depth: u32) -> Result<Reply> {
    let line = connection.line(LINE_MAX)?;
    let line = String::from_utf8(line).map_err(|_| strange("a line that is no text"))?;
    let mut letters = line.chars();
    let kind = letters.next();
    let rest = letters.as_str();
    match kind {
        Some('+') => Ok(Reply::Simple(rest.to_owned())),
        Some('-') => Ok(Reply::Error(rest.to_owned())),
        Some(':') => rest.parse().map(Reply::Integer).map_err(|_| strange("a number that is none")),
        Some('$') => Ok(Reply::Bulk(match length(rest, BULK_MAX)? {
            None => None,
            Some(length) => {
                let mut bytes = connection.exactly(length + 2)?;
                if bytes.split_off(length) != b"\r\n" {
                    return Err(strange("bytes without an end"));
                }
                Some(bytes)
            }
        })),
        Some('*') if depth > 0 => Ok(Reply::Array(match length(rest, ARRAY_MAX)? {
            None => None,
            Some(length) => Some((0..length).map(|_| nested(connection, depth - 1)).collect::<Result<_>>()?),
        })),
        _ => Err(strange("something else than a reply")),
    }
}

/// A length, or that there is nothing.
fn length(text: &str, max: usize) -> Result<Option<usize>> {
    if text == "-1" {
        return Ok(None);
    }
    text.parse().ok().filter(|length| *length <= max).map(Some).ok_or_else(|| strange("a length that no reply has"))
}

fn strange(what: &str) -> Error {
    Error::unavailable(format!("the server answered {what}: it is no Redis, or something on the way is broken"))
}

impl Reply {
    /// The texts in the array that `command` answered.
    ///
    /// # Errors
    /// `internal` for another reply, `corrupted` for bytes that are no text.
    pub(crate) fn texts(self, command: &str) -> Result<Vec<String>> {
        let text = |bytes: Option<Vec<u8>>| {
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| Error::corrupted(format!("{command} answered something that is no text")))
        };
        self.bulks(command)?.into_iter().map(text).collect()
    }

    /// The bytes in the array that `command` answered.
    ///
    /// # Errors
    /// `internal` for another reply.
    pub(crate) fn bulks(self, command: &str) -> Result<Vec<Option<Vec<u8>>>> {
        let Self::Array(Some(replies)) = self else { return Err(self.unexpected(command)) };
        let bulk = |reply| match reply {
            Self::Bulk(bytes) => Ok(bytes),
            other => Err(other.unexpected(command)),
        };
        replies.into_iter().map(bulk).collect()
    }

    /// The error that `command` answered this, which it never does.
    pub(crate) fn unexpected(&self, command: &str) -> Error {
        let what = match self {
            Self::Simple(_) => "a word",
            Self::Error(_) => "an error",
            Self::Integer(_) => "a number",
            Self::Bulk(_) => "bytes",
            Self::Array(_) => "an array",
        };
        Error::internal(format!("the server answered {command} with {what} that it never has"))
    }
}
